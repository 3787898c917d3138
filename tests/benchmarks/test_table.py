"""Results as people read them: ratios are turned so that more is better."""

from __future__ import annotations

from msgspec.structs import replace

from benchmarks.measures import Metrics
from benchmarks.results import Measured, Results
from benchmarks.table import better_by, comparison, markdown, report, strained, table


def results(commit: str, **of_systems: Metrics) -> Results:
    rows = [Measured("closed-100-0", system, metrics, [metrics]) for system, metrics in of_systems.items()]
    return Results("2026-11-24T10:00:00+00:00", commit, "full", {}, {}, rows)


def test_twice_as_well_is_two_whatever_is_better() -> None:
    assert better_by(200, 100, "more") == 2
    assert better_by(0.1, 0.2, "less") == 2
    assert better_by(50, 60, "") is None


def test_a_peer_stands_beside_the_bridge_with_how_the_bridge_does_against_it() -> None:
    lines = table(
        results(
            "abc",
            bridge={"events_per_s": 3000.0, "cpu_s_per_1000_events": 0.2, "cpu_percent": 99.0},
            aiomqtt={"events_per_s": 1000.0, "cpu_s_per_1000_events": 0.1, "cpu_percent": 99.0},
        )
    )
    [events] = [line for line in lines if "events/s" in line]
    [cost] = [line for line in lines if "CPU seconds" in line]
    [share] = [line for line in lines if "its core" in line]
    assert events.split("|")[2:4] == ["       3,000 ", "      1,000 (3.00) "]
    assert "0.100 (0.50)" in cost
    assert "(" not in share


def test_what_was_not_measured_is_a_dash() -> None:
    lines = table(results("abc", bridge={"events_per_s": 3000.0}, aiomqtt={}))
    [events] = [line for line in lines if "events/s" in line]
    assert events.rstrip(" |").endswith("-")


def test_two_runs_stand_side_by_side() -> None:
    before, after = results("old", bridge={"cpu_s_per_1000_events": 0.4}), results("new", bridge={"cpu_s_per_1000_events": 0.1})
    [cost] = [line for line in comparison(before, after) if "CPU seconds" in line]
    assert [cell.strip() for cell in cost.split("|")[2:6]] == ["bridge", "0.400", "0.100", "4.00"]


def test_beside_each_run_stands_how_the_bridge_does_against_its_own_yardstick() -> None:
    before = results("old", bridge={"events_per_s": 500.0}, aiomqtt={"events_per_s": 1000.0})
    after = results("new", bridge={"events_per_s": 500.0}, aiomqtt={"events_per_s": 250.0})
    [events] = [line for line in comparison(before, after) if "events/s" in line and "bridge" in line]
    assert [cell.strip() for cell in events.split("|")[3:6]] == ["500 (0.50)", "500 (2.00)", "1.00"]


def test_systems_of_one_run_alone_are_not_compared() -> None:
    lines = comparison(
        results("old", bridge={"events_per_s": 1.0}, node={"events_per_s": 1.0}), results("new", bridge={"events_per_s": 2.0})
    )
    assert not [line for line in lines if "node" in line]


def test_columns_of_figures_are_to_the_right() -> None:
    assert markdown([["", "a"], ["row", "1,000"]]) == ["|     |     a |", "| --- | ----: |", "| row | 1,000 |"]


def test_below_the_table_stands_what_came_of_the_goals() -> None:
    lines = report(results("abc", bridge={"events_per_cpu_s": 900.0}, node={"events_per_cpu_s": 1000.0}))
    assert lines[0].startswith("2026-11-24, ")
    assert lines[0].endswith("commit abc")
    [goal] = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines if "at least" in line]
    assert goal == [
        "no pictures: events per second of the processor: at least 1.00 of Node.js + mqtt.js",
        "0.90 of Node.js + mqtt.js",
        "not met",
    ]


def test_a_run_that_tells_nothing_of_the_goals_says_nothing_of_them() -> None:
    assert "goal" not in "".join(report(results("abc", bridge={"events_per_s": 3000.0})))
    smoke = replace(results("abc", bridge={"events_per_cpu_s": 900.0}, node={"events_per_cpu_s": 1000.0}), form="smoke")
    assert "goal" not in "".join(report(smoke))


def test_a_load_that_may_have_been_too_slow_is_told_of() -> None:
    lines = strained(
        results(
            "abc", bridge={"load_cpu_percent": 40.0, "broker_cpu_percent": 44.0}, c={"load_cpu_percent": 40.0, "broker_cpu_percent": 46.0}
        )
    )
    assert lines == ["closed loop, 100 terminals, no pictures, C + libmosquitto: the load and the broker took 86 % of their core"]
