"""What is measured: the bridge as a user starts it, and its peers. Each is told where terminals connect and where the broker is."""

from __future__ import annotations

import filecmp
import importlib.util
import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from benchmarks.processes import ROOT, Program, free_port

BRIDGE = "bridge"
COMPILED = "compiled"
YARDSTICK = "aiomqtt"
NODE_PEER = ROOT / "benchmarks" / "peers" / "node_mqttjs"
C_SOURCE = ROOT / "benchmarks" / "peers" / "c_libmosquitto.c"
C_PROGRAM = ROOT / "benchmarks" / "peers" / "build" / "c_libmosquitto"
COMPILED_TREE = ROOT / "build" / "compiled"
TWISTD = "import sys; sys.path[:0] = {paths!r}; from twisted.scripts.twistd import run; run()"

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
        try:
            program.wait_for_line(self.ready)
        except BaseException:
            program.stop()
            raise
        return program, ports.terminals


def _bridge(ports: Ports, directory: Path, *paths: Path) -> Sequence[str]:
    """`paths` are looked into first for its modules."""
    config = directory / "bridge.toml"
    config.write_text(LIMITS)
    listen, broker = f"tcp:{ports.terminals}:interface=127.0.0.1", f"mqtt://127.0.0.1:{ports.broker}"
    options = ["--listen", listen, "--mqtt", broker, "--registration", "open", "--state-dir", str(directory / "state")]
    return [
        sys.executable,
        "-c",
        TWISTD.format(paths=[*map(str, paths)]),
        "-n",
        "--pidfile=",
        "qyzn-bridge",
        "--config",
        str(config),
        *options,
    ]


def _compiled(ports: Ports, directory: Path) -> Sequence[str]:
    return _bridge(ports, directory, COMPILED_TREE)


def _not_compiled() -> str | None:
    """What was compiled has to be what is here now."""
    sources = [path.relative_to(ROOT) for path in (ROOT / "bridge").rglob("*.py")]
    _, differing, missing = filecmp.cmpfiles(ROOT, COMPILED_TREE, map(str, sources), shallow=False)
    is_compiled = any((COMPILED_TREE / "bridge").rglob("*.so"))
    return None if is_compiled and not differing and not missing else "what is here is not compiled: make bench-peers"


def _aiomqtt(ports: Ports, _directory: Path) -> Sequence[str]:
    return [sys.executable, "-m", "benchmarks.peers.asyncio_aiomqtt", str(ports.terminals), str(ports.broker)]


def _no_aiomqtt() -> str | None:
    return None if importlib.util.find_spec("aiomqtt") else "aiomqtt is not installed: pip install 'qyzn-bridge[bench]'"


def _node(ports: Ports, _directory: Path) -> Sequence[str]:
    return ["node", str(NODE_PEER / "bridge.js"), str(ports.terminals), str(ports.broker)]


def _no_node() -> str | None:
    if shutil.which("node") is None:
        return "Node.js is not installed"
    return None if (NODE_PEER / "node_modules" / "mqtt").is_dir() else "mqtt.js is not installed: make bench-peers"


def _node_version() -> str:
    mqtt = json.loads((NODE_PEER / "node_modules" / "mqtt" / "package.json").read_text())["version"]
    return f"Node.js {_output('node', '--version').lstrip('v')}, mqtt.js {mqtt}"


def _c(ports: Ports, _directory: Path) -> Sequence[str]:
    return [str(C_PROGRAM), str(ports.terminals), str(ports.broker)]


def _no_c() -> str | None:
    """Builds it, when the source is newer."""
    if C_PROGRAM.exists() and C_PROGRAM.stat().st_mtime >= C_SOURCE.stat().st_mtime:
        return None
    if shutil.which("gcc") is None:
        return "gcc is not installed"
    C_PROGRAM.parent.mkdir(exist_ok=True)
    command = ["gcc", "-O2", "-o", str(C_PROGRAM), str(C_SOURCE), "-lmosquitto"]
    built = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own
    return None if built.returncode == 0 else f"it does not compile; libmosquitto-dev is needed: {built.stderr.splitlines()[0]}"


def _c_version() -> str:
    return f"{_output('gcc', '--version').splitlines()[0]}, -O2"


def _output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()  # noqa: S603 - as above


SYSTEMS = {
    each.name: each
    for each in (
        System(BRIDGE, "qyzn-bridge", _bridge, ready="qyzn-bridge ready", keeps=True, calm_s=ANNOUNCED_S),
        System(
            COMPILED, "qyzn-bridge, compiled", _compiled, ready="qyzn-bridge ready", missing=_not_compiled, keeps=True, calm_s=ANNOUNCED_S
        ),
        System(YARDSTICK, "asyncio + aiomqtt", _aiomqtt, missing=_no_aiomqtt, version=lambda: f"aiomqtt {version('aiomqtt')}"),
        System("node", "Node.js + mqtt.js", _node, missing=_no_node, version=_node_version),
        System("c", "C + libmosquitto", _c, missing=_no_c, version=_c_version),
    )
}
