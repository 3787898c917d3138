"""A terminal that is a socket and a few lines of `struct`: it shares nothing with the bridge, so that it cannot share its mistakes.

Protocol sections 1 and 2 for the frame, 4.2 for register and login, 4.6.1 for the recognition.
"""

from __future__ import annotations

import base64
import hashlib
import json
import random
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from tests.integration.broker import LOOPBACK

HEADER = struct.Struct("<4sBBBBIII")
HEARTBEAT, NOTIFICATION, REQUEST, RESPONSE = 1, 2, 3, 4
SIGN_MAGIC = "P3K0eikSRSJHliME"
PATIENCE_S = 10.0  # for anything that a test waits for; it takes milliseconds
MANY_GROUPS = 10  # so many at once ask for all there are
SILENCE_S = 0.3  # how long nothing has to come, to be called nothing

JPEG = b"\xff\xd8\xff\xe0" + random.Random(7).randbytes(30_000) + b"\xff\xd9"
PERSON = {
    "personId": "5907d9b6bede435faf0828177e5bce07",
    "faceId": "cf78bfabb138474c8b2b3a0077c9bec1",
    "fullName": "韩梅梅 Zäzilie",
    "type": 1,
    "idNum": "430726199801042312",
    "icNum": "7301947756",
    "score": 92,
    "bodyTemp": "36.7",
    "result": 1,
}


@dataclass(frozen=True, slots=True)
class Frame:
    """What came; `body` is decoded JSON, None when there was none."""

    version: int
    message_type: int
    sequence: int
    body: Any


def frame_bytes(message_type: int, sequence: int, body: Any = None, version: int = 2) -> bytes:
    """A frame; no `body` is an empty one."""
    encoded = b"" if body is None else json.dumps(body, ensure_ascii=False).encode()
    return HEADER.pack(b"QYZN", version, message_type, 1, 0, int(time.time()), sequence, len(encoded)) + encoded


