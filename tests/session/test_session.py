"""The conversation: every state against every input, who is let in, and how it ends."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from bridge.catalogue import REPORTS, Result
from bridge.session.admission import Refused
from bridge.session.happenings import Concluded, Ended, Faulted, Happening, Identified, Received, Rejected
from bridge.session.memory import MOST_REMEMBERED, REMEMBERED_S
from bridge.session.session import State
from bridge.wire import Frame, MessageType
from tests.session.conversation import FACE, LOGIN, OTHER, REGISTER, TERMINAL, WALL, Conversation, Said
from tests.vectors import FRAMES, frame_of

NEW, IDENTIFIED, ENDED = State.NEW, State.IDENTIFIED, State.ENDED
NOTIFICATION, REQUEST, RESPONSE, HEARTBEAT = MessageType.NOTIFICATION, MessageType.REQUEST, MessageType.RESPONSE, MessageType.HEARTBEAT


@pytest.fixture
def new() -> Conversation:
    return Conversation()


@pytest.fixture
def talk() -> Conversation:
    return Conversation().identify()


# Every state against every input. A row: what the terminal says; then, for NEW and for IDENTIFIED, the result it is answered (None:
# nothing, "beat": a heartbeat), what happens, and the state afterwards.

Input = Callable[[Conversation], list[Said]]
Row = tuple[Any, list[type[Happening]], State]


def said(message: str | None, data: Any = None, **options: Any) -> Input:
    return lambda talk: talk.say(message, data, **options)


def body(raw: bytes, **options: Any) -> Input:
    return lambda talk: talk.say_body(raw, **options)


BAD = {"sign": "bad"}
TABLE: dict[str, tuple[Input, Row, Row]] = {
    "register": (said("register", REGISTER), (0, [Identified], IDENTIFIED), (0, [Identified], IDENTIFIED)),
    "register refused": (said("register", REGISTER | BAD), (106, [Rejected], NEW), (106, [Rejected], IDENTIFIED)),
    "register without a serial": (said("register", {"mac": "x"}), (104, [Faulted], NEW), (104, [Faulted], IDENTIFIED)),
    "register with an array": (said("register", [1]), (104, [Faulted], NEW), (104, [Faulted], IDENTIFIED)),
    "register as notification": (
        said("register", REGISTER, type=NOTIFICATION),
        (None, [Identified], IDENTIFIED),
        (None, [Identified], IDENTIFIED),
    ),
    "login": (said("login", LOGIN), (0, [Identified], IDENTIFIED), (0, [Identified], IDENTIFIED)),
    "login refused": (said("login", LOGIN | BAD), (106, [Rejected], NEW), (106, [Rejected], IDENTIFIED)),
    "login refused as notification": (
        said("login", LOGIN | BAD, type=NOTIFICATION),
        (None, [Rejected], NEW),
        (None, [Rejected], IDENTIFIED),
    ),
    "login without data": (said("login"), (104, [Faulted], NEW), (104, [Faulted], IDENTIFIED)),
    "logout": (said("logout"), (0, [Ended], ENDED), (0, [Ended], ENDED)),
    "logout as notification": (said("logout", type=NOTIFICATION), (None, [Ended], ENDED), (None, [Ended], ENDED)),
    "sync_time": (said("sync_time", {"timestamp": "20190531145826123"}), (0, [], NEW), (0, [], IDENTIFIED)),
    "sync_time without a time": (said("sync_time"), (0, [], NEW), (0, [], IDENTIFIED)),
    "sync_time as notification": (said("sync_time", type=NOTIFICATION), (None, [], NEW), (None, [], IDENTIFIED)),
    "heartbeat": (body(b"", type=HEARTBEAT, sequence=0), ("beat", [], NEW), ("beat", [], IDENTIFIED)),
    "heartbeat with a body": (body(b"?", type=HEARTBEAT, sequence=9), ("beat", [], NEW), ("beat", [], IDENTIFIED)),
    "recognition": (said("snapshot_face", FACE), (100, [], NEW), (None, [Received], IDENTIFIED)),
    "recognition as notification": (said("snapshot_face", FACE, type=NOTIFICATION), (None, [], NEW), (None, [Received], IDENTIFIED)),
    "message of a newer firmware": (said("door_alarm", {"a": 1}), (100, [], NEW), (None, [Received], IDENTIFIED)),
    "message to the terminal": (said("open_door"), (100, [], NEW), (None, [Received], IDENTIFIED)),
    "no message": (said(None), (104, [Faulted], NEW), (104, [Faulted], IDENTIFIED)),
    "no message as notification": (said(None, type=NOTIFICATION), (None, [Faulted], NEW), (None, [Faulted], IDENTIFIED)),
    "unreadable": (body(b'{"message":"snapshot_face"'), (104, [Faulted], NEW), (104, [Faulted], IDENTIFIED)),
    "empty": (body(b""), (104, [Faulted], NEW), (104, [Faulted], IDENTIFIED)),
    "unreadable notification": (body(b"\xff", type=NOTIFICATION), (None, [Faulted], NEW), (None, [Faulted], IDENTIFIED)),
    "unknown data type": (said("sync_time", data_type=2), (104, [Faulted], NEW), (104, [Faulted], IDENTIFIED)),
    "unknown message type": (said("sync_time", type=5), (None, [Faulted], NEW), (None, [Faulted], IDENTIFIED)),
    "message type 0": (body(b"", type=0), (None, [Faulted], NEW), (None, [Faulted], IDENTIFIED)),
    "bogus answer": (body(b'{"result":0}', type=RESPONSE), (None, [Faulted], NEW), (None, [Faulted], IDENTIFIED)),
    "answer without a result": (body(b"{}", type=RESPONSE), (None, [Faulted], NEW), (None, [Faulted], IDENTIFIED)),
    "unreadable answer": (body(b"", type=RESPONSE), (None, [Faulted], NEW), (None, [Faulted], IDENTIFIED)),
}


def check(talk: Conversation, act: Input, row: Row) -> None:
    result, happenings, state = row
    answers = act(talk)
    if result is None:
        assert answers == []
    elif result == "beat":
        assert [(each.type, each.sequence, each.body) for each in answers] == [(HEARTBEAT, 0, {})]
    else:
        assert [(each.type, each.result) for each in answers] == [(RESPONSE, result)]
    assert [type(each) for each in talk.happened()] == happenings
    assert talk.session.state is state


@pytest.mark.parametrize("name", TABLE)
def test_before_it_is_known(new: Conversation, name: str) -> None:
    act, row, _ = TABLE[name]
    check(new, act, row)


@pytest.mark.parametrize("name", TABLE)
def test_once_it_is_known(talk: Conversation, name: str) -> None:
    act, _, row = TABLE[name]
    check(talk, act, row)


@pytest.mark.parametrize("name", TABLE)
def test_after_the_end(talk: Conversation, name: str) -> None:
    talk.session.end("gone", talk.now)
    talk.happened()
    check(talk, TABLE[name][0], (None, [], ENDED))


def test_the_table_names_every_message_of_the_terminals_first_words() -> None:
    assert {name for name, report in REPORTS.items() if report.event is None} <= set(TABLE)


# Who it is.


def test_the_documents_own_register_frame(new: Conversation) -> None:
    new.session.receive(frame_of(FRAMES[0]), new.now)
    (answer,) = new.heard()
    assert (answer.result, answer.sequence, answer.version) == (106, 16, 3)
    assert new.one(Rejected).refusal is new.site.gate.refusal


def test_a_register_is_answered_with_identity_and_secret(new: Conversation) -> None:
    (answer,) = new.say("register", REGISTER, sequence=7, version=3)
    assert answer == Said(RESPONSE, 7, 3, int(WALL), {"result": 0, "desc": "Success", "data": {"uuid": "uuid-1", "passwd": "secret-1"}})
    assert new.one(Identified) == Identified(TERMINAL)
    assert new.session.identity == TERMINAL


def test_a_login_is_answered_without(new: Conversation) -> None:
    (answer,) = new.say("login", LOGIN)
    assert answer.body == {"result": 0, "desc": "Success", "data": {}}


def test_a_login_follows_a_register_and_a_register_may_come_again(new: Conversation) -> None:
    for message, data in (("register", REGISTER), ("login", LOGIN), ("register", REGISTER)):
        new.say(message, data)
        assert new.one(Identified) == Identified(TERMINAL)
    assert [each.identified_as for each in new.site.gate.asked] == [None, "HG1", "HG1"]
    assert {each.address for each in new.site.gate.asked} == {"192.0.2.1"}


def test_a_register_sent_again_gets_the_same_secret(new: Conversation) -> None:
    (first,) = new.say("register", REGISTER, sequence=7)
    (again,) = new.say("register", REGISTER, sequence=7)
    assert again == first
    assert len(new.site.gate.asked) == 1
    assert [type(each) for each in new.happened()] == [Identified]


def test_a_refused_terminal_is_judged_anew_each_time(new: Conversation) -> None:
    new.site.gate.refusal = Refused("pending", Result.BUSY, "approve it", wait_s=10)
    (answer,) = new.say("register", REGISTER | BAD, sequence=7)
    assert (answer.result, answer.body["data"]) == (109, {"waitSeconds": 10})
    new.site.gate.refusal = Refused("blocked", Result.BUSY, "unblock it", wait_s=300)
    (answer,) = new.say("register", REGISTER | BAD, sequence=7)
    assert answer.body["data"] == {"waitSeconds": 300}
    assert len(new.site.gate.asked) == 2
    assert new.session.state is NEW


def test_a_refused_notification_does_not_have_the_secret_told_before_forgotten(new: Conversation) -> None:
    (first,) = new.say("register", REGISTER, sequence=7)
    new.say("login", LOGIN | BAD, type=NOTIFICATION)
    (again,) = new.say("register", REGISTER, sequence=7)
    assert again == first


def test_a_refusal_leaves_an_identity_as_it_was(talk: Conversation) -> None:
    talk.say("register", REGISTER | BAD)
    talk.one(Rejected)
    assert talk.session.identity == TERMINAL
    talk.say("snapshot_face", FACE)
    talk.received()


def test_what_comes_before_the_login_has_no_effect(new: Conversation) -> None:
    (answer,) = new.say("snapshot_face", FACE, sequence=5)
    assert answer.body == {"result": 100, "desc": "Register again", "data": {}}
    new.identify()
    new.say("snapshot_face", FACE, sequence=5)
    assert new.received().sequence == 5, "sent again after the login, it is new"


def test_another_terminal_on_the_same_connection_has_a_memory_of_its_own(talk: Conversation) -> None:
    talk.say("snapshot_face", FACE, sequence=5)
    talk.received()
    talk.say("register", REGISTER | {"serial": "HG2"})
    assert talk.one(Identified) == Identified(OTHER)
    talk.say("snapshot_face", FACE, sequence=5)
    talk.received()


@pytest.mark.parametrize("message_type", [REQUEST, NOTIFICATION])
def test_nobody_makes_the_session_keep_much(message_type: MessageType) -> None:
    """A flood of registers, good, bad or unheard, leaves no more than a bounded memory behind."""
    talk = Conversation()
    for number in range(3 * MOST_REMEMBERED):
        talk.say("register", REGISTER | BAD | {"timestamp": str(number)}, type=message_type)
        talk.say("nonsense", {"n": number}, type=message_type)
    talk.happened()
    assert len(talk.session._last_answer) == 0
    for number in range(3 * MOST_REMEMBERED):
        talk.say("register", REGISTER | {"timestamp": str(number)}, type=message_type)
    talk.happened()
    assert len(talk.session._last_answer) <= 1


def test_a_flood_of_notifications_is_not_remembered(talk: Conversation) -> None:
    for number in range(3 * MOST_REMEMBERED):
        talk.say("snapshot_face", FACE | {"score": number}, type=NOTIFICATION)
        talk.session.answer(talk.received(), Result.SUCCESS)
    assert talk.heard() == []
    assert len(talk.site.memories["HG1"]) == 0


@pytest.mark.parametrize("version", [0, 2, 3, 5, 255])
def test_versions_are_echoed(talk: Conversation, version: int) -> None:
    answers = [
        *talk.say_body(b"", type=HEARTBEAT, sequence=0, version=version),
        *talk.say("sync_time", version=version),
        *talk.say(None, version=version),
        *talk.say("register", REGISTER | BAD, version=version),
    ]
    talk.happened()
    talk.say("snapshot_face", FACE, version=version)
    talk.session.answer(talk.received(), Result.SUCCESS)
    assert [each.version for each in [*answers, *talk.heard()]] == [version] * 5


# The end.


@pytest.mark.parametrize("known", [False, True])
def test_a_logout_is_a_clean_goodbye(known: bool) -> None:
    talk = Conversation()
    if known:
        talk.identify()
    (answer,) = talk.say("logout", sequence=9)
    assert (answer.sequence, answer.result) == (9, 0)
    assert talk.one(Ended) == Ended("it logged out", clean=True)


def test_it_ends_once(talk: Conversation) -> None:
    talk.session.end("first", talk.now)
    talk.session.end("second", talk.now, clean=True)
    talk.wait(500)
    assert talk.happened() == [Ended("first")]


def test_requests_end_before_the_session(talk: Conversation) -> None:
    talk.request()
    talk.say("logout")
    assert [type(each) for each in talk.happened()] == [Concluded, Ended]


def test_what_was_to_be_sent_before_the_end_is_still_there(talk: Conversation) -> None:
    talk.session.receive(Frame(2, REQUEST, 1, 0, 9, b'{"message":"logout"}'), talk.now)
    talk.session.end("again", talk.now)
    assert len(talk.session.take_output()) == 1
    assert talk.session.take_output() == []


def test_what_a_quiet_terminal_was_answered_is_forgotten_in_time_although_it_only_beats() -> None:
    talk = Conversation().identify()
    assert len(talk.session._last_answer) == 1
    for _ in range(int(REMEMBERED_S / 25)):
        talk.say_body(b"", type=MessageType.HEARTBEAT)
        talk.wait(25)
    assert len(talk.session._last_answer) == 0
