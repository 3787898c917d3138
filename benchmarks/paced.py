"""Events in an open loop: they happen when they happen, whether the last was answered or not. What a visitor at the door waits for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Sequence
from random import Random

from benchmarks.closed import rates
from benchmarks.crowd import Terminal
from benchmarks.measures import Metrics, latencies, percentile
from benchmarks.site import Site

WARM_S = 0.5
EVENTS_PER_S = 300


class Pace:
    """Has something happen so many times a second, at random moments. `late_s` tells how late that was each time: the load's own fault."""

    def __init__(self, site: Site, per_s: float, happen: Callable[[float], None], seed: int) -> None:
        self.late_s: list[float] = []
        self._loop = site.loop
        self._per_s = per_s
        self._happen = happen
        self._random = Random(seed)  # noqa: S311 - chance, not secrets
        self._next_at = 0.0
        self._is_over = False

    def start(self) -> None:
        self._next_at = time.perf_counter()
        self._go_on()

    def stop(self) -> None:
        self._is_over = True

    def _go_on(self) -> None:
        while not self._is_over and self._next_at <= (now := time.perf_counter()):
            self.late_s.append(now - self._next_at)
            self._happen(self._next_at)
            self._next_at += self._random.expovariate(self._per_s)
        if not self._is_over:
            self._loop.at(self._next_at, self._go_on)


class Reports:
    """Events of some terminals in turn. One that still waits for an answer reports the next when it came, and time counts from when it should
    have: `answered_s` until the answer, `seen_s` until somebody who subscribes has the event."""

    def __init__(self, site: Site, terminals: Sequence[Terminal], per_s: float, seed: int = 1) -> None:
        self.answered_s: list[float] = []
        self.seen_s: list[float] = []
        self.pace = Pace(site, per_s, self._happen, seed)
        self._crowd = site.crowd
        self._turn = deque(terminals)
        self._due: dict[str, deque[float]] = {terminal.serial: deque() for terminal in terminals}
        self._scheduled: dict[tuple[str, int], float] = {}
        site.crowd.on_answer = self._answered
        site.on_event = self._seen

    def forget(self) -> None:
        """What was measured so far."""
        for each in (self.answered_s, self.seen_s, self.pace.late_s):
            each.clear()

    def _happen(self, at: float) -> None:
        terminal = self._turn[0]
        self._turn.rotate(-1)
        if terminal.is_waiting:
            self._due[terminal.serial].append(at)
        else:
            self._report(terminal, at)

    def _report(self, terminal: Terminal, at: float) -> None:
        sequence = terminal.report(self._crowd.recognition.body(), at)
        self._scheduled[terminal.serial, sequence] = at

    def _answered(self, terminal: Terminal) -> None:
        self.answered_s.append(time.perf_counter() - terminal.reported_at)
        if due := self._due[terminal.serial]:
            self._report(terminal, due.popleft())

    def _seen(self, terminal: Terminal, sequence: int) -> None:
        self.seen_s.append(time.perf_counter() - self._scheduled.pop((terminal.serial, sequence)))


def open_loop(site: Site, seconds: float) -> Metrics:
    """How long events take from when they happen, at a rate that is far from the most that can be carried."""
    reports = Reports(site, site.crowd.terminals, EVENTS_PER_S)
    reports.pace.start()
    site.loop.run(WARM_S)
    reports.forget()
    before = site.read()
    site.loop.run(seconds)
    after = site.read()
    reports.pace.stop()
    site.check()
    late = {"load_late_p99_ms": 1000 * percentile(reports.pace.late_s, 0.99)}
    return rates(before, after) | latencies(reports.answered_s) | latencies(reports.seen_s, "seen_") | late
