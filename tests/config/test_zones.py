"""Zones by name, and the host's own over a change between summer and winter."""

from __future__ import annotations

import copy
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from bridge.config.zones import HostZone, is_zone, zone

VIENNA = ZoneInfo("Europe/Vienna")


@pytest.fixture
def host_in_vienna(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A host whose clock is set back at 2026-10-25 03:00 local time."""
    monkeypatch.setenv("TZ", "Europe/Vienna")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def test_is_zone() -> None:
    assert is_zone("Europe/Vienna")
    assert is_zone("UTC")
    assert not any(map(is_zone, ["Mars", "Europe", "../passwd", "/etc/localtime", "a\0b", "\ud800", "a" * 5000]))


def test_zone_by_name() -> None:
    assert zone("Europe/Vienna") is VIENNA
    assert isinstance(zone(""), HostZone)


@pytest.mark.usefixtures("host_in_vienna")
@pytest.mark.parametrize("start", [datetime(2026, 10, 24, 22, tzinfo=UTC), datetime(2026, 3, 28, 22, tzinfo=UTC)])
def test_the_hosts_zone_keeps_to_the_hosts_clock(start: datetime) -> None:
    for minutes in range(0, 8 * 60, 15):
        moment = start + timedelta(minutes=minutes)
        local, reference = moment.astimezone(HostZone()), moment.astimezone(VIENNA)
        assert local.isoformat() == reference.isoformat()
        assert (local.tzname(), local.fold) == (reference.tzname(), reference.fold)
        assert local.astimezone(UTC) == moment


def test_the_hosts_zone_without_a_time() -> None:
    host = HostZone()
    assert (host.utcoffset(None), host.tzname(None), host.dst(None), repr(host)) == (None, None, None, "HostZone()")
    assert isinstance(copy.deepcopy(host), HostZone)


@pytest.mark.usefixtures("host_in_vienna")
@pytest.mark.parametrize("year", [1, 2, 1900, 9999])
def test_the_hosts_zone_tells_something_for_any_year(year: int) -> None:
    local = datetime(year, 12, 31, 23, 59, 59, tzinfo=HostZone()).replace(month=1 if year == 1 else 12, day=1 if year == 1 else 31)
    assert local.utcoffset() is not None
    assert local.tzname()
    assert local.isoformat().startswith(f"{year:04d}-")
    assert isinstance(local.timestamp(), float)
