from __future__ import annotations

import gc
import json
import socket
import weakref
from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionLost
from twisted.logger import LogEvent
from twisted.python.failure import Failure

from bridge.catalogue import Result
from bridge.catalogue.identity import Register
from bridge.session.admission import Admitted, Attempt, Refused, Undecided
from bridge.session.happenings import Answered, Failed, Received
from bridge.session.surroundings import SessionLimits
from bridge.session.terminal_clock import TerminalClock
from bridge.terminal.channel import CLOSE_S
from bridge.terminal.factory import TerminalFactory
from bridge.terminal.protocol import TerminalProtocol
from bridge.wire import MessageType, encode_frame
from tests.session.conversation import Gate
from tests.terminal.lobby import FACE, LOGIN, REGISTER, WALL, Guest, Lobby, frame, logged


@pytest.fixture
def lobby() -> Lobby:
    return Lobby()


@pytest.fixture
def defects() -> Iterator[list[LogEvent]]:
    with logged() as events:
        yield events


def results(said: list[Any]) -> list[Any]:
    return [each.body.get("result") for each in said]


# Frames.

STREAM = (
    frame("login", LOGIN, sequence=1)
    + encode_frame(MessageType.HEARTBEAT, 0, 0)
    + frame("snapshot_face", FACE, sequence=2)
    + frame("snapshot_face", {**FACE, "fullName": "韩梅梅"}, sequence=3)
)


@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_frames_may_be_split_anywhere(cuts: list[int]) -> None:
    lobby = Lobby()
    guest = lobby.connect()
    edges = [0, *sorted(cuts), len(STREAM)]
    said = [each for start, end in pairwise(edges) for each in guest.send(STREAM[start:end])]
    assert [(each.type, each.sequence) for each in said] == [(4, 1), (1, 0), (4, 2), (4, 3)]
    assert [each.sequence for each in lobby.listener.messages] == [2, 3]


def test_a_stream_byte_by_byte(lobby: Lobby) -> None:
    guest = lobby.connect()
    for index in range(len(STREAM)):
        guest.send(STREAM[index : index + 1])
    assert [each.sequence for each in lobby.listener.messages] == [2, 3]


def big(size: int) -> bytes:
    return encode_frame(MessageType.REQUEST, 9, 0, json.dumps({"message": "x" * size, "data": {}}).encode())


def test_a_frame_over_the_cap_before_login_ends_the_connection_at_its_header(lobby: Lobby) -> None:
    guest = lobby.connect()
    assert guest.send(big(2_500)[:20]) == []
    assert guest.is_closing()
    assert lobby.listener.told == [("faulted", "a frame of 2527 bytes is over the limit of 2000")]


def test_login_raises_the_cap(lobby: Lobby) -> None:
    guest = lobby.guest()
    lobby.listener.act = lambda terminal, received: terminal.answer(received, Result.BAD_PARAMETER)
    assert results(guest.send(big(2_500))) == [Result.BAD_PARAMETER]
    guest.send(big(10_500)[:20])
    assert guest.is_closing()
    assert lobby.listener.names() == ["joined", "faulted", "left"]


def test_a_refused_login_does_not_raise_the_cap(lobby: Lobby) -> None:
    guest = lobby.connect()
    assert results(guest.say("login", {**LOGIN, "sign": "bad"})) == [Result.WRONG_PASSWORD]
    guest.send(big(2_500)[:20])
    assert lobby.listener.names() == ["rejected", "faulted"]
    assert lobby.listener.told[0] == ("rejected", "192.0.2.7", "bad_sign")


def test_nothing_is_read_after_the_end(lobby: Lobby) -> None:
    guest = lobby.guest()
    guest.send(b"GET / HTTP/1.1\r\n")
    guest.send(b"and more that is no frame" * 1000)
    guest.send(STREAM)
    assert lobby.listener.names() == ["joined", "faulted", "left"]
    assert lobby.listener.messages == []
    assert guest.protocol._framer.buffered_bytes < 100


def test_frames_behind_a_logout_are_not_read(lobby: Lobby) -> None:
    guest = lobby.guest()
    assert results(guest.send(frame("logout", {}, sequence=5) + frame("snapshot_face", FACE, sequence=6))) == [Result.SUCCESS]
    assert lobby.listener.messages == []


