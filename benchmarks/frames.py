"""A terminal's frames, encoded ahead: nothing but a header is made for each (protocol sections 1, 2.2, 4.2 and 4.6.1). Pure functions.

Written from the protocol, not from the bridge: it shares none of its code, so that it cannot share its mistakes.
"""

from __future__ import annotations

import base64
import hashlib
import random
import struct
import time
from typing import Any

import msgspec

HEADER = struct.Struct("<4sBBBBIII")
HEARTBEAT, NOTIFICATION, REQUEST, RESPONSE = 1, 2, 3, 4
HEARTBEAT_FRAME = HEADER.pack(b"QYZN", 2, HEARTBEAT, 1, 0, 0, 0, 0)
SIGN_MAGIC = "P3K0eikSRSJHliME"
SEQUENCES = 1 << 32
JPEG_START, JPEG_END = b"\xff\xd8\xff\xe0", b"\xff\xd9"

_encode = msgspec.json.encode

Frame = tuple[int, int, bytes]
"""Kind, sequence and body."""


def header(kind: int, sequence: int, body_bytes: int, version: int = 2) -> bytes:
    """What goes before a body of so many bytes."""
    return HEADER.pack(b"QYZN", version, kind, 1, 0, int(time.time()), sequence, body_bytes)


def frame(kind: int, sequence: int, body: Any = None, version: int = 2) -> bytes:
    """A whole frame; `body` is what becomes JSON."""
    encoded = b"" if body is None else _encode(body)
    return header(kind, sequence, len(encoded), version) + encoded


def split(data: bytes) -> tuple[list[Frame], bytes]:
    """The whole frames at the start of `data`, and what is left. Raises ValueError for what is no frame."""
    frames: list[Frame] = []
    start, available = 0, len(data)
    while available - start >= HEADER.size:
        magic, _, kind, _, _, _, sequence, size = HEADER.unpack_from(data, start)
        if magic != b"QYZN":
            raise ValueError(f"not a frame: {data[start : start + HEADER.size]!r}")
        end = start + HEADER.size + size
        if end > available:
            break
        frames.append((kind, sequence, data[start + HEADER.size : end]))
        start = end
    return frames, data[start:]


def register_body(serial: str, mac: str) -> dict[str, Any]:
    """A terminal's first words."""
    timestamp = str(int(time.time()))
    data = {"serial": serial, "mac": mac, "timestamp": timestamp, "sign": sign(serial, mac, timestamp), "type": "LOAD"}
    return {"message": "register", "data": data}


def login_body(uuid: str, passwd: str) -> dict[str, Any]:
    """Those of one that registered before."""
    timestamp = str(int(time.time()))
    return {"message": "login", "data": {"uuid": uuid, "version": "LOAD 1", "timestamp": timestamp, "sign": sign(uuid, passwd, timestamp)}}


def sign(*parts: str) -> str:
    """The md5 of them and the protocol's magic."""
    return hashlib.md5("".join((*parts, SIGN_MAGIC)).encode(), usedforsecurity=False).hexdigest()


def picture(size: int, seed: int) -> bytes:
    """Something as large as a JPEG, and as hard to compress; nobody looks at it."""
    return JPEG_START + random.Random(seed).randbytes(size - len(JPEG_START) - len(JPEG_END)) + JPEG_END  # noqa: S311 - noise


class Recognition:
    """The body of a snapshot_face with a picture of so many bytes, 0 for none; encoded anew once a second, when its time changes. Another `number`
    is another person with another picture."""

    def __init__(self, picture_bytes: int, number: int = 7) -> None:
        self.picture_bytes = picture_bytes
        self.jpeg = picture(picture_bytes, number) if picture_bytes else b""
        self._number = number
        self._picture = {"snapPic": base64.b64encode(self.jpeg).decode()} if picture_bytes else {}
        self._second = 0
        self._body = b""

    def body(self) -> bytes:
        """As of now."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._body = _encode({"message": "snapshot_face", "data": self.data() | self._picture})
        return self._body

    def data(self) -> dict[str, Any]:
        """What it says, but for the picture, as of when the body was made."""
        return {
            "personId": f"5907d9b6bede435faf082817{self._number:08x}",
            "faceId": f"cf78bfabb138474c8b2b3a00{self._number:08x}",
            "fullName": "韩梅梅",
            "type": 1,
            "idNum": "430726199801042312",
            "icNum": "7301947756",
            "score": 92,
            "bodyTemp": "36.7",
            "result": 1,
            "snaptime": time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self._second)),
        }
