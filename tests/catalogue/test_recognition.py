"""What a recognition means."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import to_builtins

from bridge.catalogue import REPORTS
from bridge.catalogue.recognition import SnapshotFace
from bridge.errors import Invalid
from tests.catalogue.asker import told, told_by_default


def recognition(**data: Any) -> SnapshotFace:
    read, extra = REPORTS["snapshot_face"].read(data)
    assert isinstance(read, SnapshotFace)
    assert not extra
    return read


@pytest.mark.parametrize(
    ("data", "event_type"),
    [
        ({"result": 0}, "unmatched"),
        ({"result": 1}, "matched"),
        ({"result": "1"}, "matched"),
        ({"result": 2}, "expired"),
        ({"result": 3}, "outside_hours"),
        ({"result": 1, "type": 1}, "matched"),
        ({"result": 1, "type": 2}, "blacklisted"),
        ({"result": "1", "type": "2"}, "blacklisted"),
        ({"result": 0, "type": 2}, "unmatched"),
        ({"result": 2, "type": 2}, "expired"),
        ({"result": 3, "type": 2}, "outside_hours"),
        ({"result": 1, "type": 99}, "matched"),
        ({"result": 99}, "unmatched"),
        ({"result": -1, "type": 2}, "unmatched"),
        ({}, "unmatched"),
    ],
)
def test_event_type(data: dict[str, Any], event_type: str) -> None:
    assert recognition(**data).event_type() == event_type


@pytest.mark.parametrize("spelling", ["fullName", "fullname"])
def test_both_spellings_of_the_name(spelling: str) -> None:
    assert recognition(**{spelling: "韩梅梅"}).person_name == "韩梅梅"


def test_the_tables_spelling_is_the_one_that_is_written() -> None:
    assert to_builtins(recognition(fullname="x"))["fullName"] == "x"


def test_a_temperature_as_text() -> None:
    assert recognition(bodyTemp="36.7").body_temperature == 36.7


def test_the_fields_of_an_id_card() -> None:
    card = {"gender": "女", "ethnic": "汉", "birthday": "1998-01-04", "address": "深圳市", "expiredate": "2030.01.01"}
    read = recognition(**card)
    assert (read.gender, read.ethnicity, read.birthday, read.address, read.id_expiry) == tuple(card.values())


def test_the_answer_carries_the_records_time_and_leaves_the_door_to_the_terminal() -> None:
    assert told_by_default("snapshot_face", {"snaptime": "2019-08-02 15:42:48"}) == (0, {"snaptime": "2019-08-02 15:42:48"})
    assert told_by_default("snapshot_face", {}) == told_by_default("snapshot_face", {"snaptime": ""}) == (0, {})


def test_a_picture_in_any_wrapping_is_kept_as_it_came() -> None:
    assert recognition(snapPic="data:image/jpeg;base64,/9j/\n2wBD").picture == "data:image/jpeg;base64,/9j/\n2wBD"


@pytest.mark.parametrize(
    ("reply", "answer"),
    [
        ({}, {}),
        ({"event_id": "e1"}, {}),
        ({"open": True}, {"opendoor": 1}),
        ({"open": False, "display": "余额不足"}, {"opendoor": 0, "screenDisp": "余额不足"}),
        ({"display": ""}, {"screenDisp": ""}),
        ({"display": "x" * 21}, {"screenDisp": "x" * 20}),
        ({"display": "一二三四五六七"}, {"screenDisp": "一二三四五六"}),
        ({"display": "x一二三四五六七"}, {"screenDisp": "x一二三四五六"}),
        ({"display": "\ud800a"}, {"screenDisp": "a"}),
    ],
)
def test_what_somebody_answers(reply: dict[str, Any], answer: dict[str, Any]) -> None:
    assert told("snapshot_face", {}, reply) == (0, answer)
    assert told("snapshot_face", {"snaptime": "2019-08-02 15:42:48"}, reply) == (0, {"snaptime": "2019-08-02 15:42:48", **answer})


@pytest.mark.parametrize(
    ("reply", "path"), [({"open": 1}, "answer.open"), ({"display": 5}, "answer.display"), ({"door": True}, "answer.door"), (1, "answer")]
)
def test_what_is_no_answer(reply: Any, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        told("snapshot_face", {}, reply)
    assert caught.value.path == path
