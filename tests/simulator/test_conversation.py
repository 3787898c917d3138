"""The terminal's conversation in memory: every state, every answer, every deadline."""

from __future__ import annotations

from math import inf
from typing import Any

import pytest

from bridge.simulator.happenings import (
    Commanded,
    DoorOpened,
    Ended,
    Faulted,
    LoggedIn,
    RecordRefused,
    Registered,
    RegistersAnew,
    ToldToWait,
)
from bridge.simulator.identity import Credentials, login_sign, numbered, register_sign
from bridge.simulator.manners import Manners
from bridge.simulator.states import State
from bridge.wire import MessageType
from tests.simulator.talk import CREDENTIALS, START, Said, Talk, new_terminal


def names(frames: list[Said]) -> list[str | None]:
    return [frame.name for frame in frames]


def quiet(talk: Talk, seconds: float) -> None:
    """Time passes, and the bridge is heard, so that nothing but the matter in hand can end the conversation."""
    for _ in range(int(seconds)):
        talk.advance(1)
        talk.beat()


# Introductions.


def test_a_new_terminal_registers_then_logs_in() -> None:
    talk = Talk(credentials=None)
    [register] = talk.take()
    assert (register.type, register.name, register.version) == (MessageType.REQUEST, "register", 2)
    timestamp = str(int(START))
    assert register.data == {
        "serial": "DEMO0001",
        "mac": "025159000001",
        "timestamp": timestamp,
        "sign": register_sign(numbered("DEMO", 1), timestamp),
        "type": "SIM1",
    }
    talk.answer(register, data={"uuid": "u9", "passwd": "p9"})
    [login] = talk.take()
    assert login.data["sign"] == login_sign(Credentials("u9", "p9"), login.data["timestamp"])
    assert login.sequence == register.sequence + 1
    talk.answer(login)
    assert names(talk.take()) == ["sync_time"]
    assert talk.told == [Registered(Credentials("u9", "p9")), LoggedIn()]
    assert talk.terminal.credentials == Credentials("u9", "p9")


def test_with_credentials_it_only_logs_in() -> None:
    talk = Talk()
    [login] = talk.take()
    assert (login.name, login.data["uuid"], login.data["version"]) == ("login", "uuid-1", "SIM1 1.0.0")
    talk.answer(login)
    assert talk.told == [LoggedIn()]
    assert talk.conversation.state is State.LOGGED_IN


@pytest.mark.parametrize("result", [100, 106])
def test_credentials_unknown_there_are_given_up_once(result: int) -> None:
    talk = Talk()
    talk.answer(talk.take_one("login"), result)
    register = talk.take_one("register")
    assert talk.told == [RegistersAnew("login", result)]
    talk.answer(register, data={"uuid": "u2", "passwd": "p2"})
    talk.answer(talk.take_one("login"), result)
    assert talk.told[-1] == Ended(f"told {result} again")
    assert talk.take() == []


@pytest.mark.parametrize(
    ("said", "wait_s"), [({"waitSeconds": 10}, 10.0), ({}, 3.0), ({"waitSeconds": "soon"}, 3.0), ({"waitSeconds": -1}, 3.0)]
)
@pytest.mark.parametrize(("credentials", "name"), [(None, "register"), (CREDENTIALS, "login")])
def test_told_to_wait_it_waits_and_tries_again(said: dict[str, Any], wait_s: float, credentials: Credentials | None, name: str) -> None:
    talk = Talk(credentials)
    first = talk.take_one(name)
    talk.answer(first, 109, said)
    assert talk.told == [ToldToWait(name, wait_s)]
    talk.advance(wait_s - 0.1)
    assert talk.take() == []
    talk.advance(0.2)
    again = talk.take_one(name)
    assert again.sequence == first.sequence + 1


def test_a_long_wait_is_not_sat_out_on_the_connection() -> None:
    talk = Talk(credentials=None)
    talk.answer(talk.take_one("register"), 109, {"waitSeconds": 300})
    assert talk.told == [ToldToWait("register", 300.0), Ended("told to wait", 300.0)]


@pytest.mark.parametrize("data", [{}, {"uuid": "u"}, {"uuid": 1, "passwd": 2}, []])
def test_a_register_answered_without_credentials_ends(data: Any) -> None:
    talk = Talk(credentials=None)
    talk.answer(talk.take_one("register"), 0, data)
    assert talk.told == [Ended("its register is refused with 0")]
    assert talk.terminal.credentials is None


@pytest.mark.parametrize(("credentials", "name"), [(None, "register"), (CREDENTIALS, "login")])
@pytest.mark.parametrize("result", [104, -1])
def test_a_refusal_ends(credentials: Credentials | None, name: str, result: int) -> None:
    talk = Talk(credentials)
    talk.answer(talk.take_one(name), result)
    assert talk.told == [Ended(f"its {name} is refused with {result}")]
    assert talk.conversation.deadline() == inf


# Time.


