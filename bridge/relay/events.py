"""Events out: what a terminal reports is published, and only then answered (the contract's "Who is told done, and when")."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from twisted.internet.defer import Deferred, FirstError, gatherResults
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.catalogue import Answer, Result
from bridge.errors import BridgeError, BrokerAway
from bridge.mqtt.events import EventRules, Subject, compose, is_kind
from bridge.mqtt.message import Publication
from bridge.mqtt.topics import Topics
from bridge.relay.outlet import Outlet
from bridge.session.happenings import Received
from bridge.terminal.protocol import TerminalProtocol

_OVERHEAD_BYTES = 1024
"""What a publication takes on the wire beside a picture: topic, properties, lengths."""


class EventRelay:
    """Turns messages of terminals into publications, and their PUBACKs into answers."""

    log = Logger()

    def __init__(
        self, outlet: Outlet, topics: Topics, rules: EventRules, subject_of: Callable[[str], Subject], wall: Callable[[], float]
    ) -> None:
        self._outlet = outlet
        self._topics = topics
        self._rules = rules
        self._subject_of = subject_of
        self._wall = wall
        self._on_their_way = 0
        self._idle: list[Deferred[None]] = []

    def when_idle(self) -> Deferred[None]:
        """Fires when no event is on its way to the broker any more; never fails."""
        idle: Deferred[None] = Deferred()
        if self._on_their_way == 0:
            idle.callback(None)
        else:
            self._idle.append(idle)
        return idle

    def received(self, terminal: TerminalProtocol, received: Received) -> None:
        """Publish a message's pictures and event, and answer it once the broker has acknowledged both.

        When that cannot be, the terminal is not answered: it keeps the record and sends it again.
        """
        if received.declaration is None and not is_kind(received.name):
            terminal.answer(received, Result.BAD_PARAMETER)
            return
        publications = compose(received, self._subject_of(terminal.serial), self._topics, self._rules_now(), self._wall())
        self._on_their_way += 1
        delivery = self._publish_all(publications)
        delivery.addCallbacks(lambda _: self._safe(terminal, received), lambda failure: self._not_safe(failure, terminal, received))
        delivery.addBoth(self._arrived)
        delivery.addErrback(lambda failure: self.log.failure("defect after an event of {device}", failure, device=terminal.serial))
        self._hold_back(terminal)

    def _arrived(self, outcome: object) -> object:
        self._on_their_way -= 1
        if self._on_their_way == 0:
            idle, self._idle = self._idle, []
            for each in idle:
                each.callback(None)
        return outcome

    def _publish_all(self, publications: list[Publication]) -> Deferred[list[None]]:
        """In order; fires when all are acknowledged, fails with the first BridgeError."""
        return gatherResults([self._outlet.publish(each) for each in publications], consumeErrors=True).addErrback(_first_error)

    def _rules_now(self) -> EventRules:
        """The rules, with pictures kept below what the broker takes."""
        limits = self._outlet.limits
        if limits is None or limits.maximum_packet_bytes is None:
            return self._rules
        most = min(self._rules.pictures.max_bytes, limits.maximum_packet_bytes - _OVERHEAD_BYTES)
        return replace(self._rules, pictures=replace(self._rules.pictures, max_bytes=most))

    def _safe(self, terminal: TerminalProtocol, received: Received) -> None:
        asker = self._subject_of(terminal.serial)
        terminal.answer(received, *(Answer(Result.SUCCESS) if received.data is None else received.data.default_answer(asker)))

    def _not_safe(self, failure: Failure, terminal: TerminalProtocol, received: Received) -> None:
        terminal.forget(received)
        if failure.check(BrokerAway):
            return
        failure.trap(BridgeError)
        self.log.error(
            "an event ({name}) of {device} cannot be published, and is left to the terminal to send again: {reason}",
            name=received.name,
            device=terminal.serial,
            reason=failure.getErrorMessage(),
        )

    def _hold_back(self, terminal: TerminalProtocol) -> None:
        """More is waiting for the broker than should be: read nothing from this terminal until that is over."""
        if self._outlet.congested:
            terminal.pause("broker")
            self._outlet.when_drained().addCallback(lambda _: terminal.resume("broker"))


def _first_error(failure: Failure) -> Failure:
    """What gatherResults wraps."""
    return failure.value.subFailure if isinstance(failure.value, FirstError) else failure
