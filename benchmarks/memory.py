"""The whole bridge in this process, with one terminal and a broker that are nothing but bytes: no sockets, no kernel, no time that passes by itself."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import msgspec
from twisted.internet.address import IPv4Address, UNIXAddress
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ConnectionDone
from twisted.internet.interfaces import IProtocol, IStreamServerEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from zope.interface import implementer

from benchmarks.frames import REQUEST, RESPONSE, Recognition, frame, header, login_body, register_body
from benchmarks.frames import split as split_frames
from benchmarks.mqtt import CONNACK, CONNECT, PUBACK, PUBLISH, SUBACK, SUBSCRIBE, packet, read_publish
from benchmarks.mqtt import split as split_packets
from benchmarks.systems import LIMITS
from bridge.config import Config, load
from bridge.mqtt.address import parse_address
from bridge.service import BridgeService

READ_BYTES = 96 * 1024
"""What the bridge reads from a terminal at a time."""
TURN_S = 0.01
SETTLE_S = 5.0
"""Of that time: what follows from a login is over by then."""
PATIENCE_S = 20.0
THREADS_S = 0.001
"""Of real time."""


class Wire(StringTransport):
    """A connection's transport: keeps what is written, in pieces. It closes as TCP does, in a later turn of the reactor."""

    def __init__(self, clock: Clock, protocol: IProtocol) -> None:
        super().__init__(peerAddress=IPv4Address("TCP", "127.0.0.1", 50_000))
        self.pieces: list[bytes] = []
        self._clock = clock
        self._protocol = protocol

    def write(self, data: bytes) -> None:
        """No copy is made."""
        self.pieces.append(data)

    def take(self) -> bytes:
        """All that was written since it was last asked."""
        data = b"".join(self.pieces)
        self.pieces.clear()
        return data

    def loseConnection(self) -> None:
        """Once."""
        if not self.disconnecting:
            self.disconnecting = True
            self._clock.callLater(0, self._protocol.connectionLost, Failure(ConnectionDone()))

    def abortConnection(self) -> None:
        """As above."""
        self.loseConnection()

    def setTcpNoDelay(self, enabled: bool) -> None:  # noqa: N802 - Twisted's
        """There is nobody to wait for."""

    def setTcpKeepAlive(self, enabled: bool) -> None:  # noqa: N802 - Twisted's
        """As above."""


class MemoryBroker:
    """Takes everything: it answers what has to be answered, and forgets it."""

    wire: Wire
    """Of the bridge's connection."""

    def __init__(self) -> None:
        self.published: list[bytes] = []
        """The bodies of the PUBLISH packets of the last `answer`."""
        self._protocol: IProtocol | None = None
        self._rest = b""

    def accept(self, clock: Clock, factory: Factory) -> None:
        """The bridge dials."""
        self._protocol = protocol = factory.buildProtocol(UNIXAddress("broker"))
        assert protocol is not None
        self.wire = Wire(clock, protocol)
        protocol.makeConnection(self.wire)

    def answer(self) -> None:
        """All that the bridge has written by now."""
        if self._protocol is None:
            return
        packets, self._rest = split_packets(self._rest + self.wire.take())
        self.published = [body for first, body in packets if first & 0xF0 == PUBLISH]
        answers = b"".join(_answer(first, body) for first, body in packets)
        if answers:
            self._protocol.dataReceived(answers)


def _answer(first: int, body: bytes) -> bytes:
    if first & 0xF0 == PUBLISH:
        _, identifier, _ = read_publish(first, body)
        return packet(PUBACK, identifier) if identifier else b""
    if first == CONNECT:
        return packet(CONNACK, b"\0\0\0")
    return packet(SUBACK, body[:2] + b"\0" + b"\x01" * _filters(body)) if first == SUBSCRIBE else b""


def _filters(body: bytes) -> int:
    """How many a SUBSCRIBE without properties has."""
    at, count = 3, 0
    while at < len(body):
        at, count = at + 2 + int.from_bytes(body[at : at + 2]) + 1, count + 1
    return count


class MemoryReactor(Clock):
    """Time passes when it is told to. What other threads have to say waits until then. Whoever dials is connected to the `broker`."""

    def __init__(self, broker: MemoryBroker) -> None:
        super().__init__()
        self._broker = broker
        self._calls: deque[tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]]] = deque()
        self._news = threading.Event()

    def callFromThread(self, call: Callable[..., Any], *arguments: Any, **named: Any) -> None:
        """In the next turn."""
        self._calls.append((call, arguments, named))
        self._news.set()

    def connectUNIX(self, _address: str, factory: Any, timeout: float = 30, checkPID: bool = False) -> None:  # noqa: N802, N803 - Twisted's
        """At once."""
        self._broker.accept(self, factory)

    def turn(self) -> None:
        """A hundredth of a second."""
        while self._calls:
            call, arguments, named = self._calls.popleft()
            call(*arguments, **named)
        self.advance(TURN_S)
        self._broker.answer()

    def turn_until(self, done: Callable[[], bool]) -> None:
        """While the threads, which wait for the disk, have time of their own. TimeoutError: it takes longer than anybody waits."""
        deadline = time.monotonic() + PATIENCE_S
        while not done():
            if time.monotonic() > deadline:
                raise TimeoutError("the bridge in memory does not get on")
            self._news.wait(THREADS_S)
            self._news.clear()
            self.turn()


