"""When somebody may pass."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import pytest

from bridge.simulator.hours import admits, result_for
from bridge.simulator.people import EXPIRED, MATCH, OUTSIDE_HOURS

MONDAY_NOON = "2024-01-01 12:00:30"
WEEK: dict[str, Any] = {day: {"mode": 1} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}+00:00")


@pytest.mark.parametrize(
    ("person", "result"),
    [
        ({}, MATCH),
        ({"startTime": "2024-01-01 12:00:30", "expireTime": "2024-01-01 12:00:31"}, MATCH),
        ({"startTime": "2024-01-01 12:00:31"}, OUTSIDE_HOURS),
        ({"expireTime": "2024-01-01 12:00:30"}, EXPIRED),
        ({"passMonday": False}, OUTSIDE_HOURS),
        ({"passMonday": True, "passTuesday": False}, MATCH),
        ({"passPeriod": "08:00~09:30,11:30~14:00"}, MATCH),
        ({"passPeriod": "08:00~09:30,12:01~14:00"}, OUTSIDE_HOURS),
        ({"passPeriod": "12:00~12:00"}, MATCH),
        ({"passPeriod": "22:00~06:00"}, OUTSIDE_HOURS),
        ({"passMonday": False, "extPassRule": {"weekly": WEEK}}, MATCH),
        ({"extPassRule": {"weekly": {**WEEK, "mon": {"mode": 0}}}}, OUTSIDE_HOURS),
    ],
)
def test_a_person(person: dict[str, Any], result: int) -> None:
    assert result_for(person, at(MONDAY_NOON)) == result


@pytest.mark.parametrize(
    ("rule", "admitted"),
    [
        ({"weekly": WEEK}, True),
        ({"weekly": {**WEEK, "mon": {"mode": 0}}}, False),
        ({"weekly": {**WEEK, "mon": {"mode": 2, "periods": "12:00~13:00"}}}, True),
        ({"weekly": {**WEEK, "mon": {"mode": 2, "periods": "13:00~14:00"}}}, False),
        ({"weekly": WEEK, "holiday": [{"dayRange": "2023.12.31~2024.01.01", "mode": 0}]}, False),
        ({"weekly": WEEK, "holiday": [{"dayRange": "2024.01.02~2024.01.03", "mode": 0}]}, True),
        ({"weekly": {**WEEK, "mon": {"mode": 0}}, "holiday": [{"dayRange": "2024.01.01~2024.01.01", "mode": 1}]}, True),
    ],
)
def test_a_rule(rule: dict[str, Any], admitted: bool) -> None:
    assert admits(rule, at(MONDAY_NOON)) == admitted


def test_a_period_past_midnight() -> None:
    times = ("2024-01-01 21:59:59", "2024-01-01 22:00:00", "2024-01-02 06:00:59", "2024-01-02 06:01:00")
    results = [result_for({"passPeriod": "22:00~06:00"}, at(time)) for time in times]
    assert results == [OUTSIDE_HOURS, MATCH, MATCH, OUTSIDE_HOURS]
