"""Makes a protocol for each connection, and ends them all at shutdown."""

from __future__ import annotations

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from .protocol import Hall, TerminalProtocol


class TerminalFactory(Factory):
    """Behind every listener of the bridge. Its own lines in the log, one each for starting and stopping, are left out (`noisy`)."""

    noisy = False

    def __init__(self, hall: Hall) -> None:
        self._hall = hall
        self._connections: set[TerminalProtocol] = set()

    @property
    def connections(self) -> int:
        """How many there are, identified or not."""
        return len(self._connections)

    def close_all(self, reason: str) -> None:
        """End every connection."""
        for protocol in list(self._connections):
            protocol.close(reason)

    def buildProtocol(self, addr: IAddress | None) -> TerminalProtocol:
        """A connection from `addr`."""
        protocol = TerminalProtocol(self._hall, str(getattr(addr, "host", None) or "local"), self._connections)
        protocol.factory = self
        return protocol
