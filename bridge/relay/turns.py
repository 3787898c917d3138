"""Lets a few things be done at once, and the others wait for their turn."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred, maybeDeferred
from twisted.logger import Logger

T = TypeVar("T")
Begun = Deferred[Any] | None
"""What has begun: fires when it is over; None: it is over already."""
Start = Callable[[], Begun]
"""Begins something."""


class Turns(Generic[T]):
    """At most `most` at once, first come, first served; `begin` begins one. The loop is flat: thousands may be over at once when a network
    falls."""

    log = Logger()

    def __init__(self, most: int, begin: Callable[[T], Begun]) -> None:
        self._most = most
        self._begin = begin
        self._running = 0
        self._waiting: deque[T] = deque()
        self._is_starting = False

    @property
    def waiting(self) -> int:
        """How many have not begun."""
        return len(self._waiting)

    @property
    def is_idle(self) -> bool:
        """Whether nothing runs, and nothing waits."""
        return self._running == 0 and not self._waiting

    def take(self, thing: T) -> None:
        """Begin this when it is its turn, perhaps at once. Its failure is a defect, which ends in the log."""
        self._waiting.append(thing)
        self._go_on()

    def _go_on(self) -> None:
        if self._is_starting:
            return
        self._is_starting = True
        while self._waiting and self._running < self._most:
            self._running += 1
            done = maybeDeferred(self._begin, self._waiting.popleft())
            done.addErrback(lambda failure: self.log.failure("defect in what had its turn", failure))
            done.addBoth(self._over)
        self._is_starting = False

    def _over(self, _: object) -> None:
        self._running -= 1
        self._go_on()


def start(what: Start) -> Begun:
    """For turns of whatever can be begun."""
    return what()
