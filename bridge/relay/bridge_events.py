"""The bridge's own events, on `<bridge>/event`: told in order, as fast as the broker takes them, and not more of a kind than anybody would read."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

import msgspec
from twisted.logger import Logger

from bridge.mqtt.message import Publication
from bridge.relay.noticeboard import say
from bridge.relay.outlet import Outlet
from bridge.relay.rate import Ration

SAID_OFTEN = frozenset({"command_refused", "answer_late", "auth_failed", "protocol_error"})
"""Events that others can cause, as often as they like."""
MOST_SAID = 20
SAID_WITHIN_S = 10.0
"""Of each kind of them at most so many are told within this. What is left out is counted, and the count told with the next."""
MOST_UNDER_WAY = 50
"""So many wait for their PUBACK at once. When a city's terminals come back together, the others wait here: as nothing but their bytes, where in
the link each would take five times as much, and stand in the way of what terminals report."""

_encode = msgspec.json.Encoder().encode
_log = Logger()


class Tell(Protocol):
    """Publishes an event of the bridge itself: its kind, and its data."""

    def __call__(self, kind: str, /, **data: Any) -> None: ...


class BridgeEvents:
    """`now` gives this moment as the contract writes it, `seconds` monotonic ones. What happens while the broker is away is not told."""

    def __init__(self, outlet: Outlet, topic: str, now: Callable[[], str], seconds: Callable[[], float]) -> None:
        self._outlet = outlet
        self._topic = topic
        self._now = now
        self._seconds = seconds
        self._ration = Ration(MOST_SAID, SAID_WITHIN_S)
        self._waiting: deque[bytes] = deque()
        self._under_way = 0
        self._is_telling = False

    def tell(self, kind: str, /, **data: Any) -> None:
        """Publish an event."""
        if not self._outlet.is_up:
            return
        omitted = self._ration.take(kind, self._seconds()) if kind in SAID_OFTEN else 0
        if omitted is None:
            return
        beside = {"omitted": omitted} if omitted else {}
        self._waiting.append(_encode({"type": kind, "time": self._now(), **beside, "data": data}))
        self._go_on()

    def _go_on(self) -> None:
        if self._is_telling:
            return
        self._is_telling = True
        while self._waiting and self._under_way < MOST_UNDER_WAY:
            self._under_way += 1
            event = Publication(self._topic, self._waiting.popleft(), content_type="application/json")
            say(self._outlet, event, _log).addBoth(self._landed)
        self._is_telling = False

    def _landed(self, _: object) -> None:
        self._under_way -= 1
        if not self._outlet.is_up:
            self._waiting.clear()
        self._go_on()
