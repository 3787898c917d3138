"""What goes past a transport's buffer, with a real socket: in order, whole, and never where something stands in between."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest
from twisted.internet.protocol import Protocol
from twisted.internet.tcp import Connection
from twisted.internet.testing import MemoryReactor, StringTransport

from bridge.terminal.writing import is_direct, write_at_once


class Line:
    """A transport on one end of a socket; `peer` is the other end."""

    def __init__(self) -> None:
        ours, self.peer = socket.socketpair()
        self.reactor = MemoryReactor()
        self.transport = Connection(ours, Protocol(), self.reactor)
        self.transport.connected = True
        self.peer.setblocking(False)

    def close(self) -> None:
        self.transport.socket.close()
        self.peer.close()

    @property
    def is_waiting(self) -> bool:
        """Whether the transport has something to write, and waits for its turn."""
        return self.transport in self.reactor.getWriters()

    def heard(self) -> bytes:
        """All that has come, once the transport has had its turns."""
        data = b""
        while True:
            try:
                data += self.peer.recv(1 << 20)
            except BlockingIOError:
                if not self.is_waiting:
                    return data
                self.transport.doWrite()


@pytest.fixture
def line() -> Iterator[Line]:
    line = Line()
    yield line
    line.close()


def test_what_the_peer_takes_is_written_at_once(line: Line) -> None:
    assert write_at_once(line.transport, b"one")
    assert write_at_once(line.transport, b"two")
    assert not line.is_waiting
    assert line.heard() == b"onetwo"


def test_what_the_peer_does_not_take_is_left_to_the_transport_in_order(line: Line) -> None:
    parts = [bytes([number]) * 100_000 for number in range(20)]
    written: list[bool] = []
    while write_at_once(line.transport, parts[len(written)]):
        written.append(True)
    for part in parts[len(written) + 1 :]:
        line.transport.write(part)
    assert line.is_waiting
    assert line.heard() == b"".join(parts)


def test_a_connection_that_is_lost_is_the_transports_to_notice(line: Line) -> None:
    line.transport.socket.close()
    assert not write_at_once(line.transport, b"one")
    assert line.is_waiting


def test_nothing_goes_past_tls_or_anything_else_in_between(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_direct(line.transport)
    monkeypatch.setattr(line.transport, "TLS", True)
    assert not is_direct(line.transport)
    assert not is_direct(StringTransport())
