"""A run: every scenario with every system, round after round, so that what disturbs the machine disturbs them all."""

from __future__ import annotations

import gc
import itertools
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.frames import Recognition
from benchmarks.measures import OTHERS, Metrics, of_quietest
from benchmarks.processes import Cores, allow_open_files
from benchmarks.scenarios import Scenario, Setting
from benchmarks.site import open_site
from benchmarks.systems import System

SPARE_FILES = 200
ONCE_FROM = 5000
"""Settings of so many terminals take minutes: they are measured in the first round only."""

Said = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Row:
    """What came of one scenario with one system: the medians over the quieter half of the rounds, and each round."""

    scenario: Scenario
    system: System
    rounds: tuple[Metrics, ...]

    @property
    def metrics(self) -> Metrics:
        return of_quietest(self.rounds)


def run(scenarios: Sequence[Scenario], systems: Sequence[System], rounds: int, cores: Cores, say: Said) -> list[Row]:
    """Measure. Raises Mismatch where what was answered and what was published differ; Refused, TimeoutError, ConnectionError and
    RuntimeError where something does not work at all."""
    allow_open_files(SPARE_FILES + max(each.setting.terminals for each in scenarios))
    measured: dict[tuple[str, str], list[Metrics]] = defaultdict(list)
    for turn, setting, system in _order(scenarios, systems, rounds):
        names = [each for each in scenarios if each.setting == setting]
        say(f"round {turn + 1} of {rounds}: {system.title}, {', '.join(each.name for each in names)}")
        for scenario, metrics in _measure(names, setting, system, cores):
            measured[scenario.name, system.name].append(metrics)
    return [
        Row(scenario, system, tuple(measured[scenario.name, system.name]))
        for scenario in scenarios
        for system in systems
        if (scenario.name, system.name) in measured
    ]


def _order(scenarios: Sequence[Scenario], systems: Sequence[System], rounds: int) -> Iterator[tuple[int, Setting, System]]:
    settings = list(dict.fromkeys(scenario.setting for scenario in scenarios))
    for turn, setting, system in itertools.product(range(rounds), settings, systems):
        if (system.keeps or not setting.keeps) and (turn == 0 or setting.terminals < ONCE_FROM):
            yield turn, setting, system


def _measure(scenarios: Sequence[Scenario], setting: Setting, system: System, cores: Cores) -> Iterator[tuple[Scenario, Metrics]]:
    """All scenarios of one setting, in one site."""
    with (
        tempfile.TemporaryDirectory(prefix="qyzn-bench-") as directory,
        open_site(system, Path(directory), cores, setting.terminals, session=setting.keeps, counts_pictures=setting.joins) as site,
    ):
        if setting.joins:
            site.crowd.join()
            site.settle()
        for scenario in scenarios:
            site.report(Recognition(scenario.picture_bytes))
            if setting.joins:
                site.verify()
            before = site.read()
            with _undisturbed():
                metrics = scenario.measure(site, scenario.seconds)
            yield scenario, metrics | {OTHERS: before.others_percent(site.read())}


@contextmanager
def _undisturbed() -> Iterator[None]:
    """Without the garbage collector: the load makes no cycles worth mentioning."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