@implementer(IStreamServerEndpoint)
class Entrance:
    """Where terminals connect."""

    factory: Any = None

    def listen(self, protocolFactory: Any) -> Deferred[Any]:  # noqa: N803 - Twisted's
        """Nobody but who asks for the `factory`."""
        self.factory = protocolFactory
        return succeed(cast(Any, self))

    def stopListening(self) -> None:  # noqa: N802 - Twisted's
        """As if anybody did."""


class MemorySite:
    """A bridge, and one terminal that has logged in. `carry` is the hot path, and nothing else."""

    def __init__(self, reactor: MemoryReactor, broker: MemoryBroker, entrance: Entrance) -> None:
        self.broker = broker
        self._reactor = reactor
        self._sequence = 0
        self._protocol = entrance.factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 50_000))
        self.wire = Wire(reactor, self._protocol)
        self._protocol.makeConnection(self.wire)

    def join(self) -> None:
        """Register and log in, and let all pass that follows from it, until an event goes to the broker at once."""
        answer = self._ask(register_body("B000000", "006400000000"))
        self._ask(login_body(answer["uuid"], answer["passwd"]))
        for _ in range(round(SETTLE_S / TURN_S)):
            self._reactor.turn()
            self._answer_questions()
        first = self.frames(Recognition(0).body(), 1)
        self.carry(first)
        self._reactor.turn_until(lambda: any(b"/event" in body for body in self.broker.published))
        self._reactor.turn_until(lambda: bool(self.wire.pieces))
        self.wire.take()

    def rest(self) -> None:
        """A second passes, so that the terminal may send as much again."""
        for _ in range(round(1 / TURN_S)):
            self._reactor.turn()

    def frames(self, body: bytes, count: int) -> list[bytes]:
        """So many requests with this body."""
        first, self._sequence = self._sequence + 1, self._sequence + count
        return [frame_of(body, sequence) for sequence in range(first, self._sequence + 1)]

    def carry(self, frames: list[bytes]) -> None:
        """One after the other to the bridge, as the reactor would; the broker takes what comes of each."""
        received, answer = self._protocol.dataReceived, self.broker.answer
        for each in frames:
            if len(each) <= READ_BYTES:
                received(each)
            else:
                for start in range(0, len(each), READ_BYTES):
                    received(each[start : start + READ_BYTES])
            answer()

    def answers(self) -> list[dict[str, Any]]:
        """What the terminal was answered since it was last asked."""
        frames, _ = split_frames(self.wire.take())
        return [msgspec.json.decode(body) for kind, _, body in frames if kind == RESPONSE]

    def _ask(self, body: dict[str, Any]) -> dict[str, Any]:
        self._sequence += 1
        self._protocol.dataReceived(frame(REQUEST, self._sequence, body))
        self._reactor.turn_until(lambda: bool(self.wire.pieces))
        [answer] = self.answers()
        if answer["result"]:
            raise RuntimeError(f"the bridge answers {answer}")
        data: dict[str, Any] = answer["data"]
        return data

    def _answer_questions(self) -> None:
        """The bridge reads the configuration of a terminal that has logged in: this one has nothing in it."""
        frames, _ = split_frames(self.wire.take())
        for kind, sequence, body in frames:
            if kind == REQUEST:
                wanted = msgspec.json.decode(body)["data"].get("groupKey", ())
                groups = [{"groupKey": name} for name in wanted]
                self._protocol.dataReceived(frame(RESPONSE, sequence, {"result": 0, "desc": "done", "data": groups}))


def frame_of(body: bytes, sequence: int) -> bytes:
    """A request, of a body that is JSON already."""
    return header(REQUEST, sequence, len(body)) + body


@contextmanager
def memory_site(directory: Path) -> Iterator[MemorySite]:
    """Composed as a user's bridge is, with its state in `directory`. TimeoutError, RuntimeError: it does not get on."""
    broker, entrance = MemoryBroker(), Entrance()
    reactor = MemoryReactor(broker)
    service = BridgeService(reactor, _config(directory), parse_address("mqtt+unix:///broker", "mqtt.url"), {"memory": entrance}, _fatal)
    service.startService()
    reactor.turn_until(lambda: entrance.factory is not None)
    site = MemorySite(reactor, broker, entrance)
    try:
        site.join()
        yield site
    finally:
        ended: list[None] = []
        service.stopService().addCallback(lambda _: ended.append(None))
        reactor.turn_until(lambda: bool(ended))


def _config(directory: Path) -> Config:
    path = directory / "bridge.toml"
    path.write_text(f'state_dir = "{directory / "state"}"\n[registration]\npolicy = "open"\n{LIMITS}')
    return load(path, options={}, environ={})


def _fatal(error: Exception) -> None:
    raise error
