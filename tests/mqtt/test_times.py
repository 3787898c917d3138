from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.config.zones import HostZone
from bridge.mqtt.times import LONGEST_KEPT, _readings, _readings_of, in_milliseconds

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = [BERLIN, ZoneInfo("Asia/Kathmandu"), ZoneInfo("Africa/Monrovia"), HostZone()]


@given(st.floats(0, 4e9), st.sampled_from(ZONES))
def test_milliseconds_are_those_of_isoformat(moment: float, zone: ZoneInfo) -> None:
    assert in_milliseconds(moment, zone) == datetime.fromtimestamp(moment, zone).isoformat(timespec="milliseconds")


@pytest.mark.parametrize(
    ("text", "offsets"), [("2026-10-25 02:30:00", ["+02:00", "+01:00"]), ("2026-10-25 03:30:00", ["+01:00"]), ("when", [])]
)
def test_a_time_is_read_as_often_as_it_occurs(text: str, offsets: list[str]) -> None:
    assert [happened[-6:] for happened, _ in _readings_of(text, BERLIN)] == offsets


def test_a_text_that_is_too_long_is_read_and_not_kept() -> None:
    kept = _readings.cache_info().currsize
    text = "2026-11-24 09:00:00" + " " * LONGEST_KEPT
    assert _readings_of(text, BERLIN) == _readings_of(text.strip(), BERLIN)
    assert _readings.cache_info().currsize == kept + 1
