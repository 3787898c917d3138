"""What the smoke run judges: ratios alone."""

from __future__ import annotations

from benchmarks.expectations import EXPECTATIONS, disappointments
from benchmarks.results import Measured, Results
from benchmarks.scenarios import FORMS


def results(part: float) -> Results:
    rows = [
        Measured(each.scenario, system, {"events_per_cpu_s": 1000.0 * (part if system == "bridge" else 1.0)}, [])
        for each in EXPECTATIONS
        for system in ("bridge", "aiomqtt")
    ]
    return Results("", "", "smoke", {}, {}, rows)


def test_a_bridge_that_keeps_up_is_not_complained_of() -> None:
    assert disappointments(results(1.5)) == []


def test_one_that_has_become_slow_is_told_of_row_by_row() -> None:
    assert len(disappointments(results(0.01))) == len(EXPECTATIONS)


def test_what_is_expected_is_measured_by_the_smoke_run() -> None:
    assert {each.scenario for each in EXPECTATIONS} <= set(FORMS["smoke"].names)
