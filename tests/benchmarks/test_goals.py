"""What came of the goals is computed, not judged by eye."""

from __future__ import annotations

import pytest

from benchmarks.goals import GOALS, Goal, Outcome, outcomes
from benchmarks.measures import Metrics
from benchmarks.scenarios import SCENARIOS
from benchmarks.systems import SYSTEMS

AT_MOST = Goal("a command and back", "command-rest", "p50_ms", "at most", 1.0, "ms")
AT_LEAST = Goal("logins", "idle-5000", "logins_per_s", "at least", 2500, "/s")
BESIDE_C = Goal("with pictures", "closed-100-50", "events_per_s", "at least", 0.5, of="c")


def came_of(goal: Goal, **of_systems: Metrics) -> list[Outcome]:
    return outcomes(lambda scenario, system: of_systems.get(system) if scenario == goal.scenario else None, [goal])


@pytest.mark.parametrize(
    ("goal", "value", "measured", "is_met"),
    [
        (AT_MOST, 1.0, "1.00 ms", True),
        (AT_MOST, 1.01, "1.01 ms", False),
        (AT_LEAST, 2500.0, "2,500 /s", True),
        (AT_LEAST, 2499.0, "2,499 /s", False),
    ],
)
def test_a_goal_is_met_up_to_its_bound(goal: Goal, value: float, measured: str, is_met: bool) -> None:
    [outcome] = came_of(goal, bridge={goal.metric: value})
    assert (outcome.measured, outcome.is_met) == (measured, is_met)


@pytest.mark.parametrize(("events_per_s", "is_met"), [(500.0, True), (490.0, False)])
def test_a_goal_may_be_set_by_a_peer(events_per_s: float, is_met: bool) -> None:
    [outcome] = came_of(BESIDE_C, bridge={"events_per_s": events_per_s}, c={"events_per_s": 1000.0})
    assert outcome.goal == "with pictures: at least 0.50 of C + libmosquitto"
    assert outcome.measured == f"{events_per_s / 1000:.2f} of C + libmosquitto"
    assert outcome.is_met is is_met


def test_the_compiled_bridge_has_the_same_goals() -> None:
    first, second = came_of(AT_MOST, bridge={"p50_ms": 1.1}, compiled={"p50_ms": 0.9})
    assert (first.goal, first.is_met) == ("a command and back: at most 1.00 ms", False)
    assert (second.goal, second.is_met) == ("compiled; a command and back: at most 1.00 ms", True)


def test_of_what_was_not_measured_nothing_is_said() -> None:
    assert came_of(BESIDE_C, c={"events_per_s": 1000.0}) == []
    assert came_of(BESIDE_C, bridge={"events_per_s": 1000.0}) == []
    assert came_of(BESIDE_C, bridge={"events_per_s": 1000.0}, c={"events_per_s": 0.0}) == []
    assert came_of(AT_MOST, bridge={"p99_ms": 1.0}) == []


def test_what_is_aimed_at_is_measured() -> None:
    for goal in GOALS:
        assert goal.scenario in SCENARIOS, goal
        assert goal.of is None or goal.of in SYSTEMS, goal
        names = {figure.metric for figure in SCENARIOS[goal.scenario].figures} | {"events_per_cpu_s"}
        assert goal.metric in names, goal
