"""A terminal that asks, and what it is told."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec import to_builtins

from bridge.catalogue import REPORTS, ReportData


@dataclass(frozen=True)
class Gate:
    device_id: str = "G1"
    name: str = "Gate"


def read(message: str, data: dict[str, Any]) -> ReportData:
    """Data of a report without anything odd in it."""
    report, extra = REPORTS[message].read(data)
    assert extra == {}
    return report


def told_by_default(message: str, data: dict[str, Any]) -> tuple[int, Any]:
    """The result and data of the answer when nobody says anything."""
    result, answer = read(message, data).default_answer(Gate())
    return int(result), to_builtins(answer)


def told(message: str, data: dict[str, Any], payload: Any) -> tuple[int, Any]:
    """The result and data of the answer when somebody replies. Raises Invalid."""
    question = REPORTS[message].question
    assert question is not None
    reply: Any = question.read(payload)
    result, answer = read(message, data).answer_to(reply, Gate())
    return int(result), to_builtins(answer)
