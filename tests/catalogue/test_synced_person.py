"""Persons that a terminal reports, and the ids they get."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bridge.catalogue import REPORTS
from bridge.errors import Invalid
from tests.catalogue.asker import read, told, told_by_default

SHANGHAI = ZoneInfo("Asia/Shanghai")
NAME = "device_sync_person"
PERSON = {"personId": "p1", "faces": [{"faceId": "f1", "image": "x"}, {"faceId": "f2", "image": "y"}, {"faceId": "f3"}]}
AS_THEY_WERE = [{"oriFaceId": face, "newFaceId": face} for face in ("f1", "f2", "f3")]
RENAMED = [
    {"oriFaceId": "f1", "newFaceId": "f1"},
    {"oriFaceId": "f2", "newFaceId": "g2"},
    {"oriFaceId": "f3", "newFaceId": "3"},
]


def test_the_documents_person_as_an_event_tells_it() -> None:
    report = REPORTS[NAME]
    person = read(NAME, dict(report.example))
    fields = person.event_fields(SHANGHAI)
    assert person.event_type() == "synced"
    assert (fields["person_id"], fields["person_name"], fields["person_type"]) == ("100001", "张三", 1)
    assert (fields["id_number"], fields["card_number"]) == ("420381200010013857", "157342643")
    assert (fields["start_time"], fields["expire_time"]) == ("2019-01-01T00:00:00+08:00", "2020-01-01T00:00:00+08:00")
    assert (fields["pass_monday"], fields["pass_saturday"]) == (True, False)
    assert fields["faces"] == [{"face_id": "3000004", "image": "0aB1D98bsdDSBDDS23sdfisfs"}]


@pytest.mark.parametrize("time", ["", "soon", "2019-02-30 00:00:00", "2019-01-01", "20190101000000"])
def test_a_time_that_is_none_stays_as_it_came(time: str) -> None:
    assert read(NAME, {"startTime": time}).event_fields(SHANGHAI)["start_time"] == time


def test_odd_faces_do_not_lose_the_others() -> None:
    data, extra = REPORTS[NAME].read({"personId": 5, "faces": [{"faceId": 7, "image": "x", "size": 3}, {"image": None}]})
    assert data.event_fields(SHANGHAI)["faces"] == [{"face_id": "7", "image": "x"}, {"face_id": None, "image": None}]
    assert data.event_fields(SHANGHAI)["person_id"] == "5"
    assert extra == {"faces[0].size": 3}


def test_every_id_stays_as_it_is_unless_told_otherwise() -> None:
    assert told_by_default(NAME, PERSON) == (0, {"oriPersonId": "p1", "newPersonId": "p1", "faces": AS_THEY_WERE})
    assert told_by_default(NAME, {}) == (0, {"oriPersonId": "", "newPersonId": "", "faces": []})
    assert told_by_default(NAME, {"personId": "p1", "faces": [{"image": "x"}]})[1]["faces"] == []


@pytest.mark.parametrize(
    ("reply", "person", "faces"),
    [
        ({}, "p1", AS_THEY_WERE),
        ({"person_id": "p2"}, "p2", AS_THEY_WERE),
        ({"person_id": 2}, "2", AS_THEY_WERE),
        ({"faces": {"f2": "g2", "f3": 3, "f9": "nobody's"}}, "p1", RENAMED),
    ],
)
def test_new_ids(reply: dict[str, Any], person: str, faces: list[Any]) -> None:
    assert told(NAME, PERSON, reply) == (0, {"oriPersonId": "p1", "newPersonId": person, "faces": faces})


@pytest.mark.parametrize(
    ("reply", "path"),
    [
        ({"person_id": ""}, "answer.person_id"),
        ({"person_id": "x" * 33}, "answer.person_id"),
        ({"faces": ["f1"]}, "answer.faces"),
        ({"faces": {"f1": ""}}, "answer.faces.f1"),
        ({"faces": {"f1": "x" * 33}}, "answer.faces.f1"),
        ({"faces": {"f1": None}}, "answer.faces[...]"),
        ({"personId": "p2"}, "answer.personId"),
    ],
)
def test_what_is_no_answer(reply: dict[str, Any], path: str) -> None:
    with pytest.raises(Invalid) as caught:
        told(NAME, PERSON, reply)
    assert caught.value.path == path
