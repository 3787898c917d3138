"""Does something again and again, at uneven intervals."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from twisted.internet.interfaces import IDelayedCall, IReactorTime

JITTER = 0.3
"""Of the interval, both ways, so that terminals do not march in step."""


class Rhythm:
    """`act` about every `every_s` seconds, or never for 0; the first time within one interval of `start`."""

    def __init__(self, reactor: IReactorTime, every_s: float, act: Callable[[], None], random: Random) -> None:
        self._reactor = reactor
        self._every_s = every_s
        self._act = act
        self._random = random
        self._next: IDelayedCall | None = None

    def start(self) -> None:
        self._expect(self._every_s * self._random.random())

    def stop(self) -> None:
        if self._next is not None and self._next.active():
            self._next.cancel()

    def _expect(self, after_s: float) -> None:
        if self._every_s > 0:
            self._next = self._reactor.callLater(after_s, self._beat)

    def _beat(self) -> None:
        self._expect(self._every_s * self._random.uniform(1 - JITTER, 1 + JITTER))
        self._act()
