"""Sites to break, and the table of what came of it at the end of the run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.ground import Ground
from tests.faults.scale import SCALE
from tests.faults.tally import Tally, table

TALLIES = pytest.StashKey[list[Tally]]()
NOTES = pytest.StashKey[list[str]]()
Break = Callable[..., Ground]


@pytest.fixture
def make_ground(tmp_path: Path, mosquitto_path: str) -> Iterator[Break]:
    """Start sites; `make_ground(name)` has a seed of its own by that name. All end with the test."""
    grounds: list[Ground] = []

    def make(name: str, **more: Any) -> Ground:
        grounds.append(Ground(mosquitto_path, tmp_path / str(len(grounds)), f"{SCALE.seed}/{name}", **more))
        return grounds[-1]

    yield make
    for ground in grounds:
        ground.end()


@pytest.fixture
def enter(request: pytest.FixtureRequest) -> Callable[[Tally], None]:
    """Put a row into the table."""
    return request.config.stash.setdefault(TALLIES, []).append


@pytest.fixture
def note(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Put a line below the table."""
    return request.config.stash.setdefault(NOTES, []).append


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    tallies = config.stash.get(TALLIES, [])
    notes = config.stash.get(NOTES, [])
    if tallies or notes:
        terminalreporter.section(f"faults, QYZN_FAULTS_SEED={SCALE.seed}")
        for line in [*table(tallies), *notes]:
            terminalreporter.write_line(line)
