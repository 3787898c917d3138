"""A terminal's clock as its last sync_time told it; how it goes on from there is in test_sync_time and test_terminal_clock."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from bridge.session.syncing import Synced, synced

SITE = datetime(2026, 5, 4, 12, 0, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
WALL = SITE.timestamp()
NOW = 100.0


@pytest.fixture
def known() -> Synced:
    known = synced("20260504120030000", SITE, NOW, None)
    assert known is not None
    return known


def test_what_a_sync_tells(known: Synced) -> None:
    assert (known.wall, known.now) == (WALL, NOW)
    assert (known.clock.synced_at, known.clock.was_ahead_s, known.clock.is_ahead_s) == (WALL, 30.0, 0.0)


@pytest.mark.parametrize("theirs", ["", "noon", "20261304120000000"])
def test_a_terminal_that_does_not_say_what_time_it_has_changes_nothing(known: Synced, theirs: str) -> None:
    assert synced(theirs, SITE, NOW, known) is known
    assert synced(theirs, SITE, NOW, None) is None


def test_as_long_as_the_bridges_own_clock_is_not_set_it_stays_as_it_was(known: Synced) -> None:
    assert known.clock_at(WALL + 1000.01, NOW + 1000.0) is known.clock


@pytest.mark.parametrize("step_s", [3600.0, -3600.0, 0.1])
def test_when_that_was_set_it_is_told_in_terms_of_the_new_one(known: Synced, step_s: float) -> None:
    clock = known.clock_at(WALL + 1000.0 + step_s, NOW + 1000.0)
    assert clock.synced_at == pytest.approx(WALL + step_s)
    assert clock.is_ahead_s == pytest.approx(-step_s)