def test_the_protocol_version_is_the_last_frames(lobby: Lobby) -> None:
    guest = lobby.guest()
    assert guest.protocol.protocol_version == 2
    guest.send(encode_frame(MessageType.HEARTBEAT, 0, 0, version=5))
    assert guest.protocol.protocol_version == 5


def test_a_terminal_is_told_of_once_and_then_as_updated(lobby: Lobby) -> None:
    guest = lobby.connect()
    assert results(guest.say("register", REGISTER)) == [0]
    assert results(guest.say("login", LOGIN)) == [0]
    assert lobby.listener.told == [("joined", "HG1", False), ("updated", "HG1")]


# The timer.


def test_one_timer_which_is_moved_when_it_fires_and_not_before(lobby: Lobby) -> None:
    guest = lobby.guest()
    assert lobby.timers() == 1
    (timer,) = lobby.clock.getDelayedCalls()
    for _ in range(5):
        lobby.wait(5)
        guest.beat()
    assert lobby.clock.getDelayedCalls() == [timer]  # 25 s: not one call for each frame
    assert timer.getTime() == 30.0  # the login's, which it will find to be over
    lobby.wait(6)
    assert [call.getTime() for call in lobby.clock.getDelayedCalls()] == [100.0]  # 75 s after the last frame


def test_a_deadline_that_comes_nearer_moves_the_timer_at_once(lobby: Lobby) -> None:
    guest = lobby.guest()
    outcomes = guest.request(timeout_s=3.0)
    assert [call.getTime() for call in lobby.clock.getDelayedCalls()] == [3.0]
    lobby.wait(3)
    assert [outcome.code for outcome in outcomes] == ["timeout"]


def test_whoever_does_not_log_in_is_disconnected(lobby: Lobby) -> None:
    guest = lobby.connect()
    lobby.wait(20)
    guest.beat()
    lobby.wait(9)
    assert not guest.is_closing()
    lobby.wait(1)
    assert guest.is_closing()
    guest.hang_up()
    assert lobby.timers() == 0
    ((told, reason),) = lobby.listener.told
    assert (told, reason.partition(" within ")[0]) == ("faulted", "it said nothing of who it is")


def test_a_silent_terminal_is_disconnected_after_the_silence_and_not_before(lobby: Lobby) -> None:
    guest = lobby.guest()
    lobby.wait(50)
    guest.beat()
    lobby.wait(74)
    assert not guest.is_closing()
    lobby.wait(1)
    assert guest.is_closing()
    assert lobby.listener.told[-1] == ("left", "HG1", "silent for 75 s", False)
    guest.hang_up()
    assert lobby.timers() == 0


def hang_up(guest: Guest) -> None:
    guest.hang_up()


def reset(guest: Guest) -> None:
    guest.protocol.connectionLost(Failure(ConnectionLost()))


def close_and_hang_up(guest: Guest) -> None:
    guest.protocol.close("for a test")
    guest.hang_up()


def close_and_be_aborted(guest: Guest) -> None:
    guest.protocol.close("for a test")
    guest.lobby.wait(CLOSE_S)
    guest.hang_up()


def log_out(guest: Guest) -> None:
    guest.say("logout", {})
    guest.hang_up()


def break_the_frame(guest: Guest) -> None:
    guest.send(b"nonsense")
    guest.hang_up()


def be_silent(guest: Guest) -> None:
    guest.lobby.wait(80)
    guest.hang_up()


def be_paused_and_lost(guest: Guest) -> None:
    guest.protocol.pause("broker")
    guest.hang_up()
    guest.protocol.resume("broker")


def be_paused_closed_and_resumed(guest: Guest) -> None:
    guest.protocol.pause("broker")
    guest.stop_reading()
    guest.protocol.close("for a test")
    guest.protocol.resume("broker")
    guest.read_again()
    guest.protocol.pause("broker")
    guest.hang_up()


ENDINGS = [
    hang_up,
    reset,
    close_and_hang_up,
    close_and_be_aborted,
    log_out,
    break_the_frame,
    be_silent,
    be_paused_and_lost,
    be_paused_closed_and_resumed,
]


