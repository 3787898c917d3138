"""Calls: who is called, and how a call went."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.catalogue import REPORTS
from bridge.errors import Invalid
from tests.catalogue.asker import read, told, told_by_default

SHANGHAI = ZoneInfo("Asia/Shanghai")
RING = {"callNo": "304", "callRequestId": "c1", "picture": "x"}
ANSWERED = {"callRequestId": "c1", "callNo": "304", "deviceId": "G1", "deviceToken": "", "deviceName": "Gate", "callMaxSeconds": 60}


def test_a_ring() -> None:
    ring = read("device_call_param", RING)
    assert ring.event_type() == "ring"
    assert ring.event_fields(SHANGHAI) == {"call_number": "304", "call_id": "c1", "picture": "x"}


def test_answers_bear_the_messages_name() -> None:
    assert {name for name, report in REPORTS.items() if report.answer_named} == {"device_call_param", "device_call_result"}


def test_without_an_answer_there_is_no_such_flat() -> None:
    assert told_by_default("device_call_param", RING) == (104, {**ANSWERED, "calleds": []})
    assert told_by_default("device_call_param", {})[1]["callRequestId"] == ""


@pytest.mark.parametrize(
    ("reply", "result", "answer"),
    [
        ({"error": "no_such_flat"}, 104, {"calleds": []}),
        ({"error": "no_answer"}, 105, {"calleds": []}),
        ({"called": [{"user_id": "u1"}]}, 0, {"calleds": [{"userId": "u1", "token": "", "phoneNo": ""}]}),
        (
            {
                "event_id": "e",
                "called": [{"user_id": 1, "token": "t", "phone": 4366412345}, {"user_id": "u2", "phone": "+43 664"}],
                "device_token": "d",
                "device_name": "Haus 3",
                "max_seconds": 90,
            },
            0,
            {
                "deviceToken": "d",
                "deviceName": "Haus 3",
                "callMaxSeconds": 90,
                "calleds": [{"userId": "1", "token": "t", "phoneNo": "4366412345"}, {"userId": "u2", "token": "", "phoneNo": "+43 664"}],
            },
        ),
    ],
)
def test_answers(reply: dict[str, Any], result: int, answer: dict[str, Any]) -> None:
    assert told("device_call_param", RING, reply) == (result, {**ANSWERED, **answer})


@pytest.mark.parametrize(
    ("reply", "path"),
    [
        ({}, "answer.called"),
        ({"called": []}, "answer.called"),
        ({"called": [{}]}, "answer.called[0].user_id"),
        ({"called": [{"user_id": ""}]}, "answer.called[0].user_id"),
        ({"called": [{"user_id": "u", "userId": "u"}]}, "answer.called[0].userId"),
        ({"called": [{"user_id": "u", "event_id": "u"}]}, "answer.called[0].event_id"),
        ({"called": [{"user_id": "u"}], "error": "no_answer"}, "answer.called"),
        ({"called": [{"user_id": "u"}], "max_seconds": 0}, "answer.max_seconds"),
        ({"called": [{"user_id": "u"}], "max_seconds": 1.5}, "answer.max_seconds"),
        ({"error": "busy"}, "answer.error"),
        (304, "answer"),
    ],
)
def test_what_is_no_answer(reply: Any, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        told("device_call_param", RING, reply)
    assert caught.value.path == path


@pytest.mark.parametrize(
    ("results", "event_type"),
    [
        ([0], "unknown"),
        ([1], "hung_up"),
        ([2], "failed"),
        ([3], "answered"),
        ([4], "unreachable"),
        ([5], "missed"),
        ([6], "failed"),
        ([7], "answered"),
        ([8], "missed"),
        ([9], "failed"),
        ([10], "unknown"),
        ([], "unknown"),
        (["3"], "answered"),
        ([None], "unknown"),
        ([4, 7], "answered"),
        ([9, 5, 3], "answered"),
        ([4, 8], "missed"),
        ([6, 1], "hung_up"),
        ([2, 4], "unreachable"),
        ([0, 9], "failed"),
    ],
)
def test_the_most_telling_attempt_names_the_event(results: list[Any], event_type: str) -> None:
    assert read("device_call_result", {"callRecords": [{"callResult": result} for result in results]}).event_type() == event_type


RECORD = {"userId": "u1", "callResult": 3, "callType": 1, "openStatus": 1, "startTime": "20210616083020", "endTime": "20210616083105"}
TOLD = {
    "user_id": "u1",
    "call_result": 3,
    "call_type": 1,
    "open_status": 1,
    "start_time": "2021-06-16T08:30:20+08:00",
    "end_time": "2021-06-16T08:31:05+08:00",
}


@pytest.mark.parametrize("records", [RECORD, [RECORD]])
def test_records_may_be_an_object_or_an_array(records: Any) -> None:
    result = read("device_call_result", {"callNo": "304", "callRequestId": "c1", "callRecords": records})
    assert result.event_fields(SHANGHAI) == {"call_number": "304", "call_id": "c1", "records": [TOLD]}
    assert result.event_type() == "answered"


def test_a_call_is_as_old_as_its_last_end() -> None:
    earlier = {**RECORD, "endTime": "20210616083059"}
    assert read("device_call_result", {"callRecords": [earlier, RECORD, {"endTime": ""}]}).record_time() == "2021-06-16 08:31:05"


@pytest.mark.parametrize("time", ["", "0", "2021061608310", "20210231083105", "99999999999999", "now"])
def test_times_that_are_none(time: str) -> None:
    result = read("device_call_result", {"callRecords": [{"endTime": time}]})
    assert result.record_time() is None
    assert result.event_fields(SHANGHAI)["records"][0]["end_time"] == time


@pytest.mark.parametrize("data", [{}, {"callRecords": []}, {"callRecords": None}])
def test_a_result_without_attempts(data: dict[str, Any]) -> None:
    result = read("device_call_result", data)
    assert result.event_fields(SHANGHAI)["records"] == []
    assert (result.event_type(), result.record_time()) == ("unknown", None)
    assert told_by_default("device_call_result", data) == (0, None)


@pytest.mark.parametrize("records", ["", "none", 5, [1], [[RECORD]]])
def test_odd_records_are_kept(records: Any) -> None:
    result, extra = REPORTS["device_call_result"].read({"callNo": 304, "callRecords": records})
    assert result.event_fields(SHANGHAI)["call_number"] == "304"
    assert extra == {"callRecords": records}
