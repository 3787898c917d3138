"""Codes: whoever decides, the terminal is told about the door."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import Invalid
from tests.catalogue.asker import read, told, told_by_default

SCAN = {"content": "adddfffsss"}


def test_a_scan() -> None:
    assert read("qrcode_data", SCAN).event_type() == "scanned"
    assert read("qrcode_data", {}).event_type() == "scanned"


def test_the_door_stays_shut_when_nobody_says_anything() -> None:
    assert told_by_default("qrcode_data", SCAN) == (0, {"opendoor": 0})


@pytest.mark.parametrize(
    ("payload", "door"),
    [(1, 1), (0, 0), (True, 1), (False, 0), ({"open": True}, 1), ({"open": False}, 0), ({"open": True, "event_id": "e"}, 1)],
)
def test_answers(payload: Any, door: int) -> None:
    assert told("qrcode_data", SCAN, payload) == (0, {"opendoor": door})


@pytest.mark.parametrize(
    ("payload", "path"),
    [
        (2, "answer"),
        (-1, "answer"),
        (1.0, "answer"),
        ("1", "answer"),
        (None, "answer"),
        ([True], "answer"),
        ({}, "answer.open"),
        ({"open": 1}, "answer.open"),
        ({"open": "true"}, "answer.open"),
        ({"open": True, "opendoor": 1}, "answer.opendoor"),
        ({"open": True, "event_id": 5}, "answer.event_id"),
        ({"open": True, "event_id": ""}, "answer.event_id"),
    ],
)
def test_what_is_no_answer_opens_nothing(payload: Any, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        told("qrcode_data", SCAN, payload)
    assert caught.value.path == path