@pytest.mark.parametrize("is_identified", [True, False])
@pytest.mark.parametrize("end", ENDINGS, ids=lambda end: end.__name__)
def test_no_timer_is_left_and_all_requests_end_once_however_a_connection_ends(end: Any, is_identified: bool) -> None:
    lobby = Lobby(session=SessionLimits(login_s=60))
    guest = lobby.guest() if is_identified else lobby.connect()
    outcomes = guest.request() + guest.request(timeout_s=100)
    end(guest)
    assert lobby.timers() == 0
    assert lobby.factory.connections == 0
    assert len(lobby.directory) == 0
    assert guest.transport.producer is None or end in (hang_up, reset, be_paused_and_lost)
    assert lobby.listener.names().count("left") == is_identified
    lobby.wait(200)
    assert [type(outcome) for outcome in outcomes] == [Failed] * len(outcomes)
    late = guest.request()
    assert [outcome.code for outcome in late] == ["superseded"]
    assert lobby.timers() == 0


# Requests.


def test_a_request_is_answered_once(lobby: Lobby) -> None:
    guest = lobby.guest()
    outcomes = guest.request("open_door", b'{"message":"open_door","data":{}}')
    (sent,) = guest.heard()
    assert (sent.type, sent.body["message"]) == (MessageType.REQUEST, "open_door")
    assert outcomes == []
    guest.reply(sent.sequence, 0, {"a": 1}, "fine")
    guest.reply(sent.sequence, 0)
    assert outcomes == [Answered(sequence=sent.sequence, attempts=1, elapsed_s=0.0, result=0, desc="fine", data={"a": 1})]
    assert lobby.listener.told[-1] == ("faulted", "an answer that came too late")


def test_an_expired_request_and_one_too_many_end_at_once(lobby: Lobby) -> None:
    guest = lobby.guest()
    assert [outcome.code for outcome in guest.request(expires_in_s=0)] == ["expired"]
    waiting = [guest.request() for _ in range(256)]
    assert [outcome.code for outcome in guest.request()] == ["busy"]
    assert not any(waiting)


def test_a_request_is_sent_again_and_times_out(lobby: Lobby) -> None:
    guest = lobby.guest()
    outcomes = guest.request()
    for _ in range(16):
        lobby.wait(5)
        guest.beat()
    assert [(outcome.code, outcome.attempts) for outcome in outcomes] == [("timeout", 4)]


def test_a_request_that_a_callback_makes_while_the_connection_ends_is_concluded_too(lobby: Lobby) -> None:
    guest = lobby.guest()
    outcomes: list[Any] = []

    def again(outcome: Any) -> Deferred[Any]:
        outcomes.append(outcome)
        return guest.protocol.request("open_door", b"{}", version=2, timeout_s=20)

    guest.protocol.request("open_door", b"{}", version=2, timeout_s=20).addCallback(again).addBoth(outcomes.append)
    guest.hang_up()
    assert [outcome.code for outcome in outcomes] == ["superseded", "superseded"]
    assert lobby.timers() == 0


def test_a_defect_in_a_requests_callback_harms_nobody_else(lobby: Lobby) -> None:
    guest = lobby.guest()
    failures: list[Failure] = []
    first = guest.protocol.request("a", b"{}", version=2, timeout_s=20)
    first.addCallback(lambda _: 1 / 0).addErrback(failures.append)
    second = guest.request()
    sent = guest.heard()
    guest.send(b"".join(encode_frame(MessageType.RESPONSE, each.sequence, 0, b'{"result":0}') for each in sent))
    assert [failure.type for failure in failures] == [ZeroDivisionError]
    assert [outcome.result for outcome in second] == [0]


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="needs a kernel that gives up connections in time")
def test_only_a_command_that_is_never_sent_twice_bounds_how_long_it_may_lie_on_the_way(lobby: Lobby) -> None:
    guest = lobby.guest()
    with socket.socket() as connection:
        guest.transport.socket = connection  # type: ignore[attr-defined]

        def bound_ms() -> int:
            return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)

        guest.request("get_configs", expires_in_s=7.0)
        assert bound_ms() == 0
        guest.request("open_door", expires_in_s=9.0, resend=False)
        assert bound_ms() == 9_000


# Takeover.


