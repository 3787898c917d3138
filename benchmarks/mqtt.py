"""The least of MQTT 5 that a witness and a sender of commands need: they count, and take next to no time for it."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable

from benchmarks.loop import Link, Loop

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK = 0x10, 0x20, 0x30, 0x40, 0x82, 0x90, 0xA2, 0xB0
KEEPALIVE_S = 0  # none: a run is short
SESSION_S = 3600
RECEIVE_MAXIMUM = 65_535
PATIENCE_S = 10.0

Arrived = Callable[[str, bytes], None]
"""Called with the topic and the payload."""


class Client:
    """A connection to the broker of this machine. `arrived` is called with each message. With a `session`, it comes back to what it missed,
    and subscribes at QoS 1."""

    def __init__(self, loop: Loop, port: int, client_id: str, *, session: bool = False) -> None:
        self._loop = loop
        self._port = port
        self._client_id = client_id
        self.arrived: Arrived = lambda *_: None
        self._session = session
        self._qos = 1 if session else 0
        self._identifiers = itertools.cycle(range(1, 65_536))
        self._rest = b""
        self._acknowledged: set[int] = set()
        """The first bytes of packets that were answers."""
        self._link: Link | None = None

    def connect(self) -> None:
        """Raises ConnectionError when the broker does not let it in."""
        self._acknowledged.clear()
        self._rest = b""
        self._link = Link(self._loop, self._port, self._read, lambda: None)
        self._link.write(connect_packet(self._client_id, session=self._session))
        self._wait_for(CONNACK)

    def subscribe(self, *filters: str) -> None:
        self._ask(SUBSCRIBE, SUBACK, b"".join(text(each) + bytes([self._qos]) for each in filters))

    def unsubscribe(self, *filters: str) -> None:
        self._ask(UNSUBSCRIBE, UNSUBACK, b"".join(map(text, filters)))

    def publish(self, topic: str, payload: bytes) -> None:
        """At QoS 1; nobody waits for the PUBACK."""
        self._write(packet(PUBLISH | 0x02, text(topic) + struct.pack("!HB", next(self._identifiers), 0) + payload))

    def close(self) -> None:
        if self._link is not None:
            self._link.close()

    def _ask(self, kind: int, answer: int, body: bytes) -> None:
        self._acknowledged.discard(answer)
        self._write(packet(kind, struct.pack("!HB", next(self._identifiers), 0) + body))
        self._wait_for(answer)

    def _wait_for(self, answer: int) -> None:
        if not self._loop.run(PATIENCE_S, lambda: answer in self._acknowledged or not (self._link and self._link.is_open)):
            raise ConnectionError("the broker does not answer")
        if answer not in self._acknowledged:
            raise ConnectionError("the broker hung up")

    def _write(self, data: bytes) -> None:
        assert self._link is not None
        self._link.write(data)

    def _read(self, data: bytes) -> None:
        packets, self._rest = split(self._rest + data if self._rest else data)
        acknowledgements = []
        for first, body in packets:
            if first & 0xF0 == PUBLISH:
                topic, identifier, payload = read_publish(first, body)
                if identifier is not None:
                    acknowledgements.append(packet(PUBACK, identifier))
                self.arrived(topic, payload)
            else:
                self._acknowledged.add(first)
        if acknowledgements:
            self._write(b"".join(acknowledgements))


def packet(first: int, body: bytes) -> bytes:
    """A control packet: its first byte, its length, and the rest."""
    return bytes([first]) + variable(len(body)) + body


def variable(number: int) -> bytes:
    """A variable byte integer."""
    encoded = bytearray()
    while True:
        number, low = divmod(number, 128)
        encoded.append(low | (0x80 if number else 0))
        if not number:
            return bytes(encoded)


def text(value: str) -> bytes:
    """A UTF-8 string with its length."""
    encoded = value.encode()
    return struct.pack("!H", len(encoded)) + encoded


def connect_packet(client_id: str, *, session: bool) -> bytes:
    """CONNECT, of MQTT 5: a clean start, or a session that is kept."""
    properties = b"\x11" + struct.pack("!I", SESSION_S if session else 0) + b"\x21" + struct.pack("!H", RECEIVE_MAXIMUM)
    flags = 0 if session else 0x02
    body = text("MQTT") + bytes([5, flags]) + struct.pack("!H", KEEPALIVE_S) + variable(len(properties)) + properties + text(client_id)
    return packet(CONNECT, body)


def split(data: bytes) -> tuple[list[tuple[int, bytes]], bytes]:
    """The whole packets at the start of `data`, as first byte and body, and what is left."""
    packets: list[tuple[int, bytes]] = []
    start, available = 0, len(data)
    while True:
        size, at = _read_variable(data, start + 1)
        if at < 0 or at + size > available:
            return packets, data[start:]
        packets.append((data[start], data[at : at + size]))
        start = at + size


def read_publish(first: int, body: bytes) -> tuple[str, bytes | None, bytes]:
    """The topic, the packet identifier (None at QoS 0) and the payload."""
    at = 2 + (body[0] << 8 | body[1])
    topic = body[2:at].decode()
    identifier = None
    if first & 0x06:
        identifier, at = body[at : at + 2], at + 2
    properties, at = _read_variable(body, at)
    return topic, identifier, body[at + properties :]


def _read_variable(data: bytes, at: int) -> tuple[int, int]:
    """The number at this place, and the place behind it: -1 where there is not enough of it yet."""
    number = shift = 0
    for place in range(at, min(at + 4, len(data))):
        byte = data[place]
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, place + 1
        shift += 7
    return 0, -1