def test_it_beats_every_25_s_in_any_state() -> None:
    talk = Talk()
    talk.take()
    talk.advance(25)
    beats = [frame for frame in talk.take() if frame.type == MessageType.HEARTBEAT]
    assert [(beat.sequence, beat.raw) for beat in beats] == [(0, b"")]
    talk = Talk()
    talk.log_in()
    quiet(talk, 100)
    assert [frame.type for frame in talk.take()].count(MessageType.HEARTBEAT) == 4


def test_silence_ends_it() -> None:
    talk = Talk()
    talk.log_in()
    talk.advance(74.9)
    assert talk.told == []
    talk.advance(0.2)
    assert talk.told == [Ended("the bridge was silent for 75 s")]


def test_it_asks_the_time_at_login_and_every_five_minutes() -> None:
    talk = Talk()
    talk.answer(talk.take_one("login"))
    first = talk.take_one("sync_time")
    assert first.data == {"timestamp": "20231114221320000"}
    talk.answer(first, data={"timestamp": "20240102030405678"})
    quiet(talk, 299)
    assert "sync_time" not in names(talk.take())
    quiet(talk, 2)
    assert talk.take_one("sync_time").data == {"timestamp": "20240102030905678"}


@pytest.mark.parametrize("told", ["", "tomorrow", "20241399999999999", 5, None, "2024010203040567x"])
def test_a_time_that_is_none_is_ignored(told: Any) -> None:
    talk = Talk()
    talk.answer(talk.take_one("login"))
    before = talk.terminal.civil_time()
    talk.answer(talk.take_one("sync_time"), data={"timestamp": told})
    assert talk.terminal.civil_time() == before
    assert talk.told == [LoggedIn()]


def test_busy_with_the_time_it_is_asked_later() -> None:
    talk = Talk()
    talk.answer(talk.take_one("login"))
    talk.answer(talk.take_one("sync_time"), 109, {"waitSeconds": 7})
    talk.advance(7.1)
    assert names(talk.take()) == ["sync_time"]


# Re-sends.


def test_a_request_is_sent_again_three_times_and_then_the_bridge_is_lost() -> None:
    talk = Talk()
    first = talk.take_one("login")
    for _ in range(3):
        quiet(talk, 19)
        assert "login" not in names(talk.take())
        quiet(talk, 1)
        assert talk.take_one("login") == first
    quiet(talk, 20)
    assert talk.told == [Ended("no answer to login")]


def test_an_answer_stops_the_resends_and_a_second_one_is_ignored() -> None:
    talk = Talk()
    login = talk.take_one("login")
    quiet(talk, 25)
    talk.answer(login)
    talk.answer(login)
    assert talk.told == [LoggedIn()]
    talk.answer(Said(4, 12345, 2, login.body, b""))
    assert talk.told == [LoggedIn()]


# Records.


def test_records_go_one_after_the_other() -> None:
    talk = Talk()
    talk.log_in()
    talk.recognise()
    talk.recognise()
    first = talk.take_one("snapshot_face")
    talk.answer(first)
    second = talk.take_one("snapshot_face")
    assert second.sequence == first.sequence + 1
    assert len(talk.terminal.records) == 1
    talk.answer(second)
    assert len(talk.terminal.records) == 0
    assert talk.take() == []
    assert talk.told == []


def test_before_login_they_wait() -> None:
    talk = Talk()
    talk.recognise()
    talk.answer(talk.take_one("login"))
    assert names(talk.take()) == ["sync_time", "snapshot_face"]


def test_what_was_not_answered_comes_again_on_the_next_connection_as_it_was() -> None:
    talk = Talk()
    talk.log_in()
    talk.recognise()
    first = talk.take_one("snapshot_face")
    talk.recognise()
    later = Talk(terminal=talk.terminal)
    later.answer(later.take_one("login"))
    again = later.take_one("snapshot_face")
    assert again == first
    later.answer(again)
    assert later.take_one("snapshot_face").sequence == first.sequence + 1


def test_a_record_without_an_answer_ends_the_connection_and_stays() -> None:
    talk = Talk()
    talk.log_in()
    talk.recognise()
    quiet(talk, 81)
    assert names(talk.take()).count("snapshot_face") == 4
    assert talk.told == [Ended("no answer to snapshot_face")]
    assert len(talk.terminal.records) == 1


def test_busy_a_record_is_sent_again_after_the_wait() -> None:
    talk = Talk()
    talk.log_in()
    talk.recognise()
    first = talk.take_one("snapshot_face")
    talk.answer(first, 109, {"waitSeconds": 5})
    talk.recognise()
    talk.advance(4.9)
    assert talk.take() == []
    talk.advance(0.2)
    assert talk.take_one("snapshot_face") == first


def test_a_refused_record_is_given_up_and_told() -> None:
    talk = Talk()
    talk.log_in()
    talk.recognise()
    talk.answer(talk.take_one("snapshot_face"), 104)
    assert talk.told == [RecordRefused("snapshot_face", 104)]
    assert len(talk.terminal.records) == 0


