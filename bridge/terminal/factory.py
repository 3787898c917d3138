"""Makes a protocol for each connection, and ends them all at shutdown."""

from __future__ import annotations

from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from ..session.addresses import plain_address
from .hall import Hall
from .protocol import TerminalProtocol


class TerminalFactory(Factory):
    """Behind every listener of the bridge. Its own lines in the log, one each for starting and stopping, are left out (`noisy`)."""

    noisy = False

    def __init__(self, hall: Hall) -> None:
        self.hall = hall
        self._connections: dict[TerminalProtocol, None] = {}

    @property
    def connections(self) -> int:
        """How many there are, identified or not."""
        return len(self._connections)

    def close_all(self, reason: str) -> None:
        """End every connection."""
        for protocol in list(self._connections):
            protocol.close(reason)

    def buildProtocol(self, addr: IAddress | None) -> TerminalProtocol:  # type: ignore[override]  # it has no use for its factory
        """A connection from `addr`."""
        return self.protocol_for(address_of(addr))

    def protocol_for(self, address: str) -> TerminalProtocol:
        """A connection from this address."""
        return TerminalProtocol(self.hall, address, self._connections)


def address_of(addr: IAddress | None) -> str:
    """The host, without the port; "local" for what has none, such as a unix socket."""
    host = getattr(addr, "host", None)
    return "local" if host is None else plain_address(host)