def test_a_new_connection_takes_over(lobby: Lobby) -> None:
    old = lobby.guest()
    outcomes = old.request()
    new = lobby.guest()
    assert old.is_closing()
    assert not new.is_closing()
    assert [outcome.code for outcome in outcomes] == ["superseded"]
    assert lobby.listener.told == [("joined", "HG1", False), ("joined", "HG1", True)]
    old.hang_up()
    assert lobby.listener.names() == ["joined", "joined"]  # nobody has left
    assert lobby.directory.find("HG1") is new.protocol
    assert lobby.factory.connections == 1
    new.hang_up()
    assert lobby.listener.told[-1][:2] == ("left", "HG1")
    assert lobby.timers() == 0


def test_a_second_login_on_the_same_connection_takes_nothing_over(lobby: Lobby) -> None:
    guest = lobby.guest().log_in()
    assert not guest.is_closing()
    assert lobby.listener.names() == ["joined", "updated"]


def test_an_answer_that_comes_by_way_of_a_newer_connection_is_sent_there_at_once(lobby: Lobby) -> None:
    lobby.listener.act = lambda terminal, received: None
    old = lobby.guest()
    assert old.say("snapshot_face", FACE, sequence=77) == []
    new = lobby.guest()
    assert new.say("snapshot_face", FACE, sequence=77) == []
    (received,) = lobby.listener.messages  # the copy was not told of
    old.protocol.answer(received, Result.SUCCESS)
    assert [(each.sequence, each.body["result"]) for each in new.heard()] == [(77, 0)]
    assert old.heard() == []


def test_a_record_answered_after_its_connection_is_answered_when_it_comes_again(lobby: Lobby) -> None:
    lobby.listener.act = lambda terminal, received: None
    old = lobby.guest()
    old.say("snapshot_face", FACE, sequence=77)
    old.hang_up()
    old.protocol.answer(lobby.listener.messages[0], Result.SUCCESS)
    assert results(lobby.guest().say("snapshot_face", FACE, sequence=77)) == [0]
    assert len(lobby.listener.messages) == 1


# Ends.


def test_a_logout_is_answered_and_then_the_connection_is_closed(lobby: Lobby) -> None:
    guest = lobby.guest()
    outcomes = guest.request()
    guest.heard()
    assert results(guest.say("logout", {})) == [0]
    assert guest.is_closing()
    assert not guest.is_aborted()
    assert lobby.listener.told[-1] == ("left", "HG1", "it logged out", True)
    assert [outcome.code for outcome in outcomes] == ["superseded"]


def test_why_a_lost_connection_ended_is_told(lobby: Lobby) -> None:
    guest = lobby.guest()
    guest.hang_up()
    assert lobby.listener.told[-1] == ("left", "HG1", "connection lost: Connection was closed cleanly", False)


def test_a_peer_that_never_closes_is_aborted(lobby: Lobby) -> None:
    guest = lobby.guest()
    guest.protocol.close("for a test")
    guest.protocol.close("for a test, again")
    lobby.wait(CLOSE_S - 1)
    assert not guest.is_aborted()
    lobby.wait(1)
    assert guest.is_aborted()
    assert lobby.listener.names() == ["joined", "left"]


def test_all_are_closed(lobby: Lobby) -> None:
    guests = [lobby.guest(), lobby.connect()]
    assert lobby.factory.connections == 2
    lobby.factory.close_all("the bridge is being stopped")
    assert [guest.is_closing() for guest in guests] == [True, True]
    assert lobby.listener.told[-1] == ("left", "HG1", "the bridge is being stopped", False)
    for guest in guests:
        guest.hang_up()
    assert lobby.factory.connections == 0
    assert lobby.timers() == 0


def test_a_removed_terminal_is_closed_and_its_answers_forgotten(lobby: Lobby) -> None:
    guest = lobby.guest()
    guest.say("snapshot_face", FACE, sequence=5)
    lobby.directory.drop("HG1", "removed")
    lobby.directory.drop("HG2", "never was here")
    assert guest.is_closing()
    assert lobby.listener.told[-1] == ("left", "HG1", "removed", False)
    assert len(lobby.directory.memory_of("HG1")) == 0


# Flow.


def test_a_peer_that_does_not_read_is_not_read_and_its_silence_counts(lobby: Lobby) -> None:
    guest = lobby.guest()
    assert guest.transport.streaming
    guest.stop_reading()
    assert not guest.is_read()
    guest.send(frame("snapshot_face", FACE, sequence=8))
    assert lobby.listener.messages == []
    guest.read_again()
    assert guest.is_read()
    assert results(guest.heard()) == [0]
    guest.stop_reading()
    lobby.wait(75)
    assert guest.is_closing()


