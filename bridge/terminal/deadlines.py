"""One timer of the reactor's for the deadlines of all connections: with thousands of them, a timer each would cost more than the rest of it."""

from __future__ import annotations

from heapq import heapify, heappop, heappush
from itertools import count
from math import inf
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

MOST_STALE = 64
"""So many entries that are not valid any more are kept in any case; beyond that, no more than there are valid ones."""


class Sleeper(Protocol):
    """Who has a deadline. `wakes_at` is for Deadlines alone to set: infinity at first, and whenever there is none."""

    wakes_at: float

    def woken(self) -> None:
        """The deadline has come. Must not raise."""


class Deadlines:
    """The deadlines of many, each at its time; one each at most. Those given up stay in the heap until their time, as far as they are few."""

    __slots__ = ("_clock", "_heap", "_numbers", "_stale", "_timer", "_timer_at")

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._heap: list[tuple[float, int, Sleeper]] = []
        self._numbers = count()
        self._stale = 0
        self._timer: IDelayedCall | None = None
        self._timer_at = inf

    def __len__(self) -> int:
        return len(self._heap) - self._stale

    def set(self, sleeper: Sleeper, at: float) -> None:
        """Wake it at this time, monotonic seconds, and at no other."""
        self._give_up(sleeper)
        sleeper.wakes_at = at
        heappush(self._heap, (at, next(self._numbers), sleeper))
        self._arm()

    def cancel(self, sleeper: Sleeper) -> None:
        """Do not wake it."""
        self._give_up(sleeper)
        if not len(self):
            self._heap.clear()
            self._stale = 0
        self._arm()

    def _give_up(self, sleeper: Sleeper) -> None:
        if sleeper.wakes_at == inf:
            return
        sleeper.wakes_at = inf
        self._stale += 1
        if self._stale > max(MOST_STALE, len(self)):
            # One each: an entry that was given up is as good as valid again when its sleeper has the same deadline once more.
            self._heap = list({entry[2]: entry for entry in self._heap if entry[2].wakes_at == entry[0]}.values())
            heapify(self._heap)
            self._stale = 0

    def _arm(self) -> None:
        """See that the timer fires by the first deadline. One that fires for nothing does no harm."""
        at = self._heap[0][0] if self._heap else inf
        if self._timer is not None and (at < self._timer_at or at == inf):
            self._timer.cancel()
            self._timer = None
        if self._timer is None and at < inf:
            self._timer_at = at
            self._timer = self._clock.callLater(max(0.0, at - self._clock.seconds()), self._wake)

    def _wake(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        try:
            while self._heap and self._heap[0][0] <= now:
                at, _, sleeper = heappop(self._heap)
                if sleeper.wakes_at != at:
                    self._stale -= 1
                    continue
                sleeper.wakes_at = inf
                sleeper.woken()
        finally:
            self._arm()
