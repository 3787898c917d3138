"""What waits for the outbox's thread: queued by the reactor, taken a round at a time, answered when the round is over. No I/O."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from twisted.internet.defer import Deferred, succeed
from twisted.python.failure import Failure

from ..errors import StorageFault
from .rows import size_of
from .values import Checkpoint, Entry, Stored
from .work import Outcome, Work

MOST_IN_A_ROUND_BYTES: Final = 16 << 20  # bounds the transaction, and with it the WAL
HIGH_WATER_BYTES: Final = 16 << 20  # queued; above it the terminals should pause
LOW_WATER_BYTES: Final = 4 << 20  # queued; below it they may go on


@dataclass(slots=True, eq=False)
class Addition:
    """An entry, and whoever wants to know its id once it is committed."""

    entry: Entry
    size: int
    done: Deferred[int]


@dataclass(slots=True)
class Round:
    """What is under way: the work, and who is to be told of each part of it, in the same order."""

    work: Work
    additions: list[Addition] = field(default_factory=list)
    deletions: list[Deferred[None]] = field(default_factory=list)
    recalls: list[Deferred[None]] = field(default_factory=list)
    batches: list[Deferred[list[Stored]]] = field(default_factory=list)

    def tell(self, outcome: Outcome) -> None:
        """Fire everything with what came of it."""
        for addition, added in zip(self.additions, outcome.added, strict=True):
            _fire(addition.done, added)
        for deletion in self.deletions:
            _fire(deletion, outcome.undeleted)
        for recall in self.recalls:
            _fire(recall, outcome.unrecalled)
        for done, batch in zip(self.batches, outcome.batches, strict=True):
            _fire(done, batch)

    def fail(self, reason: Failure | StorageFault) -> None:
        """Fail everything."""
        waiting: list[Deferred[Any]] = [*(addition.done for addition in self.additions), *self.deletions, *self.recalls, *self.batches]
        for each in waiting:
            each.errback(reason)


class Queue:
    """What is queued. `take` is the way out; the bytes of what was taken count until `over`."""

    def __init__(self) -> None:
        self.congested = False  # between the marks it keeps what it was
        self.adding: Counter[str] = Counter()
        """How many entries of each terminal are not committed yet."""
        self._bytes = 0
        self._additions: deque[Addition] = deque()
        self._next = Round(Work(0.0, 0.0))
        """All but the additions, which are bounded."""
        self._drained: list[Deferred[None]] = []

    def __bool__(self) -> bool:
        return bool(self._additions or self._next.work)

    @property
    def can_wait(self) -> bool:
        """Whether nothing is queued but what the broker has acknowledged, of which copies are kept."""
        return not self._additions and self._next.work.can_wait

    def add(self, entry: Entry) -> Deferred[int]:
        """Queue an entry."""
        addition = Addition(entry, size_of(entry), Deferred())
        self._additions.append(addition)
        self.adding[entry.terminal] += 1
        self._count(addition.size)
        return addition.done

    def done_with(
        self, *, acknowledged: Sequence[int] = (), delivered: Sequence[int] = (), undeliverable: Sequence[int] = ()
    ) -> Deferred[None]:
        """Queue that entries wait no more: as in Work."""
        done: Deferred[None] = Deferred()
        self._next.work.acknowledged += acknowledged
        self._next.work.delivered += delivered
        self._next.work.undeliverable += undeliverable
        if acknowledged or delivered or undeliverable:
            self._next.deletions.append(done)
        else:
            done.callback(None)
        return done

    def settle(self) -> Deferred[None]:
        """Queue nothing, and wait until what is queued is done."""
        done: Deferred[None] = Deferred()
        self._next.work.is_awaited = True
        self._next.deletions.append(done)
        return done

    def recall(self, checkpoint: Checkpoint | None) -> Deferred[None]:
        """Queue that copies wait again: those that were acknowledged since the checkpoint, or all. The last word counts."""
        done: Deferred[None] = Deferred()
        self._next.work.is_recall, self._next.work.checkpoint = True, checkpoint
        self._next.recalls.append(done)
        return done

    def give_back(self, ids: list[int]) -> None:
        """Queue that these are not on their way any more."""
        self._next.work.given_back += ids

    def batch(self, most_bytes: int) -> Deferred[list[Stored]]:
        """Queue the reading of a batch."""
        done: Deferred[list[Stored]] = Deferred()
        self._next.work.batches.append(most_bytes)
        self._next.batches.append(done)
        return done

    def sweep(self) -> None:
        """Queue a sweep."""
        self._next.work.is_sweep = True

    def take(self, wall: float, now: float, *, may_expire: bool = False) -> Round:
        """All that is queued, up to MOST_IN_A_ROUND_BYTES of entries, though one at least."""
        taken, self._next = self._next, Round(Work(0.0, 0.0))
        taken.work.wall, taken.work.now, taken.work.may_expire = wall, now, may_expire
        total = 0
        while self._additions and (not total or total + self._additions[0].size <= MOST_IN_A_ROUND_BYTES):
            addition = self._additions.popleft()
            taken.additions.append(addition)
            taken.work.entries.append(addition.entry)
            total += addition.size
        return taken

    def over(self, taken: Round) -> None:
        """What was taken is committed, or has failed."""
        for addition in taken.additions:
            self.adding[addition.entry.terminal] -= 1
            if not self.adding[addition.entry.terminal]:
                del self.adding[addition.entry.terminal]
        self._count(-sum(addition.size for addition in taken.additions))

    def when_drained(self) -> Deferred[None]:
        """Fires when the queue is not congested; never fails."""
        if not self.congested:
            return succeed(None)
        drained: Deferred[None] = Deferred(self._drained.remove)
        self._drained.append(drained)
        return drained

    def _count(self, size: int) -> None:
        self._bytes += size
        if self._bytes > HIGH_WATER_BYTES:
            self.congested = True
        elif self.congested and self._bytes <= LOW_WATER_BYTES:
            self.congested = False
            drained, self._drained = self._drained, []
            for each in drained:
                each.callback(None)


def _fire(done: Deferred[Any], result: object) -> None:
    if isinstance(result, StorageFault):
        done.errback(result)
    else:
        done.callback(result)
