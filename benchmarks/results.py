"""Results on the disk: JSON, with the machine, the versions, the date and the commit, so that two of them can be compared."""

from __future__ import annotations

import platform
import re
import subprocess
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import msgspec
from msgspec.structs import replace

from benchmarks.goals import Outcome, outcomes
from benchmarks.measures import Metrics
from benchmarks.processes import ROOT, Cores
from benchmarks.running import Row
from bridge.mqtt.mosquitto import find_mosquitto

FOLDER = ROOT / "benchmarks" / "results"
PACKAGES = ("twisted", "paho-mqtt", "msgspec", "pybase64", "xxhash", "aiomqtt")


class Measured(msgspec.Struct, frozen=True):
    """A scenario with a system: the medians, and what each round gave. Scenario and system by name."""

    scenario: str
    system: str
    metrics: Metrics
    rounds: list[Metrics]


class Results(msgspec.Struct, frozen=True):
    """One run."""

    date: str
    commit: str
    form: str
    machine: dict[str, str]
    versions: dict[str, str]
    rows: list[Measured]
    goals: list[Outcome] = []
    """What came of those that this run can tell of."""

    def metrics(self, scenario: str, system: str) -> Metrics | None:
        """What was measured of this, if it was."""
        return next((row.metrics for row in self.rows if (row.scenario, row.system) == (scenario, system)), None)


def of(rows: Sequence[Row], form: str, cores: Cores, more_versions: dict[str, str]) -> Results:
    """A run that is just over."""
    measured = [Measured(row.scenario.name, row.system.name, row.metrics, list(row.rounds)) for row in rows]
    date = datetime.now().astimezone().isoformat(timespec="seconds")
    results = Results(date, _commit(), form, _machine(cores), _versions() | more_versions, measured)
    return replace(results, goals=reached(results))


def reached(results: Results) -> list[Outcome]:
    """What came of today's goals. A form that is only to be quick, on machines that have much else to do, tells nothing of them."""
    return outcomes(results.metrics) if results.form == "full" else []


def write(results: Results) -> Path:
    """Into a file of its own; returns its path."""
    FOLDER.mkdir(exist_ok=True)
    path = FOLDER / f"{re.sub('[^0-9T]', '', results.date[:19])}-{results.form}-{results.commit}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1) + b"\n")
    return path


def read(path: Path) -> Results:
    """Raises OSError, or msgspec.DecodeError for what is no result."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


def latest(count: int) -> list[Path]:
    """The last ones, the oldest of them first."""
    return sorted(FOLDER.glob("*.json"))[-count:]


def _commit() -> str:
    """The commit that was measured; with a plus when there were changes that it does not have."""
    head = _output(["git", "-C", str(ROOT), "rev-parse", "--short", "HEAD"])
    return (head or "unknown") + "+" * bool(_output(["git", "-C", str(ROOT), "status", "--porcelain", "--", "bridge", "benchmarks"]))


def _machine(cores: Cores) -> dict[str, str]:
    cpuinfo = Path("/proc/cpuinfo").read_text()
    model = re.search(r"model name\s*: (.*)", cpuinfo)
    return {
        "processor": model[1] if model else platform.machine(),
        "cores": str(len(cores.measured | cores.others)),
        "kernel": platform.release(),
        "apart": "the system alone on one core" if cores.are_apart else "everything on one core",
    }


def _versions() -> dict[str, str]:
    mosquitto = re.search(r"version (\S+)", _output([find_mosquitto(), "-h"]))
    return {"python": platform.python_version(), "mosquitto": mosquitto[1] if mosquitto else "?"} | {
        name: found for name in PACKAGES if (found := _version(name))
    }


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _output(command: Sequence[str]) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()  # noqa: S603 - our own
    except OSError:
        return ""
