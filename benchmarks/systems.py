"""What is measured: the bridge as a user starts it, and its peers. Each is told where terminals connect and where the broker is."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.processes import Program, free_port

BRIDGE = "bridge"
YARDSTICK = "aiomqtt"
TWISTD = "from twisted.scripts.twistd import run; run()"

ANNOUNCED_S = 2.5
"""Home Assistant is told of a terminal two seconds after it was read."""

LIMITS = """
[limits]
connections_per_address = 12000
frames_per_s = 1000000
frames_burst = 1000000
bytes_per_s = 268435456
bytes_burst = 268435456
[commands]
door_per_10_s = 1000
"""
"""One terminal is to send as fast as it can, and one machine is to be thousands of them."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where terminals connect, and where the broker is."""

    terminals: int
    broker: int


@dataclass(frozen=True, slots=True)
class System:
    """One of them. `command` makes its command line, for a directory of its own; `ready` is what it says when it serves terminals.

    `missing` tells what this machine lacks for it, `version` what it is made of. `keeps` says whether it keeps events while the broker is
    away. After logins it is at rest when it has done nothing for `calm_s` seconds.
    """

    name: str
    title: str
    command: Callable[[Ports, Path], Sequence[str]]
    ready: str = r"(?m)^ready$"
    missing: Callable[[], str | None] = lambda: None
    version: Callable[[], str] = lambda: ""
    keeps: bool = False
    calm_s: float = 0.3

    def start(self, broker_port: int, directory: Path, cores: frozenset[int]) -> tuple[Program, int]:
        """Start it, and wait until it is ready; returns the port that terminals connect to as well. RuntimeError: it does not start."""
        directory.mkdir(parents=True, exist_ok=True)
        ports = Ports(free_port(), broker_port)
        program = Program(self.name, self.command(ports, directory), directory, cores)
        program.wait_for_line(self.ready)
        return program, ports.terminals


def _bridge(ports: Ports, directory: Path) -> Sequence[str]:
    config = directory / "bridge.toml"
    config.write_text(LIMITS)
    listen, broker = f"tcp:{ports.terminals}:interface=127.0.0.1", f"mqtt://127.0.0.1:{ports.broker}"
    options = ["--listen", listen, "--mqtt", broker, "--registration", "open", "--state-dir", str(directory / "state")]
    return [sys.executable, "-c", TWISTD, "-n", "--pidfile=", "qyzn-bridge", "--config", str(config), *options]


def _aiomqtt(ports: Ports, _directory: Path) -> Sequence[str]:
    return [sys.executable, "-m", "benchmarks.peers.asyncio_aiomqtt", str(ports.terminals), str(ports.broker)]


def _no_aiomqtt() -> str | None:
    return None if importlib.util.find_spec("aiomqtt") else "aiomqtt is not installed: pip install 'qyzn-bridge[bench]'"


SYSTEMS = {
    each.name: each
    for each in (
        System(BRIDGE, "qyzn-bridge", _bridge, ready="qyzn-bridge ready", keeps=True, calm_s=ANNOUNCED_S),
        System(YARDSTICK, "asyncio + aiomqtt", _aiomqtt, missing=_no_aiomqtt, version=lambda: f"aiomqtt {version('aiomqtt')}"),
    )
}
