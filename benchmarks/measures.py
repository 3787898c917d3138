"""Percentiles and medians of what was measured. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from statistics import median

Metrics = dict[str, float]
"""Figures by name; the unit stands at the name's end."""
OTHERS = "others_percent"
"""The figure that every run has: how much of the machine went to other work meanwhile."""


def percentile(values: Sequence[float], part: float) -> float:
    """The smallest value that at least this part of them does not exceed. Raises ValueError when there are none."""
    if not values:
        raise ValueError("no values, no percentile")
    return sorted(values)[max(0, math.ceil(part * len(values)) - 1)]


def latencies(seconds: Sequence[float], prefix: str = "") -> Metrics:
    """The usual two, in milliseconds."""
    return {f"{prefix}p50_ms": 1000 * percentile(seconds, 0.5), f"{prefix}p99_ms": 1000 * percentile(seconds, 0.99)}


def medians(runs: Sequence[Mapping[str, float]]) -> Metrics:
    """Of each figure, over the runs that have it."""
    names = dict.fromkeys(name for run in runs for name in run)
    return {name: median([run[name] for run in runs if name in run]) for name in names}


def of_quietest(runs: Sequence[Mapping[str, float]]) -> Metrics:
    """The medians over that half of the runs during which the machine had the least other work."""
    by_noise = sorted(runs, key=lambda run: run.get(OTHERS, 0.0))
    return medians(by_noise[: math.ceil(len(runs) / 2)])


def ratio(value: float, other: float) -> float | None:
    """How many times the other it is; None where that says nothing."""
    return value / other if other else None
