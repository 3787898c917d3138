"""While the broker is away: how fast events are committed to the outbox, and how fast they leave it when the broker is back."""

from __future__ import annotations

import time

from benchmarks.measures import Metrics
from benchmarks.site import Site

DRAIN_S = 300.0


def away_and_back(site: Site, seconds: float) -> Metrics:
    """A closed loop while the broker is away; then silence until all of it is published. TimeoutError: it is not."""
    crowd = site.crowd
    site.stop_broker()
    seen = site.seen
    before = site.read()
    crowd.on_answer = crowd.report
    for terminal in crowd.terminals:
        crowd.report(terminal)
    site.loop.run(seconds)
    after = site.read()
    crowd.rest()
    kept = crowd.answered - before.answered
    site.start_broker()
    if not site.loop.run(DRAIN_S, lambda: site.seen > seen):
        raise TimeoutError("nothing comes from the outbox")
    began, cpu_s = time.perf_counter(), site.program.cpu_s()
    if not site.loop.run(DRAIN_S, lambda: site.seen - seen >= kept):
        raise TimeoutError(f"{site.seen - seen} of {kept} events have come from the outbox in {DRAIN_S:.0f} s")
    site.check()
    answered = after.answered - before.answered
    return {
        "commits_per_s": answered / (after.at - before.at),
        "cpu_s_per_1000_commits": 1000 * (after.system_cpu_s - before.system_cpu_s) / answered,
        "load_cpu_percent": before.shares(after)["load_cpu_percent"],
        "drained_per_s": kept / (time.perf_counter() - began),
        "cpu_s_per_1000_drained": 1000 * (site.program.cpu_s() - cpu_s) / kept,
    }
