from __future__ import annotations

from tests.terminal.lobby import REGISTER, Lobby


def test_live_terminals_are_found_by_serial() -> None:
    lobby = Lobby()
    directory = lobby.directory
    first = lobby.guest()
    second = lobby.connect()
    second.say("register", {**REGISTER, "serial": "HG2"})
    assert (directory.find("HG1"), directory.find("HG2"), directory.find("HG3")) == (first.protocol, second.protocol, None)
    assert ("HG2" in directory, "HG3" in directory, len(directory)) == (True, False, 2)
    for terminal in directory:
        terminal.close("which changes the directory while it is walked")
    assert len(directory) == 0


def test_a_memory_outlives_its_connections() -> None:
    directory = Lobby().directory
    assert directory.memory_of("HG1") is directory.memory_of("HG1")
    assert directory.memory_of("HG1") is not directory.memory_of("HG2")


def test_an_older_connection_that_ends_does_not_take_the_newer_with_it() -> None:
    lobby = Lobby()
    old, new = lobby.guest(), lobby.guest()
    assert not lobby.directory.leave(old.protocol)
    assert lobby.directory.find("HG1") is new.protocol
