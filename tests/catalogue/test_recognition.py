"""What a recognition means."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import UNSET, to_builtins

from bridge.catalogue import REPORTS
from bridge.catalogue.recognition import SnapshotFace


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
    assert to_builtins(recognition(snaptime="2019-08-02 15:42:48").success_answer()) == {"snaptime": "2019-08-02 15:42:48"}
    assert to_builtins(recognition().success_answer()) == {}
    assert recognition(snaptime="").success_answer().snaptime is UNSET


def test_a_picture_in_any_wrapping_is_kept_as_it_came() -> None:
    assert recognition(snapPic="data:image/jpeg;base64,/9j/\n2wBD").picture == "data:image/jpeg;base64,/9j/\n2wBD"
