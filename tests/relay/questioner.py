"""Terminals that ask, in memory: the real protocol, session, events and answers, with an outlet that acknowledges when told to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any, cast

from twisted.internet.defer import Deferred

from bridge.errors import BridgeError, BrokerAway, StorageFault
from bridge.mqtt.events import Composed, EventRules, Subject
from bridge.mqtt.message import BrokerLimits, Message, Publication
from bridge.mqtt.topics import AnswerTopic, Topics
from bridge.mqtt.window import Done
from bridge.relay.answers import ALWAYS_ASKING, AnswerRelay, AnswerRules
from bridge.relay.defaults import Defaults
from bridge.relay.dispatch import Dispatch, Safe
from bridge.relay.events import EventRelay
from bridge.session.happenings import Received
from bridge.terminal.protocol import TerminalProtocol
from bridge.wire import MessageType, encode_frame
from tests.terminal.lobby import WALL, ZONE, Listener, Lobby, frame

SERIAL = "HG1"
ASK_ALL = ALWAYS_ASKING | {"recognition", "person"}


class SlowOutlet:
    """A link whose broker acknowledges at once, unless it is told to keep things waiting."""

    is_up = True
    limits: BrokerLimits | None = None
    congested = False

    def __init__(self) -> None:
        self.published: list[Publication] = []
        self.waiting: list[Deferred[None]] = []
        self.is_slow = False

    def publish(self, publication: Publication) -> Deferred[None]:
        self.published.append(publication)
        self.waiting.append(Deferred())
        done = self.waiting[-1]
        if not self.is_slow:
            self.acknowledge()
        return done

    def send(self, publication: Publication, done: Done) -> None:
        self.publish(publication).addCallbacks(done, lambda failure: done(failure.value))

    def withdraw(self, *sent: object) -> None:
        raise AssertionError("nothing is taken back")

    def when_drained(self) -> Deferred[None]:
        raise AssertionError("it is never congested")

    def acknowledge(self) -> None:
        """A PUBACK for everything."""
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            each.callback(None)

    def lose(self, error: BridgeError) -> None:
        """What waits is not acknowledged."""
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            each.errback(error)


class Direct:
    """A dispatch without an outbox: what the broker does not acknowledge is not safe."""

    congested = False

    def __init__(self, outlet: SlowOutlet) -> None:
        self._outlet = outlet

    def is_live(self, terminal: str, *, urgent: bool = False) -> bool:
        return self._outlet.is_up

    def rules_now(self) -> EventRules:
        return EventRules()

    def make_safe(self, composed: Composed, safe: Safe, *, urgent: bool = False, can_wait: bool = True) -> None:
        Deferred.fromCoroutine(self._publish(composed)).addCallbacks(safe, lambda failure: safe(failure.value))

    async def _publish(self, composed: Composed) -> None:
        for done in [self._outlet.publish(each) for each in composed.publications]:
            try:
                await done
            except BrokerAway as error:
                raise StorageFault(error.reason) from None


class Desk(Listener):
    """The audience: what the relay does with reports, and with a terminal that leaves."""

    events: EventRelay
    answers: AnswerRelay

    def received(self, terminal: TerminalProtocol, received: Received) -> None:
        self.events.received(terminal, received)

    def left(self, terminal: TerminalProtocol, reason: str, *, clean: bool) -> None:
        self.answers.left(terminal.serial)


class Questioner:
    """One bridge with one terminal, which has logged in."""

    def __init__(
        self, rules: AnswerRules | None = None, defaults: Defaults | None = None, known: Callable[[str], bool] | None = None
    ) -> None:
        desk = Desk()
        self.lobby = Lobby(desk)
        self.outlet = SlowOutlet()
        self.told: list[dict[str, Any]] = []
        topics = Topics("qyzn")
        self.answers = desk.answers = AnswerRelay(
            self.lobby.clock,
            topics,
            rules or AnswerRules(),
            defaults or Defaults(),
            is_known=known or (lambda serial: serial == SERIAL),
            tell=self.tell,
            wall=self.wall,
        )
        self.events = desk.events = EventRelay(
            cast("Dispatch", Direct(self.outlet)),
            topics,
            EventRules(),
            lambda serial: Subject(serial, "Front door", ZONE),
            self.wall,
            self.answers,
        )
        self.terminal = self.lobby.guest()

    def tell(self, event_type: str, /, **data: Any) -> None:
        self.told.append({"type": event_type, **data})

    def wall(self) -> float:
        return WALL + self.lobby.clock.seconds()

    def wait(self, seconds: float) -> None:
        """Time passes. The terminal beats, so that it is not thought to be gone."""
        while seconds > 0:
            self.lobby.wait(min(seconds, 20.0))
            seconds -= 20.0
            self.terminal.protocol.dataReceived(encode_frame(MessageType.HEARTBEAT, 0, 0))

    def timers(self) -> int:
        """How many there are beside the connection's own."""
        return self.lobby.timers() - 1

    def say(self, message: str, data: Any, sequence: int = 7, type: int = MessageType.REQUEST) -> None:  # noqa: A002
        self.terminal.protocol.dataReceived(frame(message, data, sequence=sequence, type=type))

    def scan(self, content: str = "4711", sequence: int = 7) -> None:
        self.say("qrcode_data", {"content": content}, sequence)

    def ring(self, flat: str = "304", sequence: int = 7) -> None:
        self.say("device_call_param", {"callNo": flat, "callRequestId": "c1", "picture": "/9j/4AAQSkZJRg=="}, sequence)

    def hang_up(self) -> None:
        """The connection breaks."""
        self.terminal.hang_up()

    def come_back(self) -> None:
        """On a new connection."""
        self.terminal = self.lobby.guest()

    def heard(self) -> dict[int, Any]:
        """What the terminal was answered since last asked: bodies by sequence."""
        return {said.sequence: said.body for said in self.terminal.heard() if said.type == MessageType.RESPONSE}

    def doors(self) -> dict[int, int]:
        """What the terminal was told about its door since last asked, by sequence: 1 to open, 0 to keep shut."""
        return {sequence: body["data"]["opendoor"] for sequence, body in self.heard().items()}

    def event(self, index: int = -1) -> dict[str, Any]:
        """A published event."""
        event: dict[str, Any] = json.loads([each for each in self.outlet.published if "/event" in each.topic][index].payload)
        return event

    def answer(self, said: Any, kind: str = "qrcode", *, device: str = SERIAL, **more: Any) -> None:
        """Somebody answers: bytes as they are, anything else as JSON."""
        payload = said if isinstance(said, bytes) else json.dumps(said).encode()
        self.answers.message(AnswerTopic(device, kind), Message(f"qyzn/{device}/answer/{kind}", payload, 1, **more))

    def reasons(self) -> list[str]:
        """Why answers did not count."""
        assert all(each["type"] == "answer_late" for each in self.told)
        return [each["reason"] for each in self.told]
