"""The load's terminals, all at once and one after the other."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, cast

import pytest

from benchmarks.crowd import Crowd, Terminal


class StubLoop:
    """What terminals report is answered in its turns, one event in each."""

    def __init__(self) -> None:
        self.reporting: list[Terminal] = []
        self.most_at_once = 0
        self.is_mute = False

    def run(self, _seconds: float, done: Callable[[], bool]) -> bool:
        while not done() and self.reporting and not self.is_mute:
            self.most_at_once = max(self.most_at_once, len(self.reporting))
            terminal = self.reporting.pop(0)
            terminal._asked = None
            terminal._event_answered(cast(Any, None))
        return done()


@pytest.fixture
def loop() -> StubLoop:
    return StubLoop()


@pytest.fixture
def crowd(loop: StubLoop, monkeypatch: pytest.MonkeyPatch) -> Crowd:
    def report(self: Terminal, _body: bytes, at: float) -> int:
        assert at <= time.perf_counter()
        self._asked = 1
        loop.reporting.append(self)
        return 1

    monkeypatch.setattr(Terminal, "report", report)
    return Crowd(cast(Any, loop), 0, 25)


@pytest.mark.parametrize("at_once", [1, 10, 100])
def test_each_reports_once_and_not_too_many_at_a_time(crowd: Crowd, loop: StubLoop, at_once: int) -> None:
    crowd.report_once(at_once)
    assert [len(terminal.answered) for terminal in crowd.terminals] == [1] * 25
    assert loop.most_at_once == min(at_once, 25)


def test_who_is_not_answered_is_told_of(crowd: Crowd, loop: StubLoop) -> None:
    loop.is_mute = True
    with pytest.raises(TimeoutError, match="left without an answer"):
        crowd.report_once(10)
