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

    def buildProtocol(self, addr: IAddress | None) -> TerminalProtocol:
        """A connection from `addr`."""
        protocol = TerminalProtocol(self._hall, str(getattr(addr, "host", None) or "local"))
        protocol.factory = self
        return protocol
