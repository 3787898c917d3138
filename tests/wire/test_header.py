"""The 20 bytes before each body, against the vendor's dump and the rules around it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.wire import HEADER_BYTES, JSON_DATA, PROTOCOL_VERSION, MessageType, encode_frame
from bridge.wire.header import Header, unpack_header
from tests.vectors import FRAMES, wire_bytes


@pytest.mark.parametrize("vector", FRAMES, ids=lambda vector: vector["name"])
def test_vectors_are_encoded_as_they_stand(vector: dict[str, Any]) -> None:
    encoded = encode_frame(
        MessageType(vector["msgType"]), vector["sequence"], vector["timestamp"], vector["body"].encode(), vector["version"]
    )
    assert encoded.hex() == vector["hex"]


@pytest.mark.parametrize("vector", FRAMES, ids=lambda vector: vector["name"])
def test_vectors_are_unpacked(vector: dict[str, Any]) -> None:
    header = unpack_header(bytes.fromhex(vector["hex"]))
    assert header == Header(
        b"QYZN",
        vector["version"],
        vector["msgType"],
        JSON_DATA,
        0,
        vector["timestamp"],
        vector["sequence"],
        len(vector["body"].encode()),
    )


def test_the_documents_own_header_byte_for_byte() -> None:
    assert wire_bytes("register-hg02")[:HEADER_BYTES] == b"QYZN\x03\x03\x01\x00\x47\xec\x40\x5d\x10\x00\x00\x00\xa1\x00\x00\x00"


def test_a_heartbeat_is_a_bare_header_of_the_current_version() -> None:
    heartbeat = encode_frame(MessageType.HEARTBEAT, 0, 1)
    assert len(heartbeat) == HEADER_BYTES
    assert unpack_header(heartbeat).version == PROTOCOL_VERSION == 2


def test_a_header_is_unpacked_where_it_stands() -> None:
    assert unpack_header(bytearray(b"xyz" + wire_bytes("heartbeat")), 3).timestamp == 1564535904


@given(sequence=st.integers(-(1 << 33), 1 << 33), timestamp=st.integers(-(1 << 33), 1 << 40))
def test_sequence_and_timestamp_wrap_at_32_bits(sequence: int, timestamp: int) -> None:
    header = unpack_header(encode_frame(MessageType.REQUEST, sequence, timestamp))
    assert (header.sequence, header.timestamp) == (sequence & 0xFFFFFFFF, timestamp & 0xFFFFFFFF)
