"""Retained topics: what the bridge says about the state of things, kept true at the broker.

A notice that changes is published at once if the broker is there; when it comes back, all of them are, since it may have lost them.
"""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.errors import BridgeError, BrokerAway
from bridge.mqtt.message import Publication
from bridge.relay.outlet import Outlet


class Noticeboard:
    """The retained topics of this bridge, by topic."""

    log = Logger()

    def __init__(self, outlet: Outlet) -> None:
        self._outlet = outlet
        self._is_told = outlet.is_up
        """Whether the broker has been told all of it; until then a change alone would come out of order."""
        self._notices: dict[str, bytes] = {}
        self._to_clear: set[str] = set()

    def post(self, topic: str, payload: bytes) -> None:
        """This is how it is now. The same again says nothing new."""
        if self._notices.get(topic) == payload:
            return
        self._notices[topic] = payload
        self._to_clear.discard(topic)
        self._publish(topic, payload)

    def read(self, topic: str) -> bytes | None:
        """What stands there."""
        return self._notices.get(topic)

    def clear(self, topic: str) -> None:
        """There is nothing to say any more: the broker is to forget it, now or as soon as it is there."""
        self._notices.pop(topic, None)
        self._to_clear.add(topic)
        self._forget(topic)

    def link_up(self) -> None:
        """The broker is there, and may know nothing."""
        self._is_told = True
        for topic, payload in list(self._notices.items()):
            self._publish(topic, payload)
        for topic in list(self._to_clear):
            self._forget(topic)

    def link_down(self) -> None:
        """The broker is away."""
        self._is_told = False

    def _publish(self, topic: str, payload: bytes) -> None:
        if self._is_told and self._outlet.is_up:
            say(self._outlet, Publication(topic, payload, retain=True), self.log)

    def _forget(self, topic: str) -> None:
        if self._is_told and self._outlet.is_up:
            published = self._outlet.publish(Publication(topic, b"", retain=True))
            published.addCallback(lambda _: self._to_clear.discard(topic))
            published.addErrback(_log_unless_away, topic, self.log)


def say(outlet: Outlet, publication: Publication, log: Logger) -> Deferred[None]:
    """Publish what nobody waits for. A broker that goes away meanwhile is told of elsewhere; anything else ends in the log."""
    return outlet.publish(publication).addErrback(_log_unless_away, publication.topic, log)


def _log_unless_away(failure: Failure, topic: str, log: Logger) -> None:
    if failure.check(BrokerAway) is None:
        failure.trap(BridgeError)
        log.error("cannot publish on {topic}: {reason}", topic=topic, reason=failure.getErrorMessage())
