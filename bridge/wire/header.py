"""The 20-byte header and the frame behind it (protocol sections 1.1 to 1.3, 2.1)."""

from __future__ import annotations

import struct
from enum import IntEnum
from typing import NamedTuple

MAGIC = b"QYZN"
JSON_DATA = 1
"""`dataType`: JSON is the only one there is."""
PROTOCOL_VERSION = 2
"""What the document calls the current version; newer messages ask for more."""
SEQUENCE_MODULUS = 1 << 32

_HEADER = struct.Struct("<4sBBBBIII")
HEADER_BYTES = _HEADER.size
unpack_fields = _HEADER.unpack_from
"""The fields of a Header, bare, of a buffer at an offset; there must be HEADER_BYTES bytes behind it."""


class MessageType(IntEnum):
    """`msgType` (section 2.1)."""

    HEARTBEAT = 1
    NOTIFICATION = 2
    REQUEST = 3
    RESPONSE = 4


class Frame(NamedTuple):
    """A whole frame. `message_type` and `data_type` are as they came, known or not; `timestamp` is UNIX seconds by the sender's clock."""

    version: int
    message_type: int
    data_type: int
    timestamp: int
    sequence: int
    body: bytes


class Header(NamedTuple):
    """The 20 bytes, unpacked; `body_bytes` is `datasize`."""

    magic: bytes
    version: int
    message_type: int
    data_type: int
    reserved: int
    timestamp: int
    sequence: int
    body_bytes: int


def unpack_header(buffer: bytes | bytearray, offset: int = 0) -> Header:
    """The header at `offset`; there must be HEADER_BYTES bytes behind it."""
    return Header._make(unpack_fields(buffer, offset))


def encode_frame(message_type: int, sequence: int, timestamp: int, body: bytes = b"", version: int = PROTOCOL_VERSION) -> bytes:
    """The bytes of a frame; `timestamp` in UNIX seconds, taken modulo 2^32 like the sequence."""
    modulus = SEQUENCE_MODULUS
    return _HEADER.pack(MAGIC, version, message_type, JSON_DATA, 0, timestamp % modulus, sequence % modulus, len(body)) + body
