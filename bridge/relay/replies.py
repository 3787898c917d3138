"""Responses to commands and requests, each published once: now, or when the broker is back."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.errors import BridgeError, BrokerAway
from bridge.mqtt.message import Message, Publication
from bridge.mqtt.topics import Topics
from bridge.relay.outlet import Outlet
from bridge.relay.rate import Ration

KEPT = 1_000
"""How many responses wait for a broker that is away; the oldest give way."""
KEPT_BYTES = 16 * 1024 * 1024
"""How much, pictures among it."""
KEPT_S = 60.0
"""How long: nobody waits for an answer for longer."""
MOST_LOGGED = 5
LOGGED_WITHIN_S = 60.0
"""At most so many lines within this about responses that the broker refuses: whoever names a topic for them may name any."""


class Replies:
    """Publishes responses. `seconds` is a monotonic clock."""

    log = Logger()

    def __init__(self, outlet: Outlet, seconds: Callable[[], float]) -> None:
        self._outlet = outlet
        self._seconds = seconds
        self._kept: deque[tuple[float, Publication]] = deque()
        self._kept_bytes = 0
        self._ration = Ration(MOST_LOGGED, LOGGED_WITHIN_S)

    def send(self, publication: Publication) -> None:
        """Publish a response. One that the broker did not acknowledge before it went away is published again, and may come twice."""
        self._send(self._seconds(), publication)

    def respond(self, message: Message, usual: str, payload: bytes, topics: Topics) -> None:
        """Answer a message on the `usual` topic, and on the caller's own if it named one (MQTT 5) on which the bridge may speak."""
        wanted = message.response_topic
        is_wanted_too = wanted is not None and wanted != usual and topics.may_respond_on(wanted)
        for topic in (usual, *((wanted,) if wanted is not None and is_wanted_too else ())):
            self.send(Publication(topic, payload, content_type="application/json", correlation_data=message.correlation_data))

    def link_up(self) -> None:
        """The broker is back."""
        kept, self._kept, self._kept_bytes = self._kept, deque(), 0
        for since, publication in kept:
            if self._seconds() - since < KEPT_S:
                self._send(since, publication)

    def _send(self, since: float, publication: Publication) -> None:
        self._outlet.publish(publication).addErrback(self._failed, since, publication)

    def _keep(self, since: float, publication: Publication) -> None:
        self._kept.append((since, publication))
        self._kept_bytes += len(publication.payload)
        while len(self._kept) > KEPT or self._kept_bytes > KEPT_BYTES:
            _, oldest = self._kept.popleft()
            self._kept_bytes -= len(oldest.payload)

    def _failed(self, failure: Failure, since: float, publication: Publication) -> None:
        if failure.check(BrokerAway):
            self._keep(since, publication)
            return
        failure.trap(BridgeError)
        omitted = self._ration.take("failed", self._seconds())
        if omitted is not None:
            self.log.error(
                "cannot respond on {topic}: {reason}{more}",
                topic=publication.topic,
                reason=failure.getErrorMessage(),
                more=f" (and {omitted} more before that)" if omitted else "",
            )
