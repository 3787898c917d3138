"""Retained topics: what the bridge says about the state of things, kept true at the broker.

A notice that changes is published at once if the broker is there; when it comes back, all of them are, since it may have lost them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.errors import BridgeError, BrokerAway
from bridge.mqtt.message import Publication
from bridge.relay.outlet import Outlet

Drawn = Callable[[], bytes]
"""A notice that is made each time it is told: it is too large to be kept, or depends on the broker."""


class Noticeboard:
    """The retained topics of this bridge, by topic. What the broker has yet to be told waits here, a topic once, for as long as the
    link is congested."""

    log = Logger()

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._is_telling = outlet.is_up
        self._is_waiting = False
        self._notices: dict[str, bytes | Drawn] = {}
        self._to_clear: set[str] = set()
        self._untold: dict[str, None] = {}

    def post(self, topic: str, payload: bytes | Drawn) -> None:
        """This is how it is now. The same bytes again say nothing new."""
        if self._notices.get(topic) == payload:
            return
        self._notices[topic] = payload
        self._to_clear.discard(topic)
        self._untold[topic] = None
        self._tell()

    def read(self, topic: str) -> bytes | None:
        """What stands there."""
        notice = self._notices.get(topic)
        return notice() if callable(notice) else notice

    def again(self, topics: Iterable[str]) -> None:
        """Tell these once more, in this order, as far as there are such notices: somebody may have missed them."""
        self._untold |= {topic: None for topic in topics if topic in self._notices}
        self._tell()

    def clear(self, topic: str) -> None:
        """There is nothing to say any more: the broker is to forget it, now or as soon as it is there."""
        self._notices.pop(topic, None)
        self._to_clear.add(topic)
        self._untold[topic] = None
        self._tell()

    def forget(self, topic: str) -> None:
        """Others speak on this topic now: say nothing there any more, and leave what stands there."""
        self._notices.pop(topic, None)
        self._to_clear.discard(topic)
        self._untold.pop(topic, None)

    def link_up(self) -> None:
        """The broker is there, and may know nothing."""
        self._is_telling = True
        self._untold = dict.fromkeys((*self._notices, *self._to_clear))
        self._tell()

    def link_down(self) -> None:
        """The broker is away."""
        self._is_telling = False

    def _tell(self) -> None:
        """Until all is told, or the link has enough to do."""
        while self._untold and self._is_telling and self._outlet.is_up and not self._is_waiting:
            if self._outlet.congested:
                self._is_waiting = True
                self._outlet.when_drained().addCallback(self._go_on)
                return
            topic = next(iter(self._untold))
            del self._untold[topic]
            self._publish(topic)

    def _go_on(self, _: None) -> None:
        self._is_waiting = False
        self._tell()

    def _publish(self, topic: str) -> None:
        if topic in self._to_clear:
            published = self._outlet.publish(Publication(topic, b"", retain=True))
            published.addCallback(lambda _: self._to_clear.discard(topic))
            published.addErrback(_log_unless_away, topic, self.log)
        else:
            notice = self._notices[topic]
            payload = notice() if callable(notice) else notice
            say(self._outlet, Publication(topic, payload, retain=True), self.log)


def say(outlet: Outlet, publication: Publication, log: Logger) -> Deferred[None]:
    """Publish what nobody waits for. A broker that goes away meanwhile is told of elsewhere; anything else ends in the log."""
    return outlet.publish(publication).addErrback(_log_unless_away, publication.topic, log)


def _log_unless_away(failure: Failure, topic: str, log: Logger) -> None:
    if failure.check(BrokerAway) is None:
        failure.trap(BridgeError)
        log.error("cannot publish on {topic}: {reason}", topic=topic, reason=failure.getErrorMessage())
