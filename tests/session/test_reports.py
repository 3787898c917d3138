"""What a terminal reports: told once, answered when its owner says so, and its copies answered again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.catalogue import REPORTS, Result
from bridge.session.happenings import Identified, Received
from bridge.wire import MessageType, digest_of
from tests.session.conversation import FACE, LOGIN, REGISTER, WALL, Conversation, Said, Site

NOTIFICATION, RESPONSE = MessageType.NOTIFICATION, MessageType.RESPONSE


@pytest.fixture
def talk() -> Conversation:
    return Conversation().identify()


def test_what_is_told_of_a_report(talk: Conversation) -> None:
    body = json.dumps({"message": "snapshot_face", "data": FACE | {"new": ["secret"], "fullName": "secret"}}).encode()
    talk.say_body(body, sequence=41, version=3)
    received = talk.received()
    assert (received.name, received.sequence, received.version, received.wants_answer) == ("snapshot_face", 41, 3, True)
    assert received.declaration is REPORTS["snapshot_face"]
    assert received.extra == {"new": ["secret"]}
    assert (received.received_at, received.body_bytes, received.digest) == (WALL, len(body), digest_of(body))
    assert "secret" not in repr(received)


def test_a_report_the_catalogue_does_not_know(talk: Conversation) -> None:
    for data, extra in (({"a": 1}, {"a": 1}), ([1, 2], {"data": [1, 2]}), (None, {})):
        talk.say("door_alarm", data)
        received = talk.received()
        assert (received.name, received.declaration, received.data, received.extra) == ("door_alarm", None, None, extra)


def test_it_is_answered_when_its_owner_says_so(talk: Conversation) -> None:
    assert talk.say("snapshot_face", FACE, sequence=41, version=3) == []
    received = talk.received()
    talk.wait(5)
    talk.session.answer(received, Result.SUCCESS, {"snaptime": "t"})
    assert talk.heard() == [Said(RESPONSE, 41, 3, int(WALL), {"result": 0, "desc": "Success", "data": {"snaptime": "t"}})]


def test_answers_in_any_order(talk: Conversation) -> None:
    received = []
    for sequence in (1, 2, 3):
        talk.say("snapshot_face", FACE, sequence=sequence)
        received.append(talk.received())
    for each in (received[1], received[2], received[0]):
        talk.session.answer(each, Result.SUCCESS)
    assert [each.sequence for each in talk.heard()] == [2, 3, 1]


def test_a_notification_is_not_answered(talk: Conversation) -> None:
    talk.say("snapshot_face", FACE, type=NOTIFICATION)
    received = talk.received()
    assert not received.wants_answer
    talk.session.answer(received, Result.SUCCESS)
    talk.session.forget(received)
    assert talk.heard() == []


# Copies.


def test_a_copy_of_what_was_answered(talk: Conversation) -> None:
    talk.say("snapshot_face", FACE, sequence=5)
    talk.session.answer(talk.received(), Result.SUCCESS, {"snaptime": "t"})
    (first,) = talk.heard()
    for _ in range(3):
        talk.wait(20)
        assert talk.say("snapshot_face", FACE, sequence=5) == [first]
        assert talk.happened() == []


def test_a_copy_of_what_is_not_yet_answered(talk: Conversation) -> None:
    talk.say("snapshot_face", FACE, sequence=5)
    received = talk.received()
    assert talk.say("snapshot_face", FACE, sequence=5) == []
    assert talk.happened() == []
    talk.session.answer(received, Result.SUCCESS)
    assert [each.sequence for each in talk.heard()] == [5], "one answer for both"


@pytest.mark.parametrize("change", [{"sequence": 6}, {"data": FACE | {"score": 1}}, {"message": "door_alarm"}])
def test_what_differs_is_no_copy(talk: Conversation, change: dict[str, Any]) -> None:
    talk.say("snapshot_face", FACE, sequence=5)
    talk.session.answer(talk.received(), Result.SUCCESS)
    talk.heard()
    assert talk.say(**{"message": "snapshot_face", "data": FACE, "sequence": 5, **change}) == []
    talk.received()


def test_a_copy_of_what_could_not_be_made_safe_is_tried_again(talk: Conversation) -> None:
    talk.say("snapshot_face", FACE, sequence=5)
    talk.session.forget(talk.received())
    assert talk.heard() == []
    assert talk.say("snapshot_face", FACE, sequence=5) == []
    talk.session.answer(talk.received(), Result.SUCCESS)
    assert [each.result for each in talk.heard()] == [0]


def test_a_copy_on_a_new_connection_is_answered_and_not_told_again() -> None:
    site = Site()
    old, new = Conversation(site).identify(), Conversation(site).identify()
    old.say("snapshot_face", FACE, sequence=5)
    old.session.answer(old.received(), Result.SUCCESS)
    old.session.end("lost", old.now)
    assert [each.result for each in new.say("snapshot_face", FACE, sequence=5)] == [0]
    assert new.happened() == []


def test_the_answer_goes_to_the_newest_connection() -> None:
    site = Site()
    old, new = Conversation(site).identify(), Conversation(site).identify()
    old.say("snapshot_face", FACE, sequence=5)
    received = old.received()
    old.session.end("replaced", old.now)
    old.happened()
    assert new.say("snapshot_face", FACE, sequence=5) == []
    wakes = new.wakes
    old.session.answer(received, Result.SUCCESS)
    assert old.heard() == []
    assert [each.sequence for each in new.heard()] == [5]
    assert new.wakes == wakes + 1, "its owner is told that there is something to send"


def test_an_answer_to_a_connection_that_is_gone_is_kept_for_the_next() -> None:
    site = Site()
    old = Conversation(site).identify()
    old.say("snapshot_face", FACE, sequence=5)
    old.session.end("lost", old.now)
    received = next(each for each in old.happened() if isinstance(each, Received))
    old.session.answer(received, Result.SUCCESS)
    assert old.heard() == []
    new = Conversation(site).identify()
    assert [each.result for each in new.say("snapshot_face", FACE, sequence=5)] == [0]
    assert new.happened() == []


def test_two_terminals_may_use_the_same_sequence() -> None:
    site = Site()
    one, two = Conversation(site).identify(), Conversation(site)
    two.say("register", REGISTER | {"serial": "HG2"})
    two.happened()
    for talk in (one, two):
        talk.say("snapshot_face", FACE, sequence=5)
        talk.received()


def test_a_login_on_a_new_connection_is_judged_there() -> None:
    site = Site()
    for _ in range(2):
        talk = Conversation(site)
        assert [each.result for each in talk.say("login", LOGIN, sequence=1)] == [0]
        talk.one(Identified)
    assert len(site.gate.asked) == 2
