"""The log's lines about terminals that come and go: one for each, until so many do at once that nobody would read them."""

from __future__ import annotations

from collections import Counter

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from bridge.relay.rate import Rate

MOST_NAMED = 100
NAMED_WITHIN_S = 10.0
"""Of those that do the same, so many are named within this; the others are counted, and the count is told as long after the first of them. A line
takes 70 µs, a quarter of a login."""


class Journal:
    """What `clock.seconds()` gives is monotonic."""

    _log = Logger()

    def __init__(self, clock: IReactorTime) -> None:
        self._clock = clock
        self._rate = Rate(MOST_NAMED, NAMED_WITHIN_S)
        self._unnamed: Counter[str] = Counter()
        self._timer: IDelayedCall | None = None

    def joined(self, serial: str, address: str, *, replaced: bool) -> None:
        """A terminal identified itself."""
        if self._names("joined"):
            how = ", in place of its older connection" if replaced else ""
            self._log.info("terminal {device} joined from {address}{how}", device=serial, address=address, how=how)

    def left(self, serial: str, reason: str) -> None:
        """A terminal is gone."""
        if self._names("left"):
            self._log.info("terminal {device} left: {reason}", device=serial, reason=reason)

    def became(self, serial: str, what: str) -> None:
        """A terminal is approved, say, or blocked."""
        if self._names(f"are {what} now"):
            self._log.info("terminal {device} is {what} now", device=serial, what=what)

    def stop(self) -> None:
        """No more timers; what is counted is told."""
        if self._timer is not None:
            self._timer.cancel()
            self._tell_count()

    def _names(self, what: str) -> bool:
        if self._rate.take(what, self._clock.seconds()) == 0:
            return True
        self._unnamed[what] += 1
        if self._timer is None:
            self._timer = self._clock.callLater(NAMED_WITHIN_S, self._tell_count)
        return False

    def _tell_count(self) -> None:
        self._timer = None
        unnamed, self._unnamed = self._unnamed, Counter()
        for what, count in unnamed.items():
            self._log.info("terminals: {count} more {what}, too many at once to name them", count=count, what=what)