def test_pausing_for_the_broker_loses_no_frame_and_reads_none(lobby: Lobby) -> None:
    guest = lobby.guest()
    answer = lobby.listener.act

    def pause_and_answer(terminal: TerminalProtocol, received: Received) -> None:
        terminal.pause("broker")
        answer(terminal, received)

    lobby.listener.act = pause_and_answer
    said = guest.send(b"".join(frame("snapshot_face", FACE, sequence=n) for n in (5, 6, 7)))
    assert [each.sequence for each in said] == [5]
    assert not guest.is_read()
    guest.send(frame("snapshot_face", FACE, sequence=8))  # what TCP had read already
    for sequence in (6, 7, 8):
        assert [each.sequence for each in lobby.listener.messages][-1] == sequence - 1
        guest.protocol.resume("broker")
        assert [each.sequence for each in guest.heard()] == [sequence]
    guest.protocol.resume("broker")
    assert guest.is_read()
    assert [each.sequence for each in lobby.listener.messages] == [5, 6, 7, 8]


def test_a_pause_that_is_over_at_once_reads_on(lobby: Lobby) -> None:
    def pause_for_a_moment(terminal: TerminalProtocol, received: Received) -> None:
        terminal.pause("broker")
        terminal.resume("broker")
        terminal.answer(received, Result.SUCCESS)

    lobby.listener.act = pause_for_a_moment
    guest = lobby.guest()
    said = guest.send(b"".join(frame("snapshot_face", FACE, sequence=n) for n in range(5, 50)))
    assert [each.sequence for each in said] == list(range(5, 50))


def test_silence_while_not_read_is_not_held_against_a_terminal_and_counts_from_then_on(lobby: Lobby) -> None:
    guest = lobby.guest()
    guest.protocol.pause("broker")
    lobby.wait(1000)
    assert not guest.is_closing()
    guest.protocol.resume("broker")
    lobby.wait(74)
    assert not guest.is_closing()
    lobby.wait(1)
    assert guest.is_closing()


def test_two_reasons_to_pause_must_both_be_over(lobby: Lobby) -> None:
    guest = lobby.guest()
    guest.protocol.pause("broker")
    guest.stop_reading()
    guest.protocol.resume("broker")
    assert not guest.is_read()
    guest.read_again()
    assert guest.is_read()


# Defects.


def test_a_defect_costs_one_message_and_is_logged(lobby: Lobby, defects: list[LogEvent]) -> None:
    guest = lobby.guest()
    healthy = lobby.listener.act
    lobby.listener.act = lambda terminal, received: 1 / 0
    assert guest.say("snapshot_face", FACE, sequence=5) == []
    (defect,) = defects
    assert defect["what"] == "Received"
    assert not guest.is_closing()
    lobby.listener.act = healthy
    assert results(guest.say("snapshot_face", FACE, sequence=6)) == [0]
    # The terminal sends the one that was lost again: it is not taken for a copy of one that is being dealt with.
    assert results(guest.say("snapshot_face", FACE, sequence=5)) == [0]


@pytest.mark.parametrize("method", ["joined", "updated", "left", "rejected", "faulted"])
def test_a_defect_anywhere_in_the_audience_is_logged_and_no_more(
    lobby: Lobby, defects: list[LogEvent], method: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*told: Any, **also: Any) -> None:
        raise LookupError(method)

    monkeypatch.setattr(lobby.listener, method, broken)
    guest = lobby.connect()
    assert results(guest.say("login", {**LOGIN, "sign": "bad"})) == [Result.WRONG_PASSWORD]
    guest.log_in().log_in()
    assert results(guest.say("snapshot_face", FACE)) == [0]
    guest.send(b"nonsense")
    assert guest.is_closing()
    guest.hang_up()
    assert len(lobby.directory) == 0
    assert lobby.timers() == 0
    assert [str(each["log_failure"].value) for each in defects] == [method]


# A register that is being decided.


