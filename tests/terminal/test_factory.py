from __future__ import annotations

from twisted.internet.address import IPv6Address, UNIXAddress

from tests.terminal.lobby import Lobby


def test_the_address_is_the_host_without_the_port() -> None:
    factory = Lobby().factory
    assert factory.buildProtocol(IPv6Address("TCP", "2001:db8::1", 4711)).address == "2001:db8::1"
    assert factory.buildProtocol(UNIXAddress(None)).address == "local"
    assert factory.buildProtocol(None).address == "local"


def test_a_connection_counts_from_when_it_is_made_until_it_is_lost() -> None:
    lobby = Lobby()
    lobby.factory.buildProtocol(None)
    assert lobby.factory.connections == 0
    guest = lobby.connect()
    assert lobby.factory.connections == 1
    guest.hang_up()
    assert lobby.factory.connections == 0
