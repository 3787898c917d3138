"""Writes to a terminal at once, where the transport would wait for the reactor's next turn: to ask epoll whether it may, be told so, and ask
no more takes 12 of the 100 µs of an event. And reads a frame with a picture at once, where the transport would take two turns."""

from __future__ import annotations

from typing import Final, Protocol, TypeGuard

from twisted.internet.tcp import Connection

from .hall import StreamTransport

READ_BYTES: Final = 96 * 1024
"""A picture of 50 KB is a frame of 67. Below 128 KiB, above which malloc has the kernel map and clear new memory each time."""


class DirectTransport(StreamTransport, Protocol):
    """A plain connection, for which nothing stands between the bytes and the socket."""

    bufferSize: int  # noqa: N815 - Twisted's

    def writeSomeData(self, data: bytes) -> int | Exception: ...  # noqa: N802


def is_direct(transport: object) -> TypeGuard[DirectTransport]:
    """Whether bytes may go past the transport's buffer: not where TLS, or a proxy's header, is dealt with in between."""
    return isinstance(transport, Connection) and not transport.TLS


def write_at_once(transport: DirectTransport, data: bytes) -> bool:
    """Write, where nothing waits to be written yet. False: now something does, and what follows must be left to the transport as well."""
    sent = transport.writeSomeData(data)
    if sent == len(data):
        return True
    transport.write(data[sent:] if isinstance(sent, int) else data)  # a connection that is lost is the transport's to notice
    return False
