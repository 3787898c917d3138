"""Results on the disk."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import results
from benchmarks.processes import Cores
from benchmarks.results import Measured, Results
from benchmarks.running import Row
from benchmarks.scenarios import SCENARIOS
from benchmarks.systems import SYSTEMS

SOME = Results(
    "2026-11-24T10:00:00+00:00",
    "abc1234",
    "full",
    {"processor": "one"},
    {"python": "3.11"},
    [Measured("closed-1-0", "bridge", {"events_per_s": 2.0}, [{"events_per_s": 1.0}, {"events_per_s": 3.0}])],
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(results, "FOLDER", tmp_path / "results")
    return tmp_path / "results"


def test_what_is_written_can_be_read(folder: Path) -> None:
    path = results.write(SOME)
    assert path.parent == folder
    assert results.read(path) == SOME
    assert results.read(path).metrics("closed-1-0", "bridge") == {"events_per_s": 2.0}
    assert results.read(path).metrics("closed-1-0", "node") is None


def test_a_run_says_what_came_of_the_goals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(results, "_versions", dict)
    metrics = {"p50_ms": 0.9}
    rows = [Row(SCENARIOS["command-rest"], SYSTEMS["bridge"], (metrics,))]
    found = results.of(rows, "full", Cores(frozenset({0}), frozenset({0})), {})
    assert [(outcome.measured, outcome.is_met) for outcome in found.goals] == [("0.90 ms", True)]
    assert found.metrics("command-rest", "bridge") == metrics


def test_one_from_before_there_were_goals_can_be_read(folder: Path) -> None:
    path = results.write(SOME)
    told = json.loads(path.read_bytes())
    del told["goals"]
    path.write_text(json.dumps(told))
    assert results.read(path) == SOME


@pytest.mark.usefixtures("folder")
def test_the_latest_come_oldest_first() -> None:
    for day in (3, 1, 2):
        results.write(Results(f"2026-11-0{day}T10:00:00+00:00", "abc1234", "full", {}, {}, []))
    assert [path.name[:8] for path in results.latest(2)] == ["20261102", "20261103"]
