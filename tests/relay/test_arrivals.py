"""A record that comes again is as old as it was, and a new one that looks like it is new."""

from __future__ import annotations

import pytest

from bridge.relay import arrivals
from bridge.relay.arrivals import REMEMBERED_S, Arrivals


def test_a_record_that_was_not_safe_is_no_younger_when_it_comes_again() -> None:
    table = Arrivals()
    assert table.first("a", 100.0) == 100.0
    table.remember("a", 100.0, 101.0)
    assert table.first("a", 120.0) == 100.0
    assert table.first("b", 120.0) == 120.0


def test_once_it_is_safe_it_is_forgotten() -> None:
    table = Arrivals()
    table.remember("a", 100.0, 100.0)
    table.forget("a")
    table.forget("b")
    assert table.first("a", 120.0) == 120.0


def test_however_long_it_keeps_coming() -> None:
    table = Arrivals()
    table.remember("a", 100.0, 100.0)
    for step in range(1, 5):
        assert table.first("a", 100.0 + step * REMEMBERED_S) == 100.0


def test_after_a_long_silence_it_is_another_one_that_looks_the_same() -> None:
    table = Arrivals()
    table.remember("a", 100.0, 150.0)
    assert table.first("a", 151.0 + REMEMBERED_S) == 151.0 + REMEMBERED_S


def test_the_oldest_give_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arrivals, "MOST_REMEMBERED", 2)
    table = Arrivals()
    for event_id in "abac":
        table.remember(event_id, 1.0, 1.0)
    assert [table.first(each, 2.0) for each in "abc"] == [1.0, 2.0, 1.0]
