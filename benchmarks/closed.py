"""Events in a closed loop: each terminal sends the next as soon as the last was answered. What can be carried at most, and at what cost."""

from __future__ import annotations

import time
from collections.abc import Callable

from benchmarks.crowd import Crowd, Terminal
from benchmarks.measures import Metrics, latencies
from benchmarks.site import Reading, Site

WARM_S = 0.7
LEAST_EVENTS, PATIENCE_S = 200, 30.0
"""On a machine that is very busy it is measured for longer: fewer events would say nothing."""


def closed_loop(site: Site, seconds: float) -> Metrics:
    """Events per second and their cost, in the middle of a longer run."""
    crowd = site.crowd
    took_s: list[float] = []
    crowd.on_answer = crowd.report
    for terminal in crowd.terminals:
        crowd.report(terminal)
    site.loop.run(WARM_S)
    crowd.on_answer = _timed(crowd, took_s)
    before = site.read()
    site.loop.run(seconds)
    site.loop.run(PATIENCE_S, lambda: site.seen - before.seen >= LEAST_EVENTS)
    after = site.read()
    site.check()
    return rates(before, after) | latencies(took_s)


def rates(before: Reading, after: Reading) -> Metrics:
    """What was published and used between two moments. What was answered and still waits in an outbox does not count. TimeoutError: nothing was."""
    seconds, events = after.at - before.at, after.seen - before.seen
    if events == 0:
        raise TimeoutError(f"nothing was published in {seconds:.1f} s")
    cpu_s = after.system_cpu_s - before.system_cpu_s
    return {
        "events_per_s": events / seconds,
        "answers_per_s": (after.answered - before.answered) / seconds,
        "events_per_cpu_s": events / cpu_s,
        "cpu_s_per_1000_events": 1000 * cpu_s / events,
        **before.shares(after),
    }


def _timed(crowd: Crowd, took_s: list[float]) -> Callable[[Terminal], None]:
    def answered(terminal: Terminal) -> None:
        now = time.perf_counter()
        took_s.append(now - terminal.reported_at)
        terminal.report(crowd.recognition.body(), now)

    return answered
