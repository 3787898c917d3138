"""Waits for what may never come, so long and no longer, with one timer for all that is waited for."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime


class Awaited(Protocol):
    """What may come, a Deferred for one."""

    def cancel(self) -> None:
        """It is not waited for any longer."""


class Patience:
    """For each thing that is waited for it lasts `lasts_s`. A timer for each would cost 7 of the 100 µs of an event."""

    def __init__(self, clock: IReactorTime, lasts_s: float) -> None:
        self._clock = clock
        self._lasts_s = lasts_s
        self._until: dict[Awaited, float] = {}
        """In order, since it lasts as long for each."""
        self._timer: IDelayedCall | None = None

    def begin(self, awaited: Awaited) -> None:
        """Cancel it when the time is up, or at `end`, unless it is `over` by then."""
        self._until[awaited] = self._clock.seconds() + self._lasts_s
        if self._timer is None:
            self._look_in(self._lasts_s)

    def over(self, awaited: Awaited) -> None:
        """It has come, or nobody waits for it any more. The timer stays: where one event comes after the other, each would make one and cancel
        it."""
        self._until.pop(awaited, None)

    async def wait(self, awaited: Deferred[None]) -> None:
        """Return when it has fired, or is cancelled."""
        self.begin(awaited)
        try:
            await awaited
        except CancelledError:
            return
        finally:
            self.over(awaited)

    def end(self) -> None:
        """Wait no longer for anything that is waited for now."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
            self._timer = None
        until, self._until = self._until, {}
        for awaited in until:
            awaited.cancel()

    def _look_in(self, seconds: float) -> None:
        self._timer = self._clock.callLater(seconds, self._look)

    def _look(self) -> None:
        """The timer stands until this is over, so that what begins to be waited for meanwhile does not make another, later one."""
        now = self._clock.seconds()
        for awaited in [each for each, until in self._until.items() if until <= now]:
            if self._until.pop(awaited, None) is not None:  # else it is over, for what was cancelled before it is
                awaited.cancel()
        self._timer = None
        if self._until:
            self._look_in(max(0.0, next(iter(self._until.values())) - now))
