"""The forms in which the protocol writes dates, times, digits and addresses, as words to declare fields in."""

from __future__ import annotations

from datetime import date, datetime
from urllib.parse import urlsplit

from msgspec import Meta

from .fields import declare_local_time, formatted

RECORD_TIME = "%Y-%m-%d %H:%M:%S"
CALL_TIME = "%Y%m%d%H%M%S"
MOST_PERIODS = 10

_TIME_OF_DAY = r"(?:[01]\d|2[0-3]):[0-5]\d"
_PERIOD = f"{_TIME_OF_DAY}~{_TIME_OF_DAY}"
_PERIODS = rf"{_PERIOD}(?:,{_PERIOD}){{0,{MOST_PERIODS - 1}}}"
_DATE_TIME = rf"\d{{4}}-\d\d-\d\d {_TIME_OF_DAY}:[0-5]\d"
_DAY = r"\d{4}\.\d\d\.\d\d"


def date_time(description: str) -> Meta:
    """`yyyy-MM-dd HH:mm:ss`, local civil time; the day must exist. Such texts sort as the moments do."""
    return formatted(description, _DATE_TIME, "a time that exists, as yyyy-MM-dd HH:mm:ss", holds=_is_date_time)


def _is_date_time(text: str) -> bool:
    try:
        datetime.strptime(text, RECORD_TIME)  # noqa: DTZ007 - whether it exists is all that is asked
    except ValueError:
        return False
    return True


def time_of_day(description: str) -> Meta:
    """`HH:mm:ss`."""
    return formatted(description, f"{_TIME_OF_DAY}:[0-5]\\d", "a time of day, as HH:mm:ss")


def periods(description: str, max_bytes: int) -> Meta:
    """Times of day, `08:00~09:30,11:30~14:00`."""
    return formatted(description, _PERIODS, f"1 to {MOST_PERIODS} periods, as 08:00~09:30,11:30~14:00", max_bytes)


def day_range(description: str) -> Meta:
    """Days, `2019.10.01~2019.10.03`, the first not after the last."""
    words = "days that exist and stand in order, as 2019.10.01~2019.10.03"
    return formatted(description, f"{_DAY}~{_DAY}", words, holds=_is_day_range)


def _is_day_range(text: str) -> bool:
    try:
        first, last = (date.fromisoformat(day.replace(".", "-")) for day in text.split("~"))
    except ValueError:
        return False
    return first <= last


def upper_hex(description: str, *sizes: int) -> Meta:
    """Bytes as pairs of upper-case hexadecimal digits: `sizes` digits of them, or with one size from 2 up to that many."""
    if len(sizes) == 1:
        return formatted(description, "(?:[0-9A-F]{2})+", "pairs of upper-case hexadecimal digits", sizes[0])
    pattern = "|".join(f"[0-9A-F]{{{size}}}" for size in sizes)
    return formatted(description, pattern, f"{' or '.join(map(str, sizes))} upper-case hexadecimal digits")


def md5(description: str) -> Meta:
    """The md5 of something, lower-case."""
    return formatted(description, "[0-9a-f]{32}", "an md5 as 32 lower-case hexadecimal digits")


def url(description: str, max_bytes: int) -> Meta:
    """An address that a terminal can fetch from."""
    return formatted(description, "https?://[!-~]+", "a URL that starts with http:// or https://", max_bytes, _is_url)


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def record_time(description: str) -> Meta:
    """A terminal's `yyyy-MM-dd HH:mm:ss`, which events tell as ISO 8601."""
    return declare_local_time(description, RECORD_TIME, 20)


def call_time(description: str) -> Meta:
    """A terminal's `yyyyMMddHHmmss`, which events tell as ISO 8601."""
    return declare_local_time(description, CALL_TIME, 14)
