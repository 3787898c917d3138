"""Percentiles, medians and ratios."""

from __future__ import annotations

import pytest

from benchmarks.measures import OTHERS, latencies, medians, of_quietest, percentile, ratio


@pytest.mark.parametrize(("part", "expected"), [(0.5, 50), (0.99, 99), (1.0, 100), (0.001, 1)])
def test_a_percentile_is_one_of_the_values(part: float, expected: float) -> None:
    assert percentile([float(each) for each in range(100, 0, -1)], part) == expected


def test_there_is_no_percentile_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        percentile([], 0.5)


def test_latencies_are_in_milliseconds() -> None:
    assert latencies([0.002, 0.001, 0.5], "seen_") == {"seen_p50_ms": 2.0, "seen_p99_ms": 500.0}


def test_medians_are_over_the_runs_that_have_the_figure() -> None:
    assert medians([{"a": 1.0}, {"a": 9.0, "b": 2.0}, {"a": 3.0}]) == {"a": 3.0, "b": 2.0}


def test_runs_beside_other_work_count_less() -> None:
    runs = [{"a": 1.0, OTHERS: 5.0}, {"a": 90.0, OTHERS: 70.0}, {"a": 3.0, OTHERS: 6.0}]
    assert of_quietest(runs) == {"a": 2.0, OTHERS: 5.5}
    assert of_quietest(runs[:1]) == runs[0]


def test_a_ratio_to_nothing_says_nothing() -> None:
    assert ratio(3.0, 2.0) == 1.5
    assert ratio(3.0, 0.0) is None
