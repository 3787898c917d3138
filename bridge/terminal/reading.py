"""When a connection is read: not while there is any reason against it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime

OUTPUT = "output"
"""The reason that is the peer's: it does not read what it is sent."""
PACE = "pace"
"""The peer sends faster than it may."""


class PausableTransport(Protocol):
    """What is used of a transport here."""

    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...


class Reading:
    """Pauses a transport for as long as there is a reason to, and then has `read_on` called. Most connections never need one."""

    __slots__ = ("_clock", "_read_on", "_reasons", "_timer", "_transport")

    def __init__(self, clock: IReactorTime, transport: PausableTransport | None, read_on: Callable[[], None]) -> None:
        self._clock = clock
        self._transport = transport
        self._read_on = read_on
        self._reasons: set[str] = set()
        self._timer: IDelayedCall | None = None

    @property
    def is_paused(self) -> bool:
        """Whether nothing is read."""
        return bool(self._reasons)

    @property
    def is_held(self) -> bool:
        """Whether a reason is the bridge's own, so that silence is not the peer's."""
        return not self._reasons <= {OUTPUT}

    def is_paused_for(self, why: str) -> bool:
        """Whether this is a reason."""
        return why in self._reasons

    def pause(self, why: str) -> None:
        """Stop reading."""
        if not self._reasons and self._transport is not None:
            self._transport.pauseProducing()
        self._reasons.add(why)

    def resume(self, why: str) -> None:
        """That reason is over."""
        if why not in self._reasons:
            return
        self._reasons.remove(why)
        if not self._reasons and self._transport is not None:
            self._transport.resumeProducing()
            self._read_on()

    def pause_for(self, seconds: float, then: Callable[[], None]) -> None:
        """Stop reading for the sake of the PACE, and have `then` called when that is over, which resumes. Not while it is paused so."""
        assert self._timer is None
        self.pause(PACE)
        self._timer = self._clock.callLater(seconds, self._waited, then)

    def end(self) -> None:
        """No more timers."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _waited(self, then: Callable[[], None]) -> None:
        self._timer = None
        then()
