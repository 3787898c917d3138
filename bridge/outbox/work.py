"""What passes between the two sides of the outbox: what one round is to do, and what came of it. Values only."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..errors import StorageFault
from .values import Checkpoint, Entry, Report, Stored


@dataclass(slots=True)
class Work:
    """What one round is to do, in this order. `wall` is UNIX seconds, `now` monotonic seconds, both at its beginning."""

    wall: float
    now: float
    given_back: list[int] = field(default_factory=list)
    acknowledged: list[int] = field(default_factory=list)
    """Delivered, and kept as copies."""
    delivered: list[int] = field(default_factory=list)
    """Delivered, and deleted."""
    undeliverable: list[int] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    is_awaited: bool = False
    """Whether somebody waits for it to be over, whatever there is to do."""
    is_sweep: bool = False
    may_expire: bool = False
    """Whether copies that were kept for long enough may be deleted."""
    is_recall: bool = False
    """Copies are to be handed out again: those that were acknowledged since this checkpoint, or all."""
    checkpoint: Checkpoint | None = None
    batches: list[int] = field(default_factory=list)
    """For each batch to be handed out, the most bytes."""

    @property
    def writes(self) -> bool:
        """Whether there is anything to write. What is acknowledged is known in memory alone: after a restart all is handed out again."""
        return bool(self.delivered or self.undeliverable or self.entries or self.is_sweep)

    @property
    def can_wait(self) -> bool:
        """Whether there is nothing but acknowledgements."""
        return not (self.writes or self.given_back or self.is_awaited or self.is_recall or self.batches)

    def __bool__(self) -> bool:
        return bool(self.acknowledged or not self.can_wait)


@dataclass(frozen=True, slots=True)
class Holdings:
    """What there is: entries that wait, their bytes, when the oldest of them was added (UNIX seconds), how many each terminal has, and
    below which id none waits; the copies beside them, whether some have been kept for long enough, and how many gave way before that; and
    whether the file is empty and could be smaller."""

    events: int = 0
    bytes: int = 0
    oldest_added_at: float | None = None
    held: dict[str, int] = field(default_factory=dict)
    acknowledged_below: int = 0
    copies: int = 0
    copies_bytes: int = 0
    copies_dropped: int = 0
    has_overdue: bool = False
    is_slack: bool = False


@dataclass(slots=True)
class Outcome:
    """What came of a round: an id for each entry and a batch for each that was asked for, or why not; `fault` is why nothing could be
    written, `undeleted` why nothing could be deleted or acknowledged, `unrecalled` why nothing could be recalled, if that was so; and what
    there is now."""

    added: list[int | StorageFault] = field(default_factory=list)
    batches: list[list[Stored] | StorageFault] = field(default_factory=list)
    fault: StorageFault | None = None
    undeleted: StorageFault | None = None
    unrecalled: StorageFault | None = None
    reports: list[Report] = field(default_factory=list)
    holdings: Holdings = field(default_factory=Holdings)
