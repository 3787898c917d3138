"""The witness's packets, against paho's reading of the same rules where there is one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.properties import VariableByteIntegers

from benchmarks.mqtt import PUBLISH, connect_packet, packet, read_publish, split, text, variable


@given(st.integers(0, 268_435_455))
def test_lengths_are_written_as_paho_writes_them(number: int) -> None:
    assert variable(number) == VariableByteIntegers.encode(number)


def published(topic: str, payload: bytes, properties: bytes = b"", identifier: bytes = b"") -> bytes:
    first = PUBLISH | (0x02 if identifier else 0)
    return packet(first, text(topic) + identifier + variable(len(properties)) + properties + payload)


@given(st.lists(st.binary(max_size=300), max_size=5), st.data())
def test_packets_are_cut_where_they_end_wherever_the_bytes_are_cut(payloads: list[bytes], data: st.DataObject) -> None:
    stream = b"".join(published("a/b", each) for each in payloads)
    cut = data.draw(st.integers(0, len(stream)))
    packets, rest = split(stream[:cut])
    more, left = split(rest + stream[cut:])
    assert [read_publish(*each)[2] for each in (*packets, *more)] == payloads
    assert left == b""


@pytest.mark.parametrize("identifier", [b"", b"\x12\x34"])
def test_a_publication_is_read_past_its_identifier_and_properties(identifier: bytes) -> None:
    content_type = b"\x03" + text("image/jpeg")
    [(first, body)], _ = split(published("qyzn/B1/image/recognition", b"\xff\xd8", content_type, identifier))
    assert read_publish(first, body) == ("qyzn/B1/image/recognition", identifier or None, b"\xff\xd8")


def test_only_a_session_outlasts_its_connection() -> None:
    [(_, body)], _ = split(connect_packet("witness", session=True))
    assert body[:8] == b"\x00\x04MQTT\x05\x00"
    [(_, body)], _ = split(connect_packet("witness", session=False))
    assert body[:8] == b"\x00\x04MQTT\x05\x02"
