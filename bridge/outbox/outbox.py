"""The outbox: what must not be lost while the broker is away, committed to the disk, and handed out again in order.

Everything here is called where the reactor runs, and returns at once; the disk is waited for by a thread. One round of work is under way
at a time, and whatever is queued meanwhile goes into the next one's single transaction.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Final, TypeVar

from twisted.internet.defer import Deferred, fail
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import StorageFault
from ..registry.files import private_directory
from .rounds import Queue, Round
from .store import Store
from .thread import Thread
from .values import Checkpoint, CopiesSize, Counters, Entry, Failing, Limits, Report, Size, Stored, Working
from .work import Holdings, Outcome

FILE_NAME: Final = "outbox.sqlite3"
SWEEP_S: Final = 60.0  # how often aged entries are looked for
CLOSE_S: Final = 2.0  # how long a close may take: a disk that takes longer is not waited for
ACKNOWLEDGED_AFTER_S: Final = 0.05  # how long acknowledgements wait for others: a round of its own for each takes longer than the work
BATCH_BYTES: Final = 4 << 20  # as much as the link has on its way at once

Observer = Callable[[Report], None]
T = TypeVar("T")


class Outbox:
    """The entries of one state directory, which the registry's lock keeps from other processes.

    The order: entries of one terminal are handed out in the order of `add`, and terminals in turn. Whoever delivers a batch says of each
    entry that it is `delivered`, `undeliverable` or given back, and until then is not handed it again.
    """

    log = Logger()

    def __init__(
        self,
        store: Store,
        opened: Outcome,
        clock: IReactorTime,
        wall: Callable[[], float],
        thread: Thread,
        observer: Observer,
        *,
        keeps_copies: bool,
    ) -> None:
        self.may_expire = False
        """Whether copies that were kept for long enough are deleted: not while nobody knows whether the broker has forgotten them."""
        self.keeps_copies = keeps_copies
        """Whether copies are kept of what the broker has acknowledged."""
        self.counters = Counters()
        self.fault: str | None = None
        """Why nothing can be written, when the last attempt failed."""
        self._store = store
        self._clock = clock
        self._wall = wall
        self._thread = thread
        self._observer = observer
        self._queue = Queue()
        self._round: Round | None = None
        self._soon: IDelayedCall | None = None
        self._is_closing = False
        self._idle: Deferred[None] | None = None
        self._holdings = Holdings()
        self._is_abandoned = False
        self._report(self._take_in(opened, has_written=False))
        self._sweeping = LoopingCall(self._sweep)
        self._sweeping.clock = clock
        self._sweeping.start(SWEEP_S, now=False).addErrback(self._defect)

    @classmethod
    def open(
        cls, directory: Path, limits: Limits, clock: IReactorTime, wall: Callable[[], float], thread: Thread, observer: Observer
    ) -> Outbox:
        """The outbox of a state directory, which is created. Opening takes up to some tenths of a second, on the caller's thread.

        `clock.seconds()` is monotonic, `wall` gives UNIX seconds. `observer` is told of what is dropped, set aside, failing and working
        again; a damaged file and a full disk that are found now are survived, and told at once. Raises ConfigError when the directory or the
        file is not the bridge's, or cannot be used.
        """
        private_directory(directory)
        store = Store(directory / FILE_NAME, limits)
        opened = store.open(wall(), clock.seconds())
        return cls(store, opened, clock, wall, thread, observer, keeps_copies=limits.keep_s > 0)

    @property
    def size(self) -> Size:
        """What was waiting after the last round."""
        now, oldest = self._wall(), self._holdings.oldest_added_at
        return Size(self._holdings.events, self._holdings.bytes, None if oldest is None else max(0.0, now - oldest))

    @property
    def copies(self) -> CopiesSize:
        """What was kept of what the broker has acknowledged, after the last round."""
        return CopiesSize(self._holdings.copies, self._holdings.copies_bytes, self._holdings.copies_dropped)

    @property
    def checkpoint(self) -> Checkpoint:
        """Up to where the broker has acknowledged everything, as known after the last round. It is true for as long as nothing is recalled."""
        return Checkpoint(self._store.runs.name, self._holdings.acknowledged_below)

    @property
    def congested(self) -> bool:
        """Whether more is waiting for the disk than should be."""
        return self._queue.congested

    def when_drained(self) -> Deferred[None]:
        """Fires when the outbox is not congested; never fails."""
        return self._queue.when_drained()

    def holds(self, terminal: str) -> bool:
        """Whether an entry of this terminal waits here or is on its way here, or is handed out and not done with: newer ones queue behind it.
        Copies hold nothing up."""
        return self.held(terminal) > 0

    def held(self, terminal: str) -> int:
        """How many there are of those."""
        return self._queue.adding[terminal] + self._holdings.held.get(terminal, 0)

    def add(self, entry: Entry) -> Deferred[int]:
        """Keep an entry; fires with its id when it is on the disk. One whose key is there already is left as it is, and so is its id;
        a copy waits again.

        Fails with StorageFault when the entry is larger than what is not on its way leaves free, when it could not be written (full,
        read-only, broken; nothing of it is kept then), or when the outbox was closed. Cancelling does not take it back.
        """
        if self._is_closing:
            return fail(StorageFault("the outbox is closed"))
        return self._queued(self._queue.add(entry))

    def next_batch(self, most_bytes: int = BATCH_BYTES) -> Deferred[list[Stored]]:
        """Hand out what comes next: of each terminal in turn, until it would be more than so many bytes or MOST_IN_A_BATCH entries, though
        one at least; an empty list when all is handed out.

        Fails with StorageFault when it could not be read, or when the outbox was closed; then nothing is handed out.
        """
        if self._is_closing:
            return fail(StorageFault("the outbox is closed"))
        return self._queued(self._queue.batch(most_bytes))

    def delivered(self, ids: Iterable[int]) -> Deferred[None]:
        """The broker has acknowledged these; fires when they are deleted or, where copies are kept, wait no more. Those that are not there
        are ignored.

        Fails with StorageFault when they could not be deleted; they are deleted later then, and not handed out again unless the bridge
        is started anew in between. A copy that cannot be looked up is handed out again.
        """
        return self._done_with(acknowledged=list(ids)) if self.keeps_copies else self._done_with(delivered=list(ids))

    def undeliverable(self, ids: Iterable[int]) -> Deferred[None]:
        """The broker will never take these: they are deleted, and count as dropped. Otherwise as `delivered`."""
        return self._done_with(undeliverable=list(ids))

    def recall(self, checkpoint: Checkpoint | None = None) -> Deferred[None]:
        """The broker may have forgotten what it has acknowledged since this checkpoint, or, None, at any time: fires when the copies of that
        wait again, to be handed out in their old order. A checkpoint that is not of this file, or of an opening too long ago, is as None.

        Fails with StorageFault when the file cannot be read, or when the outbox was closed.
        """
        if self._is_closing:
            return fail(StorageFault("the outbox is closed"))
        return self._queued(self._queue.recall(checkpoint))

    def settle(self) -> Deferred[None]:
        """Fires when all that was delivered by now is known here, and `checkpoint` tells of it. Fails as `delivered` does."""
        if self._is_closing:
            return fail(StorageFault("the outbox is closed"))
        return self._queued(self._queue.settle())

    def give_back(self, ids: Iterable[int]) -> None:
        """These were not delivered, and shall be handed out again, in their old order. Does nothing once the outbox was closed."""
        if not self._is_closing:
            self._queue.give_back(list(ids))
            self._go()

    def close(self, bound_s: float = CLOSE_S) -> Deferred[None]:
        """Commit what was added, delete what was delivered, and let go of the file; nothing can be added any more.

        When that takes longer than `bound_s`, what is not committed fails with StorageFault, and the thread is left behind. Never fails.
        """
        self._is_closing = True
        if self._sweeping.running:
            self._sweeping.stop()
        if self._soon is not None:
            self._soon.cancel()
            self._soon = None
        self._go()
        closed = Deferred.fromCoroutine(self._close())
        return closed.addTimeout(bound_s, self._clock).addErrback(self._abandon)

    async def _close(self) -> None:
        while self._round is not None or self._queue:
            self._idle = Deferred()
            await self._idle
        await self._thread.call(partial(self._store.close, self._clock.seconds()))
        self._thread.stop()

    def _abandon(self, reason: Failure) -> None:
        """The disk takes too long: what is committed of what it is doing is not known."""
        self.log.error("the outbox could not be closed in time: {reason}", reason=reason.getErrorMessage())
        self._is_abandoned = True
        fault = StorageFault("the outbox was closed before this was committed")
        if self._round is not None:
            self._round.fail(fault)
        while self._queue:
            self._queue.take(self._wall(), self._clock.seconds()).fail(fault)

    def _queued(self, done: Deferred[T]) -> Deferred[T]:
        self._go()
        return done

    def _done_with(self, **ids: list[int]) -> Deferred[None]:
        if self._is_closing:
            return fail(StorageFault("the outbox is closed"))
        return self._queued(self._queue.done_with(**ids))

    def _sweep(self) -> None:
        if self._holdings.events or self._holdings.copies or self._holdings.is_slack or self.fault is not None:
            self._queue.sweep()
            self._go()

    def _go(self) -> None:
        """Begin the next round, unless one is under way or nothing is queued; soon, if nobody waits for what is queued."""
        if self._round is not None or not self._queue or self._is_abandoned:
            return
        if not self._queue.can_wait or self._is_closing:
            self._begin()
        elif self._soon is None:
            self._soon = self._clock.callLater(ACKNOWLEDGED_AFTER_S, self._begin_late)

    def _begin_late(self) -> None:
        self._soon = None
        if self._round is None and self._queue:
            self._begin()

    def _begin(self) -> None:
        self._round = taken = self._queue.take(self._wall(), self._clock.seconds(), may_expire=self.may_expire)
        done = self._thread.call(partial(self._store.perform, taken.work))
        done.addCallbacks(self._over, self._broke, callbackArgs=(taken,), errbackArgs=(taken,)).addErrback(self._defect)

    def _over(self, outcome: Outcome, taken: Round) -> None:
        if self._is_abandoned:
            return
        self._round = None
        self._queue.over(taken)
        reports = self._take_in(outcome, has_written=taken.work.writes)
        if taken.work.is_sweep and outcome.holdings.has_overdue and self.may_expire and outcome.fault is None:
            self._queue.sweep()  # a round does not delete all, so that nobody waits for long
        self._go()  # the thread works on while those who waited are told
        taken.tell(outcome)
        self._rest()
        self._report(reports)

    def _broke(self, reason: Failure, taken: Round) -> None:
        """A defect: nothing is known of the round but that it is over."""
        self._defect(reason)
        if self._is_abandoned:
            return
        self._round = None
        self._queue.over(taken)
        self._go()
        taken.fail(reason)
        self._rest()

    def _defect(self, reason: Failure) -> None:
        self.log.failure("defect in the outbox", reason)

    def _rest(self) -> None:
        if self._idle is not None and self._round is None:
            idle, self._idle = self._idle, None
            idle.callback(None)

    def _take_in(self, outcome: Outcome, *, has_written: bool) -> list[Report]:
        """Know what there is now; returns what there is to report."""
        self._holdings = outcome.holdings
        reports = list(outcome.reports)
        if outcome.fault is not None:
            if self.fault is None:
                reports.append(Failing(outcome.fault.reason))
            self.fault = outcome.fault.reason
        elif has_written and self.fault is not None:
            self.fault = None
            reports.append(Working())
        for report in reports:
            self.counters.count(report)
        return reports

    def _report(self, reports: list[Report]) -> None:
        for report in reports:
            self._observer(report)
