"""Answers as they come: JSON of a bounded size, and the event that they name."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.errors import Invalid
from bridge.mqtt.answers import MOST_BYTES, event_named, read_answer
from bridge.mqtt.message import Message


def message(payload: bytes, correlation_data: bytes | None = None) -> Message:
    return Message("qyzn/T1/answer/qrcode", payload, 1, correlation_data=correlation_data)


@pytest.mark.parametrize(
    ("payload", "said"),
    [(b'{"open": true}', {"open": True}), (b" 1 ", 1), (b"false", False), (b"null", None), (b" " * (MOST_BYTES - 1) + b"1", 1)],
    ids=["object", "number", "boolean", "null", "longest"],
)
def test_json_is_read(payload: bytes, said: Any) -> None:
    assert read_answer(message(payload)) == said


@pytest.mark.parametrize(
    ("payload", "error"),
    [
        (b"", "answer: expected JSON, got nothing"),
        (b" \n", "answer: expected JSON, got nothing"),
        (b"open", "answer: expected JSON, got something else"),
        (b'{"open": "\xff"}', "answer: expected JSON, got something else"),
        (b"[" * MOST_BYTES, "answer: expected JSON, got something else"),
        (b"1" * (MOST_BYTES + 1), "answer: expected at most 65536 bytes, got 65537"),
    ],
    ids=["empty", "blank", "words", "no UTF-8", "deep", "long"],
)
def test_anything_else_is_invalid(payload: bytes, error: str) -> None:
    with pytest.raises(Invalid) as caught:
        read_answer(message(payload))
    assert str(caught.value) == error


@pytest.mark.parametrize(
    ("payload", "correlation_data", "event_id"),
    [
        (b"1", None, None),
        (b"1", b"", None),
        (b"1", b"abc", "abc"),
        (b'{"event_id": "xyz"}', None, "xyz"),
        (b'{"event_id": "xyz"}', b"abc", "xyz"),
        (b'{"event_id": ""}', b"abc", "abc"),
        (b'{"event_id": 7}', None, None),
        (b"no JSON", b"abc", "abc"),
        (b"1", b"\xff" * 100, "\ufffd" * 64),
        (b'{"event_id": "' + b"x" * 100 + b'"}', None, "x" * 64),
    ],
)
def test_the_event_it_names(payload: bytes, correlation_data: bytes | None, event_id: str | None) -> None:
    assert event_named(message(payload, correlation_data)) == event_id
