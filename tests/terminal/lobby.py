"""A hall for terminals in memory: the real protocol, session and directory, transports of strings, a clock that stands still, and an
audience that writes down what it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import ILogObserver, LogEvent, LogLevel, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import provider

from bridge.catalogue import Result
from bridge.session.admission import Refused
from bridge.session.happenings import Received
from bridge.session.surroundings import SessionLimits, Surroundings
from bridge.terminal.audience import Audience
from bridge.terminal.deadlines import Deadlines
from bridge.terminal.directory import Directory
from bridge.terminal.factory import TerminalFactory
from bridge.terminal.hall import Hall
from bridge.terminal.limits import FrameLimits, Full, Places, Rate, Rates
from bridge.terminal.protocol import TerminalProtocol
from bridge.wire import Framer, MessageType, encode_frame
from tests.session.conversation import FACE, LOGIN, REGISTER, WALL, Gate

__all__ = ["FACE", "LOGIN", "REGISTER", "WALL", "Guest", "Listener", "Lobby", "Said", "frame", "logged"]

ZONE = ZoneInfo("Asia/Shanghai")
LIMITS = FrameLimits(before_login=2_000, after_login=10_000)


class Said(NamedTuple):
    """A frame that the bridge sent, read."""

    type: int
    sequence: int
    body: dict[str, Any]


def frame(message: str, data: Any = None, *, sequence: int = 1, type: int = MessageType.REQUEST) -> bytes:  # noqa: A002
    return encode_frame(MessageType(type), sequence, 0, json.dumps({"message": message, "data": data}).encode())


@contextmanager
def logged(level: LogLevel = LogLevel.critical) -> Iterator[list[LogEvent]]:
    """What is logged meanwhile, of this level or a graver one."""
    events: list[LogEvent] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event["log_level"] >= level:
            events.append(event)

    globalLogPublisher.addObserver(observe)
    try:
        yield events
    finally:
        globalLogPublisher.removeObserver(observe)


class Listener:
    """An audience. `act` is what it does with a message: it answers with success, unless a test has it do something else."""

    def __init__(self) -> None:
        self.told: list[tuple[Any, ...]] = []
        self.messages: list[Received] = []
        self.act: Callable[[TerminalProtocol, Received], object] = lambda terminal, received: terminal.answer(received, Result.SUCCESS)

    def joined(self, terminal: TerminalProtocol, *, replaced: bool) -> None:
        self.told.append(("joined", terminal.serial, replaced))

    def updated(self, terminal: TerminalProtocol) -> None:
        self.told.append(("updated", terminal.serial))

    def left(self, terminal: TerminalProtocol, reason: str, *, clean: bool) -> None:
        self.told.append(("left", terminal.serial, reason, clean))

    def received(self, terminal: TerminalProtocol, received: Received) -> None:
        self.messages.append(received)
        self.act(terminal, received)

    def rejected(self, address: str, refusal: Refused) -> None:
        self.told.append(("rejected", address, refusal.kind))

    def faulted(self, address: str, serial: str | None, reason: str) -> None:
        self.told.append(("faulted", reason))

    def turned_away(self, address: str, full: Full) -> None:
        self.told.append(("turned_away", address, full))

    def slowed(self, terminal: TerminalProtocol, for_s: float) -> None:
        self.told.append(("slowed", for_s))

    def names(self) -> list[str]:
        return [each[0] for each in self.told]


class Guest:
    """A terminal at the other end of a transport."""

    def __init__(self, lobby: Lobby, protocol: TerminalProtocol) -> None:
        self.lobby = lobby
        self.protocol = protocol
        self.transport = StringTransport()
        self._framer = Framer(1 << 26)
        self._sequence = 0
        protocol.makeConnection(self.transport)
        self._producer: Any = self.transport.producer

    # What it does.

    def send(self, data: bytes) -> list[Said]:
        self.protocol.dataReceived(data)
        return self.heard()

    def say(self, message: str, data: Any = None, *, sequence: int | None = None, type: int = MessageType.REQUEST) -> list[Said]:  # noqa: A002
        if sequence is None:
            self._sequence += 1
            sequence = self._sequence
        return self.send(frame(message, data, sequence=sequence, type=type))

    def reply(self, sequence: int, result: int = 0, data: Any = None, desc: str = "") -> list[Said]:
        body = json.dumps({"result": result, "desc": desc, "data": data}).encode()
        return self.send(encode_frame(MessageType.RESPONSE, sequence, 0, body))

    def beat(self) -> list[Said]:
        return self.send(encode_frame(MessageType.HEARTBEAT, 0, 0))

    def log_in(self) -> Guest:
        assert [each.body["result"] for each in self.say("login", LOGIN)] == [0]
        return self

    def hang_up(self) -> None:
        """The connection is gone, as TCP tells it."""
        self.protocol.connectionLost(Failure(ConnectionDone()))

    def stop_reading(self) -> None:
        """It takes nothing of what it is sent, so that the transport holds too much of it."""
        self._producer.pauseProducing()

    def read_again(self) -> None:
        """It has taken all it was sent."""
        self._producer.resumeProducing()

    # What it sees.

    def heard(self) -> list[Said]:
        """The frames that came since last asked."""
        self._framer.feed(self.transport.value())
        self.transport.clear()
        frames = []
        while (each := self._framer.next_frame()) is not None:
            frames.append(Said(each.message_type, each.sequence, json.loads(each.body or b"{}")))
        assert self._framer.buffered_bytes == 0
        return frames

    def is_read(self) -> bool:
        """Whether the bridge reads what it sends."""
        return self.transport.producerState == "producing"

    def is_closing(self) -> bool:
        return self.transport.disconnecting

    def is_aborted(self) -> bool:
        return self.transport.disconnected

    def request(self, message: str = "get_configs", body: bytes = b"{}", **options: Any) -> list[Any]:
        """Have the bridge send a request; returns the list of what its Deferred fires with."""
        outcomes: list[Any] = []
        options = {"version": 2, "timeout_s": 80.0, **options}
        self.protocol.request(message, body, **options).addBoth(outcomes.append)
        return outcomes


class Lobby:
    """What all connections of a test share."""

    def __init__(
        self,
        audience: Audience | None = None,
        *,
        limits: FrameLimits = LIMITS,
        session: SessionLimits | None = None,
        places: Places | None = None,
        rates: Rates | None = None,
    ) -> None:
        self.clock = Clock()
        self.gate = Gate()
        self.listener = Listener()
        self.directory = Directory()
        sequences = iter(range(0, 1_000_000, 1000))
        surroundings = Surroundings(
            self.gate, self.directory.memory_of, session or SessionLimits(), lambda: WALL + self.clock.seconds(), lambda _: ZONE
        )
        self.hall = Hall(
            self.clock,
            surroundings,
            limits,
            self.directory,
            audience or self.listener,
            lambda: next(sequences),
            Places(1000, 1000) if places is None else places,
            rates or Rates(Rate(1e6, 1e6), Rate(1e9, 1e9)),
            Deadlines(self.clock),
        )
        self.factory = TerminalFactory(self.hall)

    def connect(self, host: str = "192.0.2.7") -> Guest:
        return Guest(self, self.factory.buildProtocol(IPv4Address("TCP", host, 50_000)))

    def guest(self) -> Guest:
        """One that has logged in, as HG1."""
        return self.connect().log_in()

    def wait(self, seconds: float) -> None:
        """Time passes, in steps, so that each timer finds its own time."""
        left = seconds
        while left > 0:
            step = min(left, 1.0)
            self.clock.advance(step)
            left -= step

    def timers(self) -> int:
        return len(self.clock.getDelayedCalls())
