"""What a sync_time tells of a terminal's clock (protocol section 4.6.2), and what that says later on."""

from __future__ import annotations

from datetime import datetime, tzinfo
from typing import Final, NamedTuple

from .clock import parse_terminal_time
from .terminal_clock import TerminalClock

LEAST_STEP_S: Final = 0.05
"""The bridge's two clocks never agree to the microsecond, and records tell whole seconds."""


class Synced(NamedTuple):
    """What the last sync_time told of the terminal's clock, and when that was, by both clocks: UNIX seconds and monotonic ones."""

    clock: TerminalClock
    wall: float
    now: float

    def clock_at(self, wall: float, now: float) -> TerminalClock:
        """What is known of the terminal's clock. The bridge's own may have been set since: the monotonic one tells."""
        stepped_s = wall - self.wall - (now - self.now)
        return self.clock if abs(stepped_s) < LEAST_STEP_S else self.clock.stepped(stepped_s)


def synced(theirs: str, site: datetime, now: float, before: Synced | None) -> Synced | None:
    """After a sync_time that came at `site` by the bridge's clock, in the terminal's zone, and says that it is `theirs`; `before`: what was known.
    It stays so when the terminal does not say what time it has."""
    zone: tzinfo | None = site.tzinfo
    assert zone is not None
    told, wall = parse_terminal_time(theirs, zone), site.timestamp()
    if told is None:
        return before
    ahead_s = (told - site).total_seconds()
    clock = TerminalClock(wall, ahead_s) if before is None else before.clock_at(wall, now).synced_again(wall, ahead_s)
    return Synced(clock, wall, now)
