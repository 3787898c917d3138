"""A broker in memory: it speaks just enough MQTT, over transports that move bytes only when the test says so."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ConnectionAborted, ConnectionDone, ConnectionLost
from twisted.internet.interfaces import IProtocolFactory, IStreamClientEndpoint
from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from zope.interface import implementer

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, PINGRESP, DISCONNECT = 0x10, 0x20, 0x30, 0x40, 0x80, 0x90, 0xC0, 0xD0, 0xE0
LEVEL_5 = 5
ADDRESS = IPv4Address("TCP", "127.0.0.1", 1883)


@dataclass(frozen=True)
class Published:
    """A PUBLISH as the broker read it."""

    topic: str
    payload: bytes
    qos: int
    retain: bool
    packet_id: int
    properties: Any  # paho's, or None on 3.1.1
    packet_bytes: int


@dataclass(frozen=True)
class Connect:
    """The parts of a CONNECT that tests look at."""

    level: int
    flags: int
    keepalive_s: int
    properties: Any  # paho's, or None on 3.1.1
    rest: bytes


class MemoryTransport:
    """The client's transport. What it writes lands in `written`; it closes as TCP does, in a later turn of the reactor."""

    def __init__(self, clock: Clock) -> None:
        self.written = b""
        self.disconnecting = False
        self.is_aborted = False
        self.no_delay = False
        self.keeps_open = False  # True: loseConnection never gets through, as when the peer takes no more data
        self.producer: Any = None
        self.protocol: Protocol | None = None
        self._clock = clock

    def write(self, data: bytes) -> None:
        assert isinstance(data, bytes)
        if not self.disconnecting:
            self.written += data

    def getPeer(self) -> IPv4Address:
        return ADDRESS

    def setTcpNoDelay(self, enabled: bool) -> None:  # noqa: N802
        self.no_delay = enabled

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        assert streaming
        assert self.producer is None
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None

    def loseConnection(self) -> None:
        assert self.producer is None, "a transport with a producer does not close"
        self.disconnecting = True
        if not self.keeps_open:
            self._clock.callLater(0, self.lose, ConnectionDone())

    def abortConnection(self) -> None:
        if not self.is_aborted:
            self.disconnecting = self.is_aborted = True
            self._clock.callLater(0, self.lose, ConnectionAborted())

    def lose(self, error: Exception) -> None:
        protocol, self.protocol = self.protocol, None
        if protocol is not None:
            protocol.connectionLost(Failure(error))


@dataclass
class Script:
    """How the broker behaves on one connection; a code None means that the answer never comes."""

    connack: int | None = 0
    connack_properties: dict[str, Any] = field(default_factory=dict)
    speaks: tuple[int, ...] = (4, 5)  # protocol levels; others are refused as a 3.1.1 broker does
    hangs_up_on: tuple[int, ...] = ()  # protocol levels that it closes without a word
    suback: int | tuple[int, ...] | None = 1
    puback: int | None = 0
    pingresp: bool = True


