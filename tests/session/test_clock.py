"""Local civil time, as terminals write it."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.session.clock import parse_record_time, parse_terminal_time, terminal_time

BERLIN = ZoneInfo("Europe/Berlin")


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (datetime(2019, 5, 31, 14, 58, 26, 123_999, BERLIN), "20190531145826123"),
        (datetime(2024, 1, 2, 3, 4, 5, 0, BERLIN), "20240102030405000"),
        (datetime(2024, 12, 31, 23, 59, 59, 999_999, BERLIN), "20241231235959999"),
    ],
)
def test_seventeen_digits(moment: datetime, text: str) -> None:
    assert terminal_time(moment) == text
    assert parse_terminal_time(text, BERLIN) == moment.replace(microsecond=moment.microsecond // 1000 * 1000)


@given(st.integers(0, 4_102_444_800_000).map(lambda ms: datetime.fromtimestamp(ms / 1000, BERLIN)))
def test_what_is_written_is_read_back(moment: datetime) -> None:
    text = terminal_time(moment)
    assert len(text) == 17
    assert text.isdigit()
    assert parse_terminal_time(text, BERLIN) == moment.replace(microsecond=moment.microsecond // 1000 * 1000, fold=0)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2019053114582612",
        "201905311458261234",
        "20191331145826123",
        "20190532145826123",
        "20190531245826123",
        "00000101000000000",
        "2019-05-31 14:58:",
        "²0190531145826123",
        "٢٠١٩٠٥٣١١٤٥٨٢٦١٢٣",
    ],
)
def test_what_is_no_terminal_time(text: str) -> None:
    assert parse_terminal_time(text, BERLIN) is None


@pytest.mark.parametrize("text", ["2019-08-02 15:42:48", " 2019-08-02 15:42:48\0 ".replace("\0", "")])
def test_record_time(text: str) -> None:
    assert parse_record_time(text, BERLIN) == datetime(2019, 8, 2, 15, 42, 48, tzinfo=BERLIN)


@pytest.mark.parametrize(
    "text",
    ["", "2019-08-02", "2019-02-30 00:00:00", "0000-00-00 00:00:00", "2019-08-02 15:42:48.5", "2019-08-02T15:42:48", "20190802154248"],
)
def test_what_is_no_record_time(text: str) -> None:
    assert parse_record_time(text, BERLIN) is None


@given(st.text())
def test_any_text_is_a_time_or_not(text: str) -> None:
    parse_record_time(text, BERLIN)
    parse_terminal_time(text, BERLIN)


def test_the_hour_that_comes_twice_is_read_as_its_first() -> None:
    """The older reading: a record that may be an hour old must not look new."""
    read = parse_record_time("2024-10-27 02:30:00", BERLIN)
    assert read is not None
    assert read.utcoffset() == datetime(2024, 10, 26, tzinfo=BERLIN).utcoffset()
