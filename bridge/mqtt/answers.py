"""Answers to what terminals ask, as they come over MQTT. Pure functions."""

from __future__ import annotations

from typing import Any

import msgspec

from bridge.errors import Invalid
from bridge.mqtt.message import Message

MOST_BYTES = 64 * 1024
"""An answer names a few people at most."""
LONGEST_EVENT_ID = 64
"""Characters; the bridge's own have 32."""


def read_answer(message: Message) -> Any:
    """The JSON of an answer, still unchecked. Raises Invalid."""
    if len(message.payload) > MOST_BYTES:
        raise Invalid("answer", f"at most {MOST_BYTES} bytes", f"{len(message.payload)}")
    try:
        return msgspec.json.decode(message.payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("answer", "JSON", "something else" if message.payload.strip() else "nothing") from None


def event_named(message: Message) -> str | None:
    """The event that an answer is for, as its `event_id` or its Correlation Data (MQTT 5) says; None when neither does."""
    try:
        said = read_answer(message)
    except Invalid:
        said = None
    event_id = said.get("event_id") if isinstance(said, dict) else None
    if isinstance(event_id, str) and event_id:
        return event_id[:LONGEST_EVENT_ID]
    data = message.correlation_data
    return data[:LONGEST_EVENT_ID].decode("utf-8", "replace") if data else None
