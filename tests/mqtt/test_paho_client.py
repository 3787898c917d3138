from __future__ import annotations

import paho.mqtt.client as paho
import pytest

from bridge.errors import ConfigError
from bridge.mqtt.happenings import Accepted, Introduction
from bridge.mqtt.message import Publication
from bridge.mqtt.options import Protocol
from bridge.mqtt.packets import encode
from bridge.mqtt.paho_client import TransportClient, TransportSocket, check_hook
from tests.mqtt.fake_broker import split_packet

CONNACK: dict[Protocol, bytes] = {"5": b"\x20\x03\0\0\0", "3.1.1": b"\x20\x02\0\0"}
PUBACK_OF_1: bytes = b"\x40\x02\0\x01"


class Wire:
    """A client, and what it wrote."""

    def __init__(self, protocol: Protocol, chunk: int = 65_536) -> None:
        self.written: list[bytes] = []
        self.flushes = 0
        self.is_closed = False
        self.socket = TransportSocket(self.written.append, self._close)
        introduction = Introduction(protocol, "qyzn-bridge", 60, "user", "secret", Publication("state", b"offline", retain=True), ())
        self.client = TransportClient(introduction, self.socket, self._flush)
        self._chunk = chunk
        self.client.say_connect()

    def feed(self, data: bytes) -> None:
        for start in range(0, len(data), self._chunk):
            self.socket.feed(data[start : start + self._chunk])
            self.client.drain()

    def _flush(self) -> None:
        self.flushes += 1

    def _close(self) -> None:
        self.is_closed = True


def test_this_paho_has_the_hook() -> None:
    check_hook()


def test_a_paho_without_the_hook_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paho.Client, "_create_socket", lambda self, host: None)
    with pytest.raises(ConfigError, match=r"paho-mqtt: expected .*_create_socket\(self\), got \d"):
        check_hook()
    monkeypatch.delattr(paho.Client, "_create_socket")
    with pytest.raises(ConfigError):
        check_hook()


def test_the_password_is_not_in_what_is_logged_of_an_introduction() -> None:
    assert "secret" not in repr(Introduction("5", "id", 60, "user", "secret", Publication("state", b""), ()))


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("chunk", [1, 3, 65_536])
def test_answers_split_anywhere(protocol: Protocol, chunk: int) -> None:
    wire = Wire(protocol, chunk)
    payload = bytes(range(256)) * 300
    body = b"\0\x03a/b" + (b"\0" if protocol == "5" else b"") + payload
    length = bytes([len(body) & 0x7F | 0x80, len(body) >> 7 & 0x7F | 0x80, len(body) >> 14])
    wire.feed(CONNACK[protocol] + b"\x30" + length + body + PUBACK_OF_1)
    accepted, arrived = wire.client.happenings
    assert isinstance(accepted, Accepted)
    assert getattr(arrived, "message").payload == payload  # noqa: B009
    assert not wire.socket.has_data
    assert not wire.is_closed


def test_one_flush_is_asked_for_until_it_is_done() -> None:
    wire = Wire("5")
    assert (wire.flushes, wire.written) == (1, [])
    wire.client.loop_write()
    wire.feed(CONNACK["5"])
    for _ in range(3):
        wire.client.say_publish(encode(Publication("a", b"b"), "5"))
    assert wire.flushes == 2
    wire.client.loop_write()
    assert len(wire.written) == 4


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize("qos", [0, 1])
def test_the_size_worked_out_is_the_size_on_the_wire(protocol: Protocol, qos: int) -> None:
    wire = Wire(protocol)
    wire.client.loop_write()
    wire.feed(CONNACK[protocol])
    publication = Publication("ä/b", b"x" * 200, qos, True, "text/plain", (("k", "ü"),), "r", b"c", 5)
    encoded = encode(publication, protocol)
    wire.client.say_publish(encoded)
    wire.client.loop_write()
    assert len(wire.written[-1]) == encoded.packet_bytes
    split = split_packet(wire.written[-1])
    assert split is not None
    assert split[2] == b""


def test_an_identifier_in_flight_is_passed_over() -> None:
    wire = Wire("5")
    wire.feed(CONNACK["5"])
    encoded = encode(Publication("a", b"b"), "5")
    assert [wire.client.say_publish(encoded) for _ in range(65_535)][-1] == 65_535
    wire.feed(b"\x40\x02\0\x03")
    assert wire.client.say_publish(encoded) == 3


def test_detached_it_neither_reads_nor_writes() -> None:
    wire = Wire("5")
    wire.client.detach()
    wire.feed(CONNACK["5"])
    wire.client.loop_write()
    assert (list(wire.client.happenings), wire.written, wire.is_closed) == ([], [], False)


def test_what_is_not_mqtt_ends_paho() -> None:
    wire = Wire("5")
    wire.feed(b"\xff\x00")
    assert wire.is_closed
