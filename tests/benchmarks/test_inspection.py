"""Whatever is wrong with an event or its picture is found."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest

from benchmarks.inspection import FIELDS, Inspection
from tests.benchmarks.published import published_fields

SIZE = 500


class Told:
    """An inspection of one terminal, and what it said last."""

    def __init__(self, picture_bytes: int = SIZE) -> None:
        self.inspection = Inspection(picture_bytes)
        self.data: dict[str, Any] = json.loads(self.inspection.body("B1"))["data"]
        self.jpeg = base64.b64decode(self.data.get("snapPic", ""))

    def picture(self, payload: bytes | None = None) -> None:
        self.inspection.picture_seen("B1", self.jpeg if payload is None else payload)

    def event(self, **other: Any) -> None:
        self.inspection.event_seen("B1", json.dumps(published_fields(self.data) | other).encode())

    @property
    def faults(self) -> list[str]:
        return self.inspection.faults


def test_a_picture_and_then_its_event_are_well() -> None:
    told = Told()
    told.picture()
    told.event(image_sha256=hashlib.sha256(told.jpeg).hexdigest())
    assert told.faults == []
    assert told.inspection.looked_at == 1


def test_so_is_an_event_without_a_picture() -> None:
    told = Told(picture_bytes=0)
    told.event()
    assert told.faults == []


def test_every_report_has_a_picture_and_a_person_of_its_own() -> None:
    inspection = Inspection(SIZE)
    bodies = [json.loads(inspection.body(serial))["data"] for serial in ("B1", "B1", "B2")]
    for name in ("snapPic", "personId", "faceId"):
        assert len({body[name] for body in bodies}) == 3, name


def test_a_picture_after_its_event_is_found() -> None:
    told = Told()
    told.event()
    told.picture()
    assert told.faults == [
        "B1: 0 pictures came before the event, and it was to be the one that was taken",
        "B1: a picture came after its event",
    ]


def test_so_is_one_that_came_twice() -> None:
    told = Told()
    told.picture()
    told.picture()
    told.event()
    assert told.faults == ["B1: 2 pictures came before the event, and it was to be the one that was taken"]


def test_so_is_one_that_nobody_took() -> None:
    told = Told(picture_bytes=0)
    told.picture(b"jpeg")
    told.event()
    assert told.faults == ["B1: 1 pictures came before the event, and it was to be the one that was taken"]


def test_so_is_another_picture() -> None:
    told = Told()
    told.picture(told.jpeg[:-1] + b"x")
    told.event()
    assert told.faults == ["B1: 1 pictures came before the event, and it was to be the one that was taken"]


def test_so_is_an_event_that_came_twice() -> None:
    told = Told(picture_bytes=0)
    told.event()
    told.event()
    assert told.faults == ["B1: an event that nobody reported"]


@pytest.mark.parametrize(
    ("field", "other"), [*((field, "another") for field in FIELDS), ("score", 91.5), ("image_bytes", SIZE + 1), ("image_sha256", "0" * 64)]
)
def test_so_is_an_event_that_says_something_else(field: str, other: Any) -> None:
    told = Told()
    told.picture()
    told.event(**{field: other})
    [fault] = told.faults
    assert fault.startswith(f"B1: {field} is ")


def test_numbers_may_be_written_as_words() -> None:
    told = Told(picture_bytes=0)
    told.event(body_temperature=36.7, score=92.0, person_type="1")
    assert told.faults == []
