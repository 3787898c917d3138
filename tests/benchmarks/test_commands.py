"""The command's round trip: each is answered once, and opens a door."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks.commands import at_rest
from benchmarks.crowd import Refused, Terminal
from benchmarks.site import Mismatch, Reading, Site
from benchmarks.systems import SYSTEMS

OK = b'{"status": "ok"}'


class StubSite:
    """A system that answers each command `took_s` after it was sent, as `answers` says: payloads, and doors that it opens. Time passes only in
    `run`, from one thing that happens to the next."""

    def __init__(self, took_s: float = 0.002, answers: tuple[bytes, ...] = (OK,), opens: int = 1) -> None:
        self.loop = self.witness = self
        self.system = SYSTEMS["bridge"]
        self.terminals = [cast(Terminal, SimpleNamespace(serial=f"B{number}")) for number in range(3)]
        self.crowd = SimpleNamespace(terminals=self.terminals, opened=0)
        self.on_response: Callable[[Terminal, bytes], None] = lambda *_: None
        self.now = 0.0
        self._took_s, self._answers, self._opens = took_s, answers, opens
        self._timers: list[tuple[float, Callable[[], None]]] = []

    def perf_counter(self) -> float:
        return self.now

    def at(self, when: float, action: Callable[[], None]) -> None:
        self._timers.append((when, action))

    def publish(self, topic: str, _payload: bytes) -> None:
        _, serial, _, command = topic.split("/")
        assert command == "open_door"
        self.at(self.now + self._took_s, lambda: self._answer(self.terminals[int(serial[1:])]))

    def run(self, seconds: float, done: Callable[[], bool] = lambda: False) -> bool:
        end = self.now + seconds
        while not done() and self._timers and min(when for when, _ in self._timers) <= end:
            due = min(self._timers, key=lambda timer: timer[0])
            self._timers.remove(due)
            self.now = max(self.now, due[0])
            due[1]()
        if not done():
            self.now = end
        return done()

    def read(self) -> Reading:
        return Reading(self.now, 0, 0, self.now / 4, 0.0, self.now / 10, 0.0)

    def _answer(self, terminal: Terminal) -> None:
        self.crowd.opened += self._opens
        for payload in self._answers:
            self.on_response(terminal, payload)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> Callable[[StubSite], dict[str, Any]]:
    def measure(site: StubSite) -> dict[str, Any]:
        monkeypatch.setattr("benchmarks.commands.time", site)
        monkeypatch.setattr("benchmarks.paced.time", site)
        return at_rest(cast(Site, site), 4.0)

    return measure


Measured = Callable[[StubSite], dict[str, Any]]


def test_time_counts_from_the_command_to_its_response(measured: Measured) -> None:
    metrics = measured(StubSite(took_s=0.002))
    assert metrics["p50_ms"] == pytest.approx(2.0)
    assert metrics["cpu_percent"] == pytest.approx(25)
    assert metrics["load_cpu_percent"] == pytest.approx(10)


def test_a_terminal_may_be_asked_again_before_it_has_answered(measured: Measured) -> None:
    assert measured(StubSite(took_s=0.5))["p50_ms"] == pytest.approx(500)


def test_an_answer_without_an_open_door_is_found(measured: Measured) -> None:
    with pytest.raises(Mismatch, match=r"bridge: \d+ commands were answered, and 0 doors opened"):
        measured(StubSite(opens=0))


def test_so_is_a_door_that_opened_twice(measured: Measured) -> None:
    with pytest.raises(Mismatch, match="doors opened"):
        measured(StubSite(opens=2))


def test_so_is_a_second_answer(measured: Measured) -> None:
    with pytest.raises(Mismatch, match="was answered twice"):
        measured(StubSite(answers=(OK, OK)))


def test_so_is_a_command_that_was_refused(measured: Measured) -> None:
    with pytest.raises(Refused, match="error"):
        measured(StubSite(answers=(b'{"status": "error"}',)))


def test_so_is_one_without_an_answer(measured: Measured) -> None:
    with pytest.raises(TimeoutError, match="left without a response"):
        measured(StubSite(answers=()))