def test_told_to_register_again_it_does_and_keeps_its_record() -> None:
    talk = Talk()
    talk.log_in()
    talk.recognise()
    record = talk.take_one("snapshot_face")
    talk.answer(record, 100)
    assert talk.told == [RegistersAnew("snapshot_face", 100)]
    assert talk.terminal.credentials is None
    talk.recognise()
    talk.answer(talk.take_one("register"), data={"uuid": "u2", "passwd": "p2"})
    talk.answer(talk.take_one("login"))
    assert talk.take_one("snapshot_face") == record


@pytest.mark.parametrize(("opendoor", "opened"), [(1, [DoorOpened("as its record was answered")]), (0, []), ("1", [])])
def test_the_answer_may_open_the_door(opendoor: Any, opened: list[DoorOpened]) -> None:
    talk = Talk()
    talk.log_in()
    talk.recognise()
    talk.answer(talk.take_one("snapshot_face"), data={"opendoor": opendoor})
    assert talk.told == opened


# Commands.


def test_a_command_is_answered_with_its_sequence_and_version() -> None:
    talk = Talk()
    talk.log_in()
    talk.command("open_door", {}, sequence=4_000_000_000, version=5)
    [response] = talk.take()
    assert (response.type, response.sequence, response.version) == (MessageType.RESPONSE, 4_000_000_000, 5)
    assert (response.body.result, response.data) == (0, {})
    assert talk.told == [DoorOpened("as commanded")]


def test_a_copy_gets_the_same_answer_and_the_door_opens_once() -> None:
    talk = Talk()
    talk.log_in()
    talk.command("open_door", {})
    talk.command("open_door", {})
    first, copy = talk.take()
    assert first == copy
    assert talk.told == [DoorOpened("as commanded")]
    talk.command("open_door", {}, sequence=78)
    assert len(talk.told) == 2


def test_a_copy_of_a_slow_one_is_answered_once() -> None:
    talk = Talk(manners=Manners(slow_s=25))
    talk.log_in()
    talk.command("snapshot_picture", {"timeoutSeconds": 5})
    talk.advance(20)
    talk.command("snapshot_picture", {"timeoutSeconds": 5})
    assert talk.told == []
    talk.take()
    talk.advance(5.4)
    [response] = [frame for frame in talk.take() if frame.type == MessageType.RESPONSE]
    assert response.data["image"]
    assert talk.told == [Commanded("snapshot_picture", 0)]


def test_a_picture_comes_after_a_moment() -> None:
    talk = Talk()
    talk.log_in()
    talk.command("snapshot_picture", {"timeoutSeconds": 5})
    talk.advance(0.1)
    assert talk.take() == []
    talk.advance(0.3)
    assert len(talk.take()) == 1


def test_mute_never_answers() -> None:
    talk = Talk(manners=Manners(mute=True))
    talk.log_in()
    talk.command("open_door", {})
    talk.advance(20)
    assert talk.take() == []
    assert talk.told == []


def test_what_was_answered_is_forgotten_in_time() -> None:
    talk = Talk()
    talk.log_in()
    for sequence in range(1, 20):
        talk.command("open_door", {}, sequence=sequence)
    talk.command("open_door", {}, sequence=1)
    assert len(talk.told) == 20


# What is odd.


def test_a_bridge_that_cannot_be_read_is_told_of() -> None:
    talk = Talk()
    talk.log_in()
    talk.hear(MessageType.REQUEST, 5, b"{")
    talk.hear(MessageType.REQUEST, 6, b"{}", data_type=9)
    assert [type(happening) for happening in talk.told] == [Faulted, Faulted]
    talk.told.clear()
    talk.hear(MessageType.NOTIFICATION, 7, b'{"message":"hello","data":{}}')
    talk.hear(99, 8, b"whatever")
    assert talk.take() == []
    assert talk.told == []


# Goodbye.


def test_it_logs_out() -> None:
    talk = Talk()
    talk.log_in()
    talk.leave()
    talk.answer(talk.take_one("logout"))
    assert talk.told == [Ended("logged out")]


def test_not_logged_in_it_just_goes() -> None:
    talk = Talk()
    talk.leave()
    assert talk.told == [Ended("goodbye")]


def test_after_the_end_nothing_goes_in_or_out() -> None:
    talk = Talk()
    talk.leave()
    talk.take()
    talk.told.clear()
    talk.recognise()
    talk.command("open_door", {})
    talk.conversation.tick(1e9)
    talk.conversation.end("again")
    talk.advance(0)
    assert talk.take() == []
    assert talk.told == []
    assert talk.conversation.deadline() == inf


def test_terminals_are_told_apart_by_their_sequences() -> None:
    assert len({Talk(terminal=new_terminal(seed=seed)).take()[0].sequence for seed in range(10)}) == 10
