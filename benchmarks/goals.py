"""What is aimed at, declared once, and what came of it in a run. Pure functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import msgspec

from benchmarks.measures import Metrics
from benchmarks.systems import BRIDGE, COMPILED, SYSTEMS

Find = Callable[[str, str], Metrics | None]
"""What was measured of a scenario with a system, both by name; None where it was not."""


@dataclass(frozen=True, slots=True)
class Goal:
    """That the bridge has `at_least`, or `at_most`, so much in a figure of a scenario; `of` a peer: so many times what that one has."""

    title: str
    scenario: str
    metric: str
    bound: Literal["at least", "at most"]
    value: float
    unit: str = ""
    of: str | None = None


GOALS = (
    Goal("50 KB pictures: events per second", "closed-100-50", "events_per_s", "at least", 0.5, of="c"),
    Goal("50 KB pictures: events per second of the processor", "closed-100-50", "events_per_cpu_s", "at least", 0.5, of="c"),
    Goal("no pictures: events per second", "closed-100-0", "events_per_s", "at least", 1.0, of="node"),
    Goal("no pictures: events per second of the processor", "closed-100-0", "events_per_cpu_s", "at least", 1.0, of="node"),
    Goal("a command and back, at rest, median", "command-rest", "p50_ms", "at most", 1.0, "ms"),
    Goal("a command and back, beside 200 pictures/s, median", "command-busy", "p50_ms", "at most", 3.0, "ms"),
    Goal("memory of an idle terminal, of 5,000", "idle-5000", "bytes_per_terminal", "at most", 3000, "bytes"),
    Goal("memory of an idle terminal, of 10,000", "idle-10000", "bytes_per_terminal", "at most", 3000, "bytes"),
    Goal("5,000 logins in 2 s", "idle-5000", "logins_per_s", "at least", 2500, "/s"),
    Goal("10,000 terminals held", "idle-10000", "held_cpu_percent", "at most", 3.0, "% of a core"),
)


class Outcome(msgspec.Struct, frozen=True):
    """A goal in words, what was measured, and whether that is enough."""

    goal: str
    measured: str
    is_met: bool


def outcomes(find: Find, goals: Sequence[Goal] = GOALS) -> list[Outcome]:
    """Of those goals whose scenario was measured, with the peer that they speak of; of the bridge as it is installed first."""
    return [*_outcomes(find, goals, BRIDGE), *_outcomes(find, goals, COMPILED, "compiled; ")]


def _outcomes(find: Find, goals: Sequence[Goal], system: str, before: str = "") -> Iterator[Outcome]:
    for goal in goals:
        value = _measured(goal, find, system)
        if value is not None:
            is_met = value >= goal.value if goal.bound == "at least" else value <= goal.value
            yield Outcome(f"{before}{goal.title}: {goal.bound} {_words(goal, goal.value)}", _words(goal, value), is_met)


def _measured(goal: Goal, find: Find, system: str) -> float | None:
    bridge = find(goal.scenario, system)
    if bridge is None or goal.metric not in bridge:
        return None
    if goal.of is None:
        return bridge[goal.metric]
    peer = find(goal.scenario, goal.of)
    return bridge[goal.metric] / peer[goal.metric] if peer and peer.get(goal.metric) else None


def _words(goal: Goal, value: float) -> str:
    """As people read it."""
    if goal.of is not None:
        return f"{value:.2f} of {SYSTEMS[goal.of].title}"
    return f"{value:,.0f} {goal.unit}" if goal.value >= 100 else f"{value:.2f} {goal.unit}"