class SlowGate(Gate):
    """Decides about registers when its test says so, or when it is hurried."""

    def __init__(self) -> None:
        super().__init__()
        self.asking: list[tuple[Undecided, Admitted | Refused]] = []

    def register(self, register: Register, attempt: Attempt) -> Undecided:  # type: ignore[override]  # which is what this is about
        verdict = super().register(register, attempt)
        undecided = Undecided(self.decide)
        self.asking.append((undecided, verdict))
        return undecided

    def decide(self) -> None:
        asking, self.asking = self.asking, []
        for undecided, verdict in asking:
            undecided.decide(verdict)


@pytest.fixture
def slow(lobby: Lobby) -> SlowGate:
    gate = SlowGate()
    lobby.hall = replace(lobby.hall, surroundings=replace(lobby.hall.surroundings, admission=gate))
    lobby.factory = TerminalFactory(lobby.hall)
    return gate


def test_a_terminal_is_told_nothing_before_it_is_decided_and_may_beat_meanwhile(lobby: Lobby, slow: SlowGate) -> None:
    guest = lobby.connect()
    assert guest.say("register", REGISTER) == []
    assert [each.type for each in guest.beat()] == [MessageType.HEARTBEAT]
    assert guest.say("register", REGISTER, sequence=1) != []  # a copy is in a hurry, and is answered once
    assert lobby.listener.names() == ["joined"]
    assert slow.asking == []


def test_the_decision_reaches_the_terminal(lobby: Lobby, slow: SlowGate) -> None:
    first, second = lobby.connect(), lobby.connect("192.0.2.8")
    first.say("register", REGISTER)
    second.say("register", REGISTER | {"sign": "bad"})
    slow.decide()
    assert [each.body["result"] for each in first.heard()] == [0]
    assert [each.body["result"] for each in second.heard()] == [Result.WRONG_PASSWORD]
    assert lobby.listener.names() == ["joined", "rejected"]


def test_what_comes_behind_the_register_is_heard_after_the_decision(lobby: Lobby, slow: SlowGate) -> None:
    said = lobby.connect().send(frame("register", REGISTER, sequence=1) + frame("snapshot_face", FACE, sequence=2))
    assert [(each.sequence, each.body["result"]) for each in said] == [(1, 0), (2, 0)]


def test_a_disk_that_takes_its_time_does_not_look_like_a_step_of_the_clock(
    lobby: Lobby, slow: SlowGate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or what it reports from then on would seem to be as much older, or younger, until it asks for the time again."""
    decide = slow.decide

    def slowly() -> None:
        lobby.clock.rightNow += 3.0
        decide()

    monkeypatch.setattr(slow, "decide", slowly)
    guest = lobby.connect()
    guest.send(frame("register", REGISTER, sequence=1) + frame("sync_time", {"timestamp": "20190731091802500"}, sequence=2))
    guest.say("snapshot_face", FACE, sequence=3)
    (received,) = lobby.listener.messages
    assert received.clock == TerminalClock(WALL + 3.0, 0.0)


def test_a_decision_about_who_has_left_changes_nothing(lobby: Lobby, slow: SlowGate) -> None:
    guest = lobby.connect()
    guest.say("register", REGISTER)
    guest.hang_up()
    slow.decide()
    assert lobby.listener.names() == []
    assert lobby.timers() == 0


# The end.


@pytest.mark.parametrize("end", ["lost", "closed", "held back", "asked"])
def test_what_has_ended_needs_no_collector_to_be_freed(lobby: Lobby, end: str) -> None:
    """A flood of connections would otherwise be kept until the collector comes by, which is seldom."""

    class Marker(str):
        """As an address that can be watched."""

        __slots__ = ("__weakref__",)

    address = Marker("192.0.2.7")
    watched = weakref.ref(address)
    protocol = lobby.factory.protocol_for(address)
    guest = Guest(lobby, protocol)
    del address
    guest.say("register", REGISTER)
    guest.send(frame("snapshot_face", FACE)[:-5])
    if end == "held back":
        protocol.pause("disk")
    if end == "asked":
        guest.request()
    if end == "closed":
        protocol.close("for the test")
    gc.disable()
    try:
        guest.hang_up()
        del guest, protocol
        lobby.hall.deadlines._heap.clear()  # a few may stay there until their time
        lobby.gate.asked.clear()
        assert watched() is None
    finally:
        gc.enable()
