"""When a record was made, and how times are written in events. What has just been worked out is kept: of the events of a busy second, each
asks for the same texts and the same moments."""

from __future__ import annotations

from datetime import datetime, tzinfo
from functools import lru_cache
from operator import itemgetter
from typing import Any, Final

import msgspec

from bridge.session.clock import parse_record_time
from bridge.session.happenings import Received
from bridge.session.terminal_clock import age_s, least_age_s
from bridge.values import Value

KEPT: Final = 1024  # texts, and seconds
LONGEST_KEPT: Final = 64  # characters; a time takes 19, and a terminal may say anything


class RecordTime(Value, frozen=True):
    """When a record was made, by the terminal's clock, as ISO 8601, and how long ago that is; `unread` is what it says of the time if that is
    no time."""

    happened: str
    age_s: float
    unread: dict[str, Any] = {}  # noqa: RUF012 - each instance gets its own


def time_of(received: Received, zone: tzinfo, wall: float) -> RecordTime:
    """Of a message. `wall` is UNIX seconds, now."""
    attribute = received.declaration.time_field if received.declaration else None
    text = received.data.record_time() if received.data else None
    readings = _readings_of(text, zone) if text else ()
    ages = [(age, happened) for happened, moment in readings if (age := age_s(moment, received.clock, wall)) is not None]
    if ages:
        age, happened = min(ages, key=itemgetter(0))
        return RecordTime(happened, age)
    if readings:
        happened, moment = readings[0]
        return RecordTime(happened, least_age_s(moment, received.clock, wall))
    arrived = datetime.fromtimestamp(received.received_at, zone).isoformat(timespec="seconds")
    unread = {_wire_name(received.data, attribute): text} if text and attribute else {}
    return RecordTime(arrived, max(0.0, wall - received.received_at), unread)


def in_milliseconds(moment: float, zone: tzinfo) -> str:
    """A moment, in UNIX seconds, as ISO 8601 with milliseconds."""
    seconds, microseconds = divmod(round(moment * 1_000_000), 1_000_000)
    date, offset = _second(seconds, zone)
    return f"{date}.{microseconds // 1000:03d}{offset}"


@lru_cache(KEPT)
def _second(seconds: int, zone: tzinfo) -> tuple[str, str]:
    """A second as ISO 8601: what stands before its fraction, and behind it."""
    text = datetime.fromtimestamp(seconds, zone).isoformat(timespec="seconds")
    return text[:_DATE_AND_TIME], text[_DATE_AND_TIME:]


_DATE_AND_TIME: Final = len("2026-10-25T03:00:00")


def _readings_of(text: str, zone: tzinfo) -> tuple[tuple[str, float], ...]:
    return _readings(text, zone) if len(text) <= LONGEST_KEPT else _readings.__wrapped__(text, zone)


@lru_cache(KEPT)
def _readings(text: str, zone: tzinfo) -> tuple[tuple[str, float], ...]:
    """The moments that a local time may mean, with their UNIX seconds: none, one, or two where a clock set back goes through the hour
    again."""
    first = parse_record_time(text, zone)
    if first is None:
        return ()
    readings = [(each.isoformat(timespec="seconds"), each.timestamp()) for each in (first, first.replace(fold=1))]
    return tuple(readings[:1] if readings[0][1] == readings[1][1] else readings)


def _wire_name(data: Any, attribute: str | None) -> str:
    return next(each.encode_name for each in msgspec.structs.fields(data) if each.name == attribute)
