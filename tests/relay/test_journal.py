from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.logger import LogLevel, formatEvent

from bridge.relay.journal import MOST_NAMED, NAMED_WITHIN_S, Journal
from tests.terminal.lobby import logged


def words(events: list[Any]) -> list[str]:
    told = [formatEvent(each) for each in events]
    events.clear()
    return told


def test_who_comes_and_goes_has_a_line() -> None:
    clock = Clock()
    journal = Journal(clock)
    with logged(LogLevel.info) as events:
        journal.became("HG1", "approved")
        journal.joined("HG1", "192.0.2.7", replaced=False)
        journal.joined("HG1", "192.0.2.8", replaced=True)
        journal.left("HG1", "it logged out")
    assert words(events) == [
        "terminal HG1 is approved now",
        "terminal HG1 joined from 192.0.2.7",
        "terminal HG1 joined from 192.0.2.8, in place of its older connection",
        "terminal HG1 left: it logged out",
    ]
    assert clock.getDelayedCalls() == []


def test_of_thousands_at_once_a_hundred_are_named_and_the_others_counted() -> None:
    clock = Clock()
    journal = Journal(clock)
    with logged(LogLevel.info) as events:
        for number in range(5_000):
            journal.became(f"HG{number}", "approved")
            journal.joined(f"HG{number}", "192.0.2.7", replaced=False)
        assert len(words(events)) == 2 * MOST_NAMED
        clock.advance(NAMED_WITHIN_S)
        assert words(events) == [
            "terminals: 4900 more are approved now, too many at once to name them",
            "terminals: 4900 more joined, too many at once to name them",
        ]
        journal.joined("HG1", "192.0.2.7", replaced=False)
        assert words(events) == ["terminal HG1 joined from 192.0.2.7"]
    assert clock.getDelayedCalls() == []


def test_what_was_counted_is_told_at_the_end() -> None:
    clock = Clock()
    journal = Journal(clock)
    with logged(LogLevel.info) as events:
        for number in range(MOST_NAMED + 1):
            journal.left(f"HG{number}", "the bridge is being stopped")
        words(events)
        journal.stop()
        assert words(events) == ["terminals: 1 more left, too many at once to name them"]
        journal.stop()
        assert words(events) == []
    assert clock.getDelayedCalls() == []
