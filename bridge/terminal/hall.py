"""What all connections of a bridge share, and what they need of a transport."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from twisted.internet.interfaces import IReactorTime

from ..session.surroundings import Surroundings
from .audience import Audience
from .deadlines import Deadlines
from .directory import Directory
from .limits import FrameLimits, Places, Rates


@dataclass(frozen=True, slots=True)
class Hall:
    """What all connections of a bridge share. `clock.seconds()` is monotonic."""

    clock: IReactorTime
    surroundings: Surroundings
    limits: FrameLimits
    directory: Directory
    audience: Audience
    first_sequence: Callable[[], int]
    places: Places
    rates: Rates
    deadlines: Deadlines


class StreamTransport(Protocol):
    """What is used of a transport, TCP or TLS."""

    def write(self, data: bytes) -> None: ...
    def registerProducer(self, producer: object, streaming: bool) -> None: ...
    def unregisterProducer(self) -> None: ...
    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...
    def loseConnection(self) -> None: ...
    def abortConnection(self) -> None: ...
