"""Hostile terminals against the bridge as a process: it neither grows nor keeps the others waiting, and says what happens in a few lines.

QYZN_HOSTILE_S makes each act last longer, as for a run of an hour.
"""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest

from tests.integration.bridge_process import Bridge
from tests.integration.conftest import ConnectTerminal, Setting, StartBridge, Watch
from tests.integration.hostile import ACTS, Act
from tests.integration.raw_terminal import RawTerminal, recognition

pytestmark = pytest.mark.integration

ACT_S = float(os.environ.get("QYZN_HOSTILE_S", "0.7"))
SERVED_WITHIN_S = (
    1.5  # for a heartbeat, and for an event that goes through the broker; milliseconds on a machine that has nothing else to do
)
MOST_GROWTH_BYTES = 32 * 1024 * 1024
MOST_LINES = 60
TOML = "[limits]\nconnections = 400\nconnections_per_address = 350\n"


def test_a_hostile_terminal_harms_nobody_else(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, embedded: Setting
) -> None:
    bridge = start_bridge(embedded.url, toml=TOML)
    watcher = watch(embedded.port, topics=("qyzn/bridge/#", "qyzn/GOOD/event/#"))
    good = connect_terminal(bridge.terminal_port, "GOOD").join()
    serve(good)
    before = resident_bytes(bridge)
    slowest = {act.__name__: served_during(act, bridge, good) for act in ACTS}
    assert max(slowest.values()) < SERVED_WITHIN_S, slowest
    growth = resident_bytes(bridge) - before
    assert growth < MOST_GROWTH_BYTES, f"{growth / 1e6:.1f} MB"
    connect_terminal(bridge.terminal_port, "LATER").join().heartbeat()
    lines = len(bridge.log.splitlines())
    assert lines < MOST_LINES + ACT_S, bridge.log
    told = [seen.json["type"] for seen in watcher.on("qyzn/bridge/event")]
    assert len(told) < MOST_LINES + ACT_S, told
    assert {"auth_failed", "protocol_error"} <= set(told)
    bridge.line_with("turned away: it has as many connections as limits.connections_per_address allows")
    bridge.line_with("terminal HOSTILE at 127.0.0.1 is too fast")
    print(f"slowest answers: {slowest}; {growth / 1e6:.1f} MB more; {lines} lines, {len(told)} events")  # noqa: T201


def served_during(act: Act, bridge: Bridge, terminal: RawTerminal) -> float:
    """Let it act, and meanwhile serve a terminal that means well. Returns the longest it was kept waiting, in seconds."""
    actor = threading.Thread(target=act, args=(bridge.terminal_port, time.monotonic() + ACT_S))
    actor.start()
    slowest = 0.0
    while actor.is_alive():
        slowest = max(slowest, serve(terminal))
        actor.join(0.02)
    return slowest


def serve(terminal: RawTerminal) -> float:
    """How long a heartbeat and an event with a picture take, in seconds."""
    started = time.monotonic()
    terminal.heartbeat()
    assert terminal.ask("snapshot_face", recognition())["result"] == 0
    return time.monotonic() - started


def resident_bytes(bridge: Bridge) -> int:
    return int(Path(f"/proc/{bridge.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