class Conversation:
    """One connection, seen from the broker."""

    def __init__(self, transport: MemoryTransport, script: Script) -> None:
        self.transport = transport
        self.script = script
        self.connect: Connect | None = None
        self.subscribed = b""
        self.published: list[Published] = []
        self.pings = 0
        self.is_disconnected = False
        self._unread = b""
        self._answers: dict[int, Callable[[int, bytes], None]] = {
            CONNECT: self._on_connect,
            SUBSCRIBE: self._on_subscribe,
            PUBLISH: self._on_publish,
            PINGREQ: self._on_ping,
            DISCONNECT: self._on_disconnect,
        }

    @property
    def level(self) -> int:
        assert self.connect is not None, "no CONNECT came"
        return self.connect.level

    def send(self, data: bytes) -> None:
        if self.transport.protocol is not None:
            self.transport.protocol.dataReceived(data)

    def publish(self, topic: bytes, payload: bytes, qos: int = 0, retain: bool = False, **properties: Any) -> None:
        identifier = b"\0\x07" if qos else b""
        packed = _properties(PacketTypes.PUBLISH, properties).pack() if self.level == LEVEL_5 else b""
        self.send(packet(PUBLISH | qos << 1 | retain, _text(topic) + identifier + packed + payload))

    def puback(self, packet_id: int, code: int = 0) -> None:
        self.send(packet(PUBACK, packet_id.to_bytes(2, "big") + (bytes([code]) if code else b"")))

    def disconnect(self, code: int) -> None:
        self.send(packet(DISCONNECT, bytes([code])))
        self.lose()

    def lose(self) -> None:
        self.transport.lose(ConnectionLost())

    def read(self) -> bool:
        """Take what the client has written; whether there was anything."""
        if not self.transport.written:
            return False
        self._unread, self.transport.written = self._unread + self.transport.written, b""
        while (split := split_packet(self._unread)) is not None:
            header, body, self._unread = split
            self._answers.get(header & 0xF0, lambda *_: None)(header, body)
        return True

    def _on_connect(self, header: int, body: bytes) -> None:
        properties, length = _unpack(PacketTypes.CONNECT, body[10:]) if body[6] == LEVEL_5 else (None, 0)
        self.connect = Connect(body[6], body[7], int.from_bytes(body[8:10], "big"), properties, body[10 + length :])
        if self.level in self.script.hangs_up_on:
            self.lose()
        elif self.level not in self.script.speaks:
            self.send(packet(CONNACK, b"\0\x01"))
            self.lose()
        elif self.script.connack is not None:
            packed = _properties(PacketTypes.CONNACK, self.script.connack_properties).pack() if self.level == LEVEL_5 else b""
            self.send(packet(CONNACK, bytes([0, self.script.connack]) + packed))

    def _on_subscribe(self, header: int, body: bytes) -> None:
        self.subscribed = body
        if self.script.suback is not None:
            self.send(packet(SUBACK, body[:2] + (b"\0" if self.level == LEVEL_5 else b"") + bytes(_codes(self.script.suback))))

    def _on_publish(self, header: int, body: bytes) -> None:
        length = int.from_bytes(body[:2], "big")
        topic, rest = body[2 : 2 + length], body[2 + length :]
        qos, packet_id = header >> 1 & 3, 0
        if qos:
            packet_id, rest = int.from_bytes(rest[:2], "big"), rest[2:]
        properties, used = _unpack(PacketTypes.PUBLISH, rest) if self.level == LEVEL_5 else (None, 0)
        whole = len(packet(header, body))
        self.published.append(Published(topic.decode(), rest[used:], qos, bool(header & 1), packet_id, properties, whole))
        if qos and self.script.puback is not None:
            self.puback(packet_id, self.script.puback)

    def _on_ping(self, header: int, body: bytes) -> None:
        self.pings += 1
        if self.script.pingresp:
            self.send(packet(PINGRESP, b""))

    def _on_disconnect(self, header: int, body: bytes) -> None:
        self.is_disconnected = True


@implementer(IStreamClientEndpoint)
class FakeBroker:
    """The endpoint that the link dials, and the broker behind it. `failures` are what the next attempts fail with."""

    def __init__(self, clock: Clock, script: Script | None = None) -> None:
        self.script = script or Script()
        self.conversations: list[Conversation] = []
        self.attempts = 0
        self.failures: deque[Exception] = deque()
        self.never_connects = False
        self.cancelled = 0
        self._clock = clock

    @property
    def last(self) -> Conversation:
        return self.conversations[-1]

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[Any]:  # noqa: N803
        self.attempts += 1
        if self.failures:
            return fail(self.failures.popleft())
        if self.never_connects:
            return Deferred(self._count_cancelled)
        transport = MemoryTransport(self._clock)
        protocol: Any = protocolFactory.buildProtocol(ADDRESS)
        transport.protocol = protocol
        self.conversations.append(Conversation(transport, self.script))
        protocol.makeConnection(transport)
        return succeed(protocol)

    def flush(self) -> None:
        """Let the reactor turn, without time passing, until nobody says anything more."""
        is_busy = True
        while is_busy:
            self._clock.advance(0)
            is_busy = sum(conversation.read() for conversation in self.conversations) > 0  # every one reads
            is_busy = is_busy or any(call.getTime() <= self._clock.seconds() for call in self._clock.getDelayedCalls())

    def _count_cancelled(self, _: Deferred[Any]) -> None:
        self.cancelled += 1


def packet(header: int, body: bytes) -> bytes:
    length, remaining = b"", len(body)
    while True:
        remaining, digit = divmod(remaining, 128)
        length += bytes([digit | (0x80 if remaining else 0)])
        if not remaining:
            return bytes([header]) + length + body


def split_packet(data: bytes) -> tuple[int, bytes, bytes] | None:
    """Header, body and what follows of the first packet; None when it is not whole."""
    length, position = 0, 1
    while True:
        if position >= len(data):
            return None
        digit = data[position]
        length |= (digit & 0x7F) << 7 * (position - 1)
        position += 1
        if not digit & 0x80:
            break
    end = position + length
    return (data[0], data[position:end], data[end:]) if len(data) >= end else None


def _codes(suback: int | tuple[int, ...]) -> tuple[int, ...]:
    return suback if isinstance(suback, tuple) else (suback,)


def _text(data: bytes) -> bytes:
    return len(data).to_bytes(2, "big") + data


def _properties(packet_type: int, values: dict[str, Any]) -> Properties:
    properties = Properties(packet_type)
    for name, value in values.items():
        setattr(properties, name, value)
    return properties


def _unpack(packet_type: int, data: bytes) -> tuple[Properties, int]:
    properties = Properties(packet_type)
    _, length = properties.unpack(data)
    return properties, length
