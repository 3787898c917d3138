"""Limits on connections, in the real protocol: places, frames and bytes per second, and what waits for a peer that does not read."""

from __future__ import annotations

import pytest
from twisted.internet.error import ConnectionDone
from twisted.python.failure import Failure

from bridge.session.surroundings import SessionLimits
from bridge.terminal.limits import Places, Rate, Rates
from bridge.terminal.protocol import LEAST_PAUSE_S, MOST_UNREAD_FRAMES
from bridge.wire import MessageType, encode_frame
from tests.terminal.lobby import FACE, LIMITS, Guest, Lobby, frame

BEAT = encode_frame(MessageType.HEARTBEAT, 0, 0)
RATES = Rates(Rate(10, 20), Rate(1000, 5000))  # and before login a tenth: 1 frame per second, 2 at once; 100 bytes, 500 at once


@pytest.fixture
def lobby() -> Lobby:
    return Lobby(rates=RATES, places=Places(3, 2))


def slowed(lobby: Lobby) -> list[float]:
    return [told[1] for told in lobby.listener.told if told[0] == "slowed"]


# Places.


def test_a_connection_for_which_there_is_no_place_is_closed_at_once_and_told(lobby: Lobby) -> None:
    first, second, third = lobby.connect(), lobby.connect(), lobby.connect()
    assert third.is_aborted()
    assert lobby.listener.told == [("turned_away", "192.0.2.7", "connections_per_address")]
    assert third.send(frame("login", {})) == []
    assert third.protocol._framer.buffered_bytes == 0
    assert third.transport.producer is None
    third.hang_up()
    assert len(lobby.hall.places) == 2
    other, one_more = lobby.connect("192.0.2.8"), lobby.connect("192.0.2.9")
    assert (other.is_aborted(), one_more.is_aborted()) == (False, True)
    first.hang_up()
    second.hang_up()
    assert not lobby.connect().is_aborted()
    assert len(lobby.hall.places) == 2


def test_a_place_is_free_when_the_connection_is_gone_and_not_before(lobby: Lobby) -> None:
    guest = lobby.connect()
    guest.protocol.close("for a test")
    assert len(lobby.hall.places) == 1
    guest.hang_up()
    guest.protocol.connectionLost(Failure(ConnectionDone()))  # which Twisted does not do
    assert len(lobby.hall.places) == 0


# Pace.


def test_a_terminal_that_is_too_fast_is_read_as_fast_as_it_may_send(lobby: Lobby) -> None:
    guest = lobby.guest()
    assert len(guest.send(BEAT * 50)) == 21  # a burst of 20, and one for which it has to wait
    assert not guest.is_read()
    for _ in range(28):
        assert not guest.is_read()
        lobby.wait(LEAST_PAUSE_S)
    lobby.wait(1)
    assert len(guest.heard()) == 29
    assert guest.is_read()
    assert slowed(lobby)[0] == pytest.approx(0.1)


def test_quiet_time_is_not_held_in_favour_of_what_was_there_before_it(lobby: Lobby) -> None:
    guest = lobby.guest()
    guest.protocol.pause("disk")
    assert guest.send(BEAT * 50) == []
    lobby.wait(60)
    guest.protocol.resume("disk")
    assert len(guest.heard()) == 21
    assert not guest.is_read()


def test_bytes_count_as_well_whether_or_not_they_are_whole_frames(lobby: Lobby) -> None:
    guest = lobby.guest()
    guest.send(encode_frame(MessageType.REQUEST, 1, 0, bytes(9000))[:6000])
    assert not guest.is_read()
    assert slowed(lobby) == [pytest.approx(1.0)]
    lobby.wait(0.9)
    assert not guest.is_read()
    lobby.wait(0.2)
    assert guest.is_read()


def test_before_login_it_is_a_tenth_and_the_time_to_login_goes_on() -> None:
    lobby = Lobby(rates=RATES, session=SessionLimits(login_s=5))
    guest = lobby.connect()
    assert len(guest.send(BEAT * 10)) == 3
    assert not guest.is_read()
    lobby.wait(5)
    assert guest.is_closing()
    guest.hang_up()
    assert lobby.timers() == 0


