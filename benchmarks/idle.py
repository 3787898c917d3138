"""Thousands of terminals with nothing to report: their logins, what they take of memory, and their heartbeats."""

from __future__ import annotations

from benchmarks.measures import Metrics
from benchmarks.paced import Pace
from benchmarks.site import Site

HEARTBEAT_S = 25.0
AT_ONCE = 200  # logins at a time
AWAY_S = 6.0
"""Between two connections, as after a power cut: longer than the bridge waits before it says that a terminal is away."""


def idle(site: Site, seconds: float) -> Metrics:
    """Have them register, beat for a while, hang up, log in again, and report something each, so that it is sure that all of them were served. They
    have not connected yet."""
    crowd, count = site.crowd, len(site.crowd.terminals)
    site.settle()
    empty_bytes = site.program.memory_bytes()
    registering_s = crowd.join(AT_ONCE)
    settling_s = site.settle()
    full_bytes = site.program.memory_bytes()
    held = _hold(site, seconds)
    crowd.leave()
    site.loop.run(AWAY_S)
    site.settle()
    before = site.read()
    login_s = crowd.join(AT_ONCE)
    after = site.read()
    site.settle()
    crowd.report_once(AT_ONCE)
    site.check()
    return {
        "bytes_per_terminal": (full_bytes - empty_bytes) / count,
        "held_cpu_percent": held,
        "logins_per_s": count / login_s,
        "cpu_s_per_1000_logins": 1000 * (after.system_cpu_s - before.system_cpu_s) / count,
        "load_cpu_percent": before.shares(after)["load_cpu_percent"],
        "registrations_per_s": count / registering_s,
        "settling_s": settling_s,
    }


def _hold(site: Site, seconds: float) -> float:
    """Percent of its core while all of them beat, at the protocol's interval. TimeoutError: a heartbeat was not answered."""
    crowd = site.crowd
    turn = iter(crowd.terminals * (2 + int(seconds / HEARTBEAT_S)))
    beats = Pace(site, len(crowd.terminals) / HEARTBEAT_S, lambda _: next(turn).beat(), seed=3)
    before = site.read()
    beats.start()
    site.loop.run(seconds)
    beats.stop()
    after = site.read()
    if not site.loop.run(5.0, lambda: crowd.beats >= len(beats.late_s)):
        raise TimeoutError(f"{len(beats.late_s)} heartbeats, {crowd.beats} answers")
    return before.shares(after)["cpu_percent"]
