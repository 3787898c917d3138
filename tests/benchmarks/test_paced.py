"""The open loop: events happen in time, and time counts from when they happened."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks.crowd import Terminal
from benchmarks.paced import Pace, Reports
from benchmarks.site import Site


class StubCrowd:
    """Keeps whoever listens."""

    def __init__(self) -> None:
        self.recognition = SimpleNamespace(body=lambda: b"{}")
        self.on_answer: Callable[[Any], None] = lambda _: None


class StubSite:
    """A site without a network: a clock that the test moves, and timers that go off when it does."""

    def __init__(self) -> None:
        self.loop = self
        self.crowd = StubCrowd()
        self.on_event: Callable[[Any, int], None] = lambda *_: None
        self.now = 0.0
        self._timers: list[tuple[float, Callable[[], None]]] = []

    def at(self, when: float, action: Callable[[], None]) -> None:
        self._timers.append((when, action))

    def move_to(self, now: float) -> None:
        """One turn of the loop then: whatever is due."""
        self.now = now
        due = [action for when, action in self._timers if when <= now]
        self._timers = [(when, action) for when, action in self._timers if when > now]
        for action in due:
            action()


class StubTerminal:
    """Notes what it is to send."""

    serial = "B1"

    def __init__(self) -> None:
        self.is_waiting = False
        self.reported_at = 0.0
        self.reported: list[float] = []

    def report(self, _body: bytes, scheduled_at: float) -> int:
        self.is_waiting = True
        self.reported_at = scheduled_at
        self.reported.append(scheduled_at)
        return len(self.reported)


@pytest.fixture
def site(monkeypatch: pytest.MonkeyPatch) -> StubSite:
    stub = StubSite()
    monkeypatch.setattr("benchmarks.paced.time", SimpleNamespace(perf_counter=lambda: stub.now))
    return stub


def test_what_was_held_up_happens_all_the_same_and_is_known_to_be_late(site: StubSite) -> None:
    happened: list[float] = []
    pace = Pace(cast(Site, site), 100, happened.append, seed=1)
    pace.start()
    site.move_to(10.0)
    assert 800 < len(happened) < 1200
    assert happened == sorted(happened)
    assert pace.late_s == [pytest.approx(10.0 - at) if at else 0.0 for at in happened]


def test_nothing_happens_after_the_end(site: StubSite) -> None:
    happened: list[float] = []
    pace = Pace(cast(Site, site), 100, happened.append, seed=1)
    pace.start()
    pace.stop()
    site.move_to(10.0)
    assert happened == [0.0]


def test_time_counts_from_when_an_event_happened_though_the_terminal_still_waited(site: StubSite) -> None:
    terminal = StubTerminal()
    reports = Reports(cast(Site, site), [cast(Terminal, terminal)], per_s=1.0, seed=1)
    reports.pace.start()
    site.move_to(5.0)
    reports.pace.stop()
    assert terminal.reported == [0.0]
    terminal.is_waiting = False
    site.crowd.on_answer(terminal)
    second = terminal.reported[1]
    site.on_event(terminal, 2)
    terminal.is_waiting = False
    site.crowd.on_answer(terminal)
    assert 0.0 < second < 5.0
    assert reports.answered_s == [5.0, pytest.approx(5.0 - second)]
    assert reports.seen_s == [pytest.approx(5.0 - second)]
