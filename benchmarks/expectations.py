"""What the smoke run expects: ratios within one run, and loose ones. How fast a machine is does not matter."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks.results import Results
from benchmarks.systems import BRIDGE, YARDSTICK


@dataclass(frozen=True, slots=True)
class Expectation:
    """That the bridge has at least this part of the yardstick's events per second of its processor."""

    scenario: str
    part: float


EXPECTATIONS = (Expectation("closed-100-0", 0.8), Expectation("closed-100-50", 0.8))


def disappointments(results: Results) -> list[str]:
    """What did not come true, in words. What was not measured is not judged."""
    unmet = []
    for each in EXPECTATIONS:
        bridge, yardstick = results.metrics(each.scenario, BRIDGE), results.metrics(each.scenario, YARDSTICK)
        if bridge is None or yardstick is None:
            continue
        part = bridge["events_per_cpu_s"] / yardstick["events_per_cpu_s"]
        if part < each.part:
            unmet.append(
                f"{each.scenario}: {part:.2f} of the yardstick's events per second of the processor; expected {each.part} at least"
            )
    return unmet
