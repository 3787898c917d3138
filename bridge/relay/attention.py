"""Notices when the bridge was not running: a machine that slept, a process that was stopped, a loop that was held up.

What is read first after that may have lain in a buffer all the while, so it counts as having arrived when the bridge was last seen to run.
And what is still on its way may be as old: after a long gap the connection to the broker is given up, with all that is in it.
"""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from bridge.catalogue.message import DOOR_TTL_S

BEAT_S = 1.0
GAP_S = 2 * BEAT_S
"""A beat that is so late was missed."""
LONG_GAP_S = DOOR_TTL_S
"""What is older than this opens no door."""


class Attention:
    """`wall` gives UNIX seconds, since a monotonic clock may stand still while the machine sleeps; a step of the wall clock does no harm
    but that of a gap. `long_gap` is told why the connection is to be given up."""

    log = Logger()

    def __init__(self, clock: IReactorTime, wall: Callable[[], float], long_gap: Callable[[str], None]) -> None:
        self._wall = wall
        self._long_gap = long_gap
        self._seen_at: float | None = None
        self._loop = LoopingCall(self._beat)
        self._loop.clock = clock

    def start(self) -> None:
        """Begin to watch."""
        self._loop.start(BEAT_S).addErrback(lambda failure: self.log.failure("defect while watching for gaps", failure))

    def stop(self) -> None:
        """No more timers."""
        if self._loop.running:
            self._loop.stop()
        self._seen_at = None

    def arrived_at(self) -> float:
        """Since when, at the earliest, what is read now may have been waiting, in UNIX seconds; now, unless there was a gap."""
        now = self._wall()
        if self._seen_at is None or now - self._seen_at <= GAP_S:
            return now
        return self._seen_at

    def _beat(self) -> None:
        now = self._wall()
        gap_s = 0.0 if self._seen_at is None else now - self._seen_at
        self._seen_at = now
        if gap_s > LONG_GAP_S:
            self._long_gap(f"the bridge was not running for {gap_s:.0f} s")