def test_a_login_brings_the_terminals_own_pace_which_connecting_again_does_not_refill(lobby: Lobby) -> None:
    guest = lobby.guest()
    assert len(guest.send(BEAT * 30)) == 21
    again = lobby.guest()
    assert again.send(BEAT) == []
    assert not again.is_read()
    lobby.wait(3)
    assert len(again.heard()) == 1
    assert len(again.send(BEAT * 30)) == 21
    lobby.directory.drop("HG1", "removed")
    assert lobby.directory._entries == {}


def test_however_long_it_goes_on_it_is_not_disconnected_and_its_silence_is_not_held_against_it(lobby: Lobby) -> None:
    guest = lobby.guest()
    guest.send(BEAT * 2000)
    lobby.wait(180)
    assert not guest.is_closing()
    while not guest.is_read():
        lobby.wait(1)
    lobby.wait(74)
    assert not guest.is_closing()
    lobby.wait(1)
    assert guest.is_closing()


def test_the_end_of_a_connection_that_is_held_back_leaves_no_timer(lobby: Lobby) -> None:
    guest = lobby.guest()
    guest.send(BEAT * 100)
    guest.hang_up()
    assert lobby.timers() == 0


def test_a_pause_of_another_reason_is_not_ended_by_the_end_of_this_one(lobby: Lobby) -> None:
    guest = lobby.guest()
    guest.protocol.pause("disk")
    guest.send(encode_frame(MessageType.REQUEST, 1, 0, bytes(9000))[:6000])
    lobby.wait(2)
    assert not guest.is_read()
    lobby.wait(200)
    assert not guest.is_closing()  # it is the bridge that does not read
    guest.protocol.resume("disk")
    assert guest.is_read()


def test_everything_that_was_sent_too_fast_is_answered_in_the_end(lobby: Lobby) -> None:
    guest = lobby.guest()
    said = guest.send(b"".join(frame("snapshot_face", FACE, sequence=n) for n in range(5, 45)))
    lobby.wait(60)
    assert [each.sequence for each in said + guest.heard()] == list(range(5, 45))


# A peer that sends a byte a second.


def test_a_frame_that_never_ends_does_not_keep_a_connection_open() -> None:
    lobby = Lobby()
    stranger, terminal = lobby.connect(), lobby.guest()
    data = frame("snapshot_face", FACE)
    for second, byte in enumerate(data[:75]):
        assert (stranger.is_closing(), terminal.is_closing()) == (second >= 30, False)
        stranger.send(bytes([byte]))
        terminal.send(bytes([byte]))
        lobby.wait(1)
    assert terminal.is_closing()


# A peer that does not read.


def ask_much(guest: Guest) -> list[object]:
    return guest.request("add_face", bytes(LIMITS.after_login - 100))


def test_what_waits_for_a_peer_that_does_not_read_is_bounded(lobby: Lobby) -> None:
    guest = lobby.guest()
    guest.stop_reading()
    outcomes = [ask_much(guest) for _ in range(MOST_UNREAD_FRAMES)]
    assert not guest.is_closing()
    outcomes.append(ask_much(guest))
    assert guest.is_closing()
    assert [outcome.code for each in outcomes for outcome in each] == ["superseded"] * 5  # type: ignore[attr-defined]
    assert lobby.listener.told[-1] == ("left", "HG1", "it does not read what it is sent", False)


def test_a_peer_that_reads_now_and_then_is_not_disconnected(lobby: Lobby) -> None:
    guest = lobby.guest()
    for _ in range(20):
        guest.stop_reading()
        ask_much(guest)
        guest.read_again()
    assert not guest.is_closing()


# TLS.


def test_a_handshake_that_fails_is_told(lobby: Lobby) -> None:
    from OpenSSL.SSL import Error

    guest = lobby.connect()
    guest.protocol.connectionLost(Failure(Error([("SSL routines", "", "peer did not return a certificate")])))
    assert lobby.listener.told == [("faulted", "TLS failed: peer did not return a certificate")]
    assert lobby.timers() == 0
