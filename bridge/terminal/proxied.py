"""Connections that come by way of a proxy: the terminal's own address stands in a header that the proxy sends first.

Twisted's own wrapper of this kind tells nobody when it has read the header, and raises for some that are malformed.
"""

from __future__ import annotations

from twisted.internet.interfaces import IAddress, IDelayedCall, ITransport
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import FramingError
from .factory import TerminalFactory, address_of
from .protocol import TerminalProtocol
from .proxy_header import read_proxy_header

HEADER_S = 5.0
"""A proxy sends its header at once."""
PROXIED = "haproxy:"
"""How the endpoints of such listeners begin; the rest is the endpoint where the proxy connects."""


class Arrival(Protocol):
    """A connection of the proxy's: once it is known for whom, all goes to a TerminalProtocol with that address."""

    log = Logger()

    def __init__(self, terminals: TerminalFactory, proxy: str) -> None:
        self._terminals = terminals
        self._hall = terminals.hall
        self._proxy = proxy
        self._buffer = b""
        self._timer: IDelayedCall | None = None
        self._terminal: TerminalProtocol | None = None
        self._has_place = False

    def connectionMade(self) -> None:
        """It takes a place among all, and none of an address."""
        full = self._hall.places.take(None)
        if full is not None:
            self._hall.audience.turned_away(self._proxy, full)
            self._abort()
            return
        self._has_place = True
        self._timer = self._hall.clock.callLater(HEADER_S, self._too_late)

    def dataReceived(self, data: bytes) -> None:
        """The header, cut anywhere; what is behind it is the terminal's."""
        if self._terminal is not None:
            self._terminal.dataReceived(data)
        elif self._has_place:
            self._buffer += data
            self._read_header()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone."""
        self._give_place_back()
        if self._terminal is not None:
            self._terminal.connectionLost(reason)

    def _read_header(self) -> None:
        try:
            header = read_proxy_header(self._buffer)
        except FramingError as error:
            self._refuse(error.reason)
            return
        if header is not None:
            rest, self._buffer = self._buffer[header.size :], b""
            self._enter(header.address or self._proxy, rest)

    def _enter(self, address: str, rest: bytes) -> None:
        self._give_place_back()
        self._terminal = terminal = self._terminals.protocol_for(address)
        assert self.transport is not None
        terminal.makeConnection(self.transport)
        if rest:
            terminal.dataReceived(rest)

    def _too_late(self) -> None:
        self._timer = None
        self._refuse(f"no PROXY header within {HEADER_S:g} s")

    def _refuse(self, reason: str) -> None:
        self._give_place_back()
        self._hall.audience.faulted(self._proxy, None, reason)
        self._abort()

    def _abort(self) -> None:
        transport: ITransport | None = self.transport
        assert transport is not None
        transport.abortConnection()  # type: ignore[attr-defined]  # every stream has it; ITransport does not say so

    def _give_place_back(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._has_place:
            self._has_place = False
            self._hall.places.leave(None)


class ProxiedFactory(Factory):
    """Behind a listener that only a proxy connects to. The connections are those of `terminals`."""

    noisy = False

    def __init__(self, terminals: TerminalFactory) -> None:
        self._terminals = terminals

    def buildProtocol(self, addr: IAddress | None) -> Arrival:
        """A connection of the proxy's."""
        arrival = Arrival(self._terminals, address_of(addr))
        arrival.factory = self
        return arrival
