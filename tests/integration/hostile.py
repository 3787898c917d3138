"""What somebody who means harm, or is broken, may do to the bridge's port. Each act works for a bounded time, and raises nothing."""

from __future__ import annotations

import random
import socket
import struct
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress

from tests.integration.broker import LOOPBACK
from tests.integration.raw_terminal import HEADER, HEARTBEAT, REQUEST, RawTerminal, frame_bytes, recognition

Act = Callable[[int, float], None]
"""Given the port, and until when (monotonic seconds)."""

SLOWNESS_S = 0.2
GOOD = [
    frame_bytes(REQUEST, 7, {"message": "login", "data": {"uuid": "u", "timestamp": "1", "sign": "s"}}),
    frame_bytes(REQUEST, 8, {"message": "snapshot_face", "data": recognition(b"\xff\xd8\xff")}),
    frame_bytes(REQUEST, 9, {"message": "sync_time", "data": {}}),
    frame_bytes(HEARTBEAT, 0),
]


@contextmanager
def connected(port: int) -> Iterator[socket.socket]:
    with socket.create_connection((LOOPBACK, port), timeout=1.0) as connection:
        yield connection


def send_nonsense(port: int, until: float) -> None:
    """Random bytes, and good frames with some of theirs changed, each on a connection of its own."""
    chance = random.Random(11)
    while time.monotonic() < until:
        with suppress(OSError), connected(port) as connection:
            for _ in range(chance.randrange(1, 8)):
                connection.sendall(_mutated(chance) if chance.random() < 0.8 else chance.randbytes(chance.randrange(2000)))


def send_oversize(port: int, until: float) -> None:
    """Frames that say to be of 4 GB, with as much behind it as the bridge takes."""
    while time.monotonic() < until:
        with suppress(OSError), connected(port) as connection:
            connection.sendall(HEADER.pack(b"QYZN", 2, REQUEST, 1, 0, 0, 1, 0xFFFF_FFFF))
            while time.monotonic() < until:
                connection.sendall(bytes(65_536))


def send_slowly(port: int, until: float) -> None:
    """Many frames at once, each a byte now and then."""
    data = frame_bytes(REQUEST, 1, {"message": "x" * 1000})
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(port)) for _ in range(200)]
        for byte in data:
            for connection in connections:
                with suppress(OSError):
                    connection.sendall(bytes([byte]))
            if time.monotonic() + SLOWNESS_S > until:
                return
            time.sleep(SLOWNESS_S)  # noqa: TID251 - slowness is the point


def flood(port: int, until: float) -> None:
    """As many frames as the bridge takes, on ten connections, never reading what is answered."""
    with ExitStack() as stack:
        connections = [stack.enter_context(connected(port)) for _ in range(10)]
        for connection in connections:
            connection.setblocking(False)
        while time.monotonic() < until:
            for connection in connections:
                with suppress(OSError):
                    connection.send(GOOD[2] * 200)


def connect_and_leave(port: int, until: float) -> None:
    """Thousands of connections, most of which end with a reset."""
    while time.monotonic() < until:
        with suppress(OSError), connected(port) as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def take_all_places(port: int, until: float) -> None:
    """As many silent connections as the bridge lets stand, and then some, which it turns away."""
    with ExitStack() as stack:
        while time.monotonic() < until:
            with suppress(OSError):
                stack.enter_context(connected(port))


def report_and_never_read(port: int, until: float) -> None:
    """A terminal that has been let in and floods the bridge with reports."""
    with closing(RawTerminal(port, "HOSTILE").join()) as terminal:
        terminal._socket.settimeout(0.2)
        sequence = 0
        with suppress(OSError):  # it is read no more, and so it is stuck
            while time.monotonic() < until:
                sequence += 1
                terminal.send(frame_bytes(REQUEST, sequence, {"message": "snapshot_face", "data": recognition(bytes(1000))}))


ACTS: list[Act] = [send_nonsense, send_oversize, send_slowly, flood, connect_and_leave, take_all_places, report_and_never_read]


def _mutated(chance: random.Random) -> bytes:
    data = bytearray(chance.choice(GOOD))
    for _ in range(chance.randrange(1, 4)):
        at = chance.randrange(len(data))
        data[at : at + chance.randrange(3)] = chance.randbytes(chance.randrange(3))
    return bytes(data)
