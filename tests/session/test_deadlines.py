"""When the session wants to be called, and what ends it then."""

from __future__ import annotations

from math import inf

import pytest

from bridge.session.happenings import Ended, Faulted
from bridge.session.session import State
from bridge.session.surroundings import SessionLimits
from bridge.wire import Frame, MessageType
from tests.session.conversation import Conversation, Site

HEARTBEAT = MessageType.HEARTBEAT


@pytest.fixture
def new() -> Conversation:
    return Conversation()


@pytest.fixture
def talk() -> Conversation:
    return Conversation().identify()


def test_the_login_deadline(new: Conversation) -> None:
    assert new.session.deadline() == new.now + 30
    new.at(1029.9)
    assert new.happened() == []
    new.say_body(b"", type=HEARTBEAT)
    new.say("sync_time")
    assert new.session.deadline() == 1030, "talking does not put it off"
    new.at(1030)
    faulted, ended = new.happened()
    assert isinstance(faulted, Faulted)
    assert faulted.reason.startswith("it said nothing of who it is within 30 s")
    assert ended == Ended("no successful register or login within 30 s")
    assert new.session.deadline() == inf


def test_a_login_lifts_the_login_deadline(new: Conversation) -> None:
    new.now = 1029
    new.identify()
    assert new.session.deadline() == 1029 + 75
    new.at(1030)
    assert new.happened() == []


def test_limits_are_the_owners() -> None:
    talk = Conversation(Site(limits=SessionLimits(login_s=5, silence_s=10)))
    assert talk.session.deadline() == 1005
    talk.identify()
    assert talk.session.deadline() == 1010


ANY_FRAME = {
    "heartbeat": Frame(2, MessageType.HEARTBEAT, 1, 0, 0, b""),
    "request": Frame(2, MessageType.REQUEST, 1, 0, 1, b'{"message":"sync_time"}'),
    "notification": Frame(2, MessageType.NOTIFICATION, 1, 0, 1, b'{"message":"door_alarm"}'),
    "answer": Frame(2, MessageType.RESPONSE, 1, 0, 1, b'{"result":0}'),
    "unreadable": Frame(2, MessageType.REQUEST, 1, 0, 1, b"?"),
    "unknown": Frame(9, 99, 9, 0, 1, b"?"),
}


@pytest.mark.parametrize("name", ANY_FRAME)
def test_a_frame_of_any_kind_breaks_the_silence(talk: Conversation, name: str) -> None:
    talk.now += 74
    talk.session.receive(ANY_FRAME[name], talk.now)
    talk.happened()
    talk.wait(74)
    assert talk.session.state is State.IDENTIFIED
    talk.wait(1)
    assert talk.one(Ended) == Ended("silent for 75 s")


def test_a_paused_connection_is_not_silent(talk: Conversation) -> None:
    talk.session.is_paused = True
    assert talk.session.deadline() == inf
    talk.wait(500)
    assert talk.happened() == []
    talk.session.resume(talk.now)
    talk.wait(74)
    assert talk.happened() == []
    talk.wait(1)
    talk.one(Ended)


def test_a_pause_does_not_put_off_the_login(new: Conversation) -> None:
    new.session.is_paused = True
    assert new.session.deadline() == 1030
    new.at(1030)
    assert [type(each) for each in new.happened()] == [Faulted, Ended]
