"""Rings and codes: what is asked at once, and what is done with the answer."""

from __future__ import annotations

from math import inf
from random import Random
from typing import Any

import pytest

from bridge.catalogue.intercom import DeviceCallResult
from bridge.simulator.calls import LONGEST_TALK_S, SHORTEST_TALK_S, Calls
from bridge.simulator.happenings import CallAnswered, DoorKeptShut, DoorOpened
from bridge.wire import MessageType
from tests.simulator.talk import Said, Talk

ALL = [{"userId": "1", "token": "t", "phoneNo": "1"}]
BY_PHONE = [{"userId": "1", "token": "", "phoneNo": "1"}]


def ringing() -> tuple[Talk, Said]:
    talk = Talk()
    talk.log_in()
    asked = talk.terminal.ring("304")
    assert asked is not None
    talk.ask("device_call_param", asked)
    return talk, talk.take_one("device_call_param")


def test_a_ring_asks_with_a_picture_and_a_version_that_has_it() -> None:
    talk, ring = ringing()
    assert (ring.type, ring.version, ring.data["callNo"]) == (MessageType.REQUEST, 5, "304")
    assert ring.data["picture"]
    assert talk.terminal.ring("304") is None, "one call at a time"


@pytest.mark.parametrize(
    ("result", "data", "kind", "call_result"),
    [
        (0, {"calleds": ALL}, "answered", 3),
        (0, {"calleds": BY_PHONE}, "answered", 7),
        (0, {"calleds": BY_PHONE + ALL}, "answered", 3),
        (0, {"calleds": [5]}, "answered", 7),
        (0, {"calleds": []}, "missed", 5),
        (0, {}, "missed", 5),
        (0, {"calleds": "all"}, "missed", 5),
        (104, {"calleds": ALL}, "missed", 5),
        (105, {}, "missed", 5),
    ],
)
def test_the_result_is_as_the_answer(result: int, data: Any, kind: str, call_result: int) -> None:
    talk, ring = ringing()
    talk.answer(ring, result, data)
    talk.advance(LONGEST_TALK_S)
    report = talk.take_one("device_call_result")
    assert report.version == 5
    read, extra = DeviceCallResult.declaration.read(report.data)
    assert isinstance(read, DeviceCallResult)
    assert not extra
    assert (read.event_type(), read.call_number, read.call_id) == (kind, "304", ring.data["callRequestId"])
    [record] = read.records or []
    assert record.call_result == call_result
    took = int(record.end_time or 0) - int(record.start_time or 0)
    assert 1 <= took <= LONGEST_TALK_S if kind == "answered" else took == 0
    talk.answer(report)
    assert len(talk.terminal.records) == 0
    assert talk.terminal.ring("304") is not None


def test_a_call_takes_as_long_as_it_may() -> None:
    for said, longest in ((None, LONGEST_TALK_S), (1, 1), ("1", LONGEST_TALK_S), (True, LONGEST_TALK_S), (-5, LONGEST_TALK_S)):
        for seed in range(20):
            calls = Calls(Random(seed))
            calls.ring("1")
            calls.answered(0, {"calleds": ALL, "callMaxSeconds": said}, Talk().terminal.civil_time(), 100.0)
            assert min(SHORTEST_TALK_S, longest) <= calls.over_at() - 100 <= longest


def test_what_nobody_asked_for_is_no_answer() -> None:
    calls = Calls(Random(1))
    calls.answered(0, {"calleds": ALL}, Talk().terminal.civil_time(), 0.0)
    assert calls.over_at() == inf


def test_a_call_that_ends_after_the_connection_is_reported_on_the_next() -> None:
    talk, ring = ringing()
    talk.answer(ring, data={"calleds": ALL})
    assert talk.told == [CallAnswered(1, 0)]
    later = Talk(terminal=talk.terminal)
    later.advance(LONGEST_TALK_S)
    assert [frame.name for frame in later.take()] == ["login"]
    later = Talk(terminal=talk.terminal)
    later.now = LONGEST_TALK_S
    later.log_in()
    later.advance(0.1)
    assert later.take_one("device_call_result").data["callRequestId"] == ring.data["callRequestId"]


def test_lost_before_the_answer_they_went_away() -> None:
    talk, _ = ringing()
    later = Talk(terminal=talk.terminal)
    later.log_in()
    later.advance(20)
    assert later.take() == []
    assert later.terminal.ring("304") is not None


def test_told_to_register_anew_they_went_away() -> None:
    talk, ring = ringing()
    talk.answer(ring, 100)
    assert talk.take_one("register")
    assert talk.terminal.ring("304") is not None


@pytest.mark.parametrize(
    ("result", "data", "told"),
    [
        (0, {"opendoor": 1}, DoorOpened("as its code was answered")),
        (0, {"opendoor": 0}, DoorKeptShut("as its code was answered")),
        (0, {}, DoorKeptShut("as its code was answered")),
        (104, {"opendoor": 1}, DoorKeptShut("as its code was answered")),
    ],
)
def test_a_code_opens_the_door_or_not(result: int, data: Any, told: Any) -> None:
    talk = Talk()
    talk.log_in()
    talk.ask("qrcode_data", talk.terminal.scan())
    scan = talk.take_one("qrcode_data")
    assert scan.data["content"].startswith("VISIT-")
    talk.answer(scan, result, data)
    assert talk.told == [told]
    assert len(talk.terminal.records) == 0, "a question is no record"


def test_questions_do_not_wait_for_records() -> None:
    talk = Talk()
    talk.log_in()
    talk.recognise()
    talk.take()
    talk.ask("qrcode_data", talk.terminal.scan())
    talk.ask("qrcode_data", talk.terminal.scan())
    assert [frame.name for frame in talk.take()] == ["qrcode_data", "qrcode_data"]


def test_before_login_nothing_is_asked() -> None:
    talk = Talk()
    talk.take()
    talk.ask("qrcode_data", talk.terminal.scan())
    assert talk.take() == []