@dataclass(slots=True)
class RawTerminal:
    """One connection of one terminal. `uuid` and `passwd` are what a bridge gave it; give them to its next connection to log in.

    When the bridge reads all of its configuration, at each login, it answers by itself: it has each group, and nothing in it. Whatever
    else the bridge asks is for the test to answer. `wrap` is for what stands between: TLS, or the header of a proxy.
    """

    port: int
    serial: str = "T0001"
    mac: str = "0064871ECB02"
    uuid: str = ""
    passwd: str = ""
    sequence: int = 0xFFFF_FFF0  # it wraps within one test
    wrap: Callable[[socket.socket], socket.socket] = lambda plain: plain
    _socket: socket.socket = field(init=False)
    _received: bytearray = field(init=False, default_factory=bytearray)
    _unread: list[Frame] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        self._socket = self.wrap(socket.create_connection((LOOPBACK, self.port), timeout=PATIENCE_S))

    def close(self) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    # What a terminal says.

    def request(self, message: str, data: Any, *, sequence: int | None = None, version: int = 2) -> int:
        """Send a REQUEST, with a sequence of its own unless it is a copy of an earlier one; returns the sequence."""
        if sequence is None:
            self.sequence = sequence = (self.sequence + 1) % (1 << 32)
        self.send(frame_bytes(REQUEST, sequence, {"message": message, "data": data}, version))
        return sequence

    def ask(self, message: str, data: Any) -> dict[str, Any]:
        """Send a REQUEST; the body of its answer."""
        return self.answer_to(self.request(message, data))

    def register(self) -> dict[str, Any]:
        timestamp = str(int(time.time()))
        sign = _md5(self.serial + self.mac + timestamp + SIGN_MAGIC)
        data = {"serial": self.serial, "mac": self.mac, "timestamp": timestamp, "sign": sign, "type": "RAW1"}
        answer = self.ask("register", data)
        if answer["result"] == 0:
            self.uuid, self.passwd = answer["data"]["uuid"], answer["data"]["passwd"]
        return answer

    def login(self) -> dict[str, Any]:
        timestamp = str(int(time.time()))
        sign = _md5(self.uuid + self.passwd + timestamp + SIGN_MAGIC)
        return self.ask("login", {"uuid": self.uuid, "version": "RAW1 1.0", "timestamp": timestamp, "sign": sign})

    def join(self) -> RawTerminal:
        """Register, unless it has, and log in."""
        if not self.uuid:
            assert self.register()["result"] == 0
        assert self.login()["result"] == 0
        return self

    def heartbeat(self) -> None:
        """Beat, and wait for the beat of the other side."""
        self.send(frame_bytes(HEARTBEAT, 0))
        assert self.frame(lambda frame: frame.message_type == HEARTBEAT) == Frame(2, HEARTBEAT, 0, None)

    def respond(self, command: Frame, result: int = 0, data: Any = None, **beside: Any) -> None:
        """Answer a REQUEST of the bridge."""
        body = {"result": result, "desc": "done", "data": {} if data is None else data, **beside}
        self.send(frame_bytes(RESPONSE, command.sequence, body, command.version))

    # What it hears.

    def answer_to(self, sequence: int) -> dict[str, Any]:
        """The body of the RESPONSE with this sequence."""
        body: dict[str, Any] = self.frame(lambda frame: (frame.message_type, frame.sequence) == (RESPONSE, sequence)).body
        return body

    def command(self) -> Frame:
        """The next REQUEST of the bridge."""
        return self.frame(lambda frame: frame.message_type == REQUEST)

    def frame(self, wanted: Callable[[Frame], bool]) -> Frame:
        """The first frame that is `wanted`, of those that nobody has taken yet. Others stay for later."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            for index, frame in enumerate(self._unread):
                if wanted(frame):
                    return self._unread.pop(index)
            assert self._read_more(deadline), f"the bridge closed the connection; unread: {self._unread}"

    def hears_nothing(self) -> bool:
        """Whether nothing is unread, and nothing comes for SILENCE_S."""
        try:
            while not self._unread and self._read_more(time.monotonic() + SILENCE_S):
                pass
        except TimeoutError:
            return True
        return False

    def wait_until_closed(self) -> None:
        """Fails unless the bridge closes the connection; what it sends before can be read afterwards."""
        deadline = time.monotonic() + PATIENCE_S
        while self._read_more(deadline):
            pass

    def _read_more(self, deadline: float) -> bool:
        """Read what comes next; False at the end of the stream. Raises TimeoutError at the deadline."""
        self._socket.settimeout(max(0.001, deadline - time.monotonic()))
        try:
            data = self._socket.recv(65_536)
        except ConnectionResetError:
            return False
        self._received += data
        while (frame := self._cut_frame()) is not None:
            if _reads_everything(frame):
                with suppress(ConnectionError):
                    self.respond(frame, data=[{"groupKey": name} for name in frame.body["data"]["groupKey"]])
            else:
                self._unread.append(frame)
        return bool(data)

    def _cut_frame(self) -> Frame | None:
        if len(self._received) < HEADER.size:
            return None
        magic, version, message_type, data_type, _, _, sequence, size = HEADER.unpack_from(self._received)
        assert (magic, data_type) == (b"QYZN", 1)
        end = HEADER.size + size
        if len(self._received) < end:
            return None
        body = bytes(self._received[HEADER.size : end])
        del self._received[:end]
        return Frame(version, message_type, sequence, json.loads(body) if body else None)


def recognition(picture: bytes = JPEG, **changes: Any) -> dict[str, Any]:
    """The data of a snapshot_face, of now."""
    snaptime = time.strftime("%Y-%m-%d %H:%M:%S")
    return PERSON | {"snaptime": snaptime, "snapPic": base64.b64encode(picture).decode()} | changes


def _reads_everything(frame: Frame) -> bool:
    is_reading = frame.message_type == REQUEST and frame.body["message"] == "get_configs"
    return is_reading and len(frame.body["data"]["groupKey"]) >= MANY_GROUPS


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
