"""What is known of a terminal's clock, and how old a record is by it.

A terminal sets its clock at each sync_time (section 4.6.2). So a record that says it is of a moment since then is by the clock as it was set;
an earlier one may be by the clock as it was before, and one that neither explains is no younger than the sync. Where two readings are left, as
where a clock that was an hour ahead goes through the same hour again, the present one is believed.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

TOLERANCE_S: Final = 5.0
"""A record may be this much ahead of the bridge's clock without being thought to come from the future; and two clocks that are no
further apart show the same."""
DRIFT_S: Final = 30.0
"""How far ahead a clock may have gone since it was set, for there are terminals that ask for the time only when they connect."""
_RESOLUTION_S: Final = 1.0  # records tell whole seconds


@dataclass(frozen=True, slots=True)
class TerminalClock:
    """A terminal's last sync_time, in terms of the bridge's clock as it is now: when it was (UNIX seconds), how far ahead the terminal's
    clock was then, and how far ahead it has been since. `is_ahead_s` is not 0 when the bridge's own clock was set, or the terminal's was not."""

    synced_at: float
    was_ahead_s: float
    is_ahead_s: float = 0.0

    def synced_again(self, at: float, ahead_s: float) -> TerminalClock:
        """After another sync_time. A terminal that shows the same wrong time as at the last one does not set its clock."""
        is_unmoved = abs(ahead_s - self.was_ahead_s) <= TOLERANCE_S < abs(ahead_s)
        return TerminalClock(at, ahead_s, ahead_s if is_unmoved else 0.0)

    def stepped(self, seconds: float) -> TerminalClock:
        """After the bridge's own clock was set ahead by so many seconds, and the terminal has not been told yet."""
        return TerminalClock(self.synced_at + seconds, self.was_ahead_s - seconds, self.is_ahead_s - seconds)

    def age_s(self, shown: float, wall: float) -> float | None:
        """How old a record is at `wall` that says it was made at `shown`, both UNIX seconds. None: it says it is of the future."""
        by_clock_as_set = wall - shown + self.is_ahead_s
        by_clock_before = wall - shown + self.was_ahead_s
        since_sync = wall - self.synced_at
        says_since_sync = by_clock_as_set <= since_sync + _RESOLUTION_S
        if says_since_sync and by_clock_as_set >= -TOLERANCE_S:
            return max(0.0, by_clock_as_set)
        if by_clock_before >= -TOLERANCE_S:
            is_by_unset_clock = says_since_sync and by_clock_before < since_sync
            return max(0.0, by_clock_before) if is_by_unset_clock else max(by_clock_before, since_sync)
        return by_clock_as_set if by_clock_as_set >= -TOLERANCE_S else None


def age_s(shown: float, clock: TerminalClock | None, wall: float) -> float | None:
    """The same, where nothing may be known of the clock."""
    if clock is not None:
        return clock.age_s(shown, wall)
    return max(0.0, wall - shown) if wall - shown >= -TOLERANCE_S else None


def least_age_s(shown: float, clock: TerminalClock | None, wall: float) -> float:
    """How old a record of the future is at least: as good as new while nothing is known of the clock, or when it may have drifted. Otherwise it
    was made by a clock that was put right before the last sync."""
    if clock is None or shown - clock.is_ahead_s - wall <= DRIFT_S:
        return 0.0
    return max(0.0, wall - clock.synced_at)
