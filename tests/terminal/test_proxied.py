from __future__ import annotations

from twisted.internet.address import IPv4Address
from twisted.internet.error import ConnectionDone
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from bridge.terminal.limits import Places
from bridge.terminal.proxied import HEADER_S, Arrival, ProxiedFactory
from tests.terminal.lobby import LOGIN, Lobby, frame

PROXY = IPv4Address("TCP", "192.0.2.1", 50_000)
HEADER = b"PROXY TCP4 198.51.100.7 192.0.2.1 40000 8899\r\n"


def arrive(lobby: Lobby) -> tuple[Arrival, StringTransport]:
    arrival = ProxiedFactory(lobby.factory).buildProtocol(PROXY)
    transport = StringTransport()
    arrival.makeConnection(transport)
    return arrival, transport


def test_the_terminal_is_where_the_proxy_says_it_is() -> None:
    lobby = Lobby()
    arrival, transport = arrive(lobby)
    for byte in HEADER + frame("login", LOGIN):
        arrival.dataReceived(bytes([byte]))
    terminal = lobby.directory.find("HG1")
    assert terminal is not None
    assert terminal.address == "198.51.100.7"
    assert transport.value().startswith(b"QYZN")
    assert lobby.hall.places._by_network == {"198.51.100.7": 1}
    arrival.connectionLost(Failure(ConnectionDone()))
    assert lobby.listener.names() == ["joined", "left"]
    assert (lobby.timers(), len(lobby.hall.places), lobby.factory.connections) == (0, 0, 0)


def test_header_and_login_may_come_in_one() -> None:
    lobby = Lobby()
    arrival, _ = arrive(lobby)
    arrival.dataReceived(HEADER + frame("login", LOGIN))
    assert "HG1" in lobby.directory


def test_a_proxy_that_speaks_for_itself_is_where_it_is() -> None:
    lobby = Lobby()
    arrival, _ = arrive(lobby)
    arrival.dataReceived(b"PROXY UNKNOWN\r\n" + frame("login", LOGIN))
    terminal = lobby.directory.find("HG1")
    assert terminal is not None
    assert terminal.address == "192.0.2.1"


def test_the_limit_of_an_address_is_that_of_the_terminals_not_of_the_proxy() -> None:
    lobby = Lobby(places=Places(10, 2))
    transports = []
    for number in (1, 1, 1, 2):
        arrival, transport = arrive(lobby)
        arrival.dataReceived(f"PROXY TCP4 198.51.100.{number} 192.0.2.1 40000 8899\r\n".encode())
        transports.append(transport)
    assert [each.disconnected for each in transports] == [False, False, True, False]
    assert lobby.listener.told == [("turned_away", "198.51.100.1", "connections_per_address")]
    assert len(lobby.hall.places) == 3


def test_whoever_has_not_sent_its_header_has_a_place_too() -> None:
    lobby = Lobby(places=Places(2, 2))
    arrivals = [arrive(lobby) for _ in range(3)]
    assert [transport.disconnected for _, transport in arrivals] == [False, False, True]
    assert lobby.listener.told == [("turned_away", "192.0.2.1", "connections")]
    arrivals[2][0].dataReceived(HEADER)
    for arrival, _ in arrivals:
        arrival.connectionLost()
    assert (lobby.timers(), len(lobby.hall.places)) == (0, 0)


def test_without_a_header_it_is_closed_and_told() -> None:
    lobby = Lobby()
    arrival, transport = arrive(lobby)
    arrival.dataReceived(frame("login", LOGIN))
    arrival.dataReceived(HEADER + frame("login", LOGIN))
    assert transport.disconnected
    assert lobby.listener.told == [("faulted", "no PROXY header: only the proxy can connect here, and it must be told to send one")]
    silent, transport = arrive(lobby)
    lobby.wait(HEADER_S)
    assert transport.disconnected
    assert lobby.listener.told[1] == ("faulted", "no PROXY header within 5 s")
    for each in (arrival, silent):
        each.connectionLost()
    assert (lobby.timers(), len(lobby.hall.places)) == (0, 0)
