"""More than the broker takes: the bridge's memory stays within its bound, terminals are heard, and what was answered is delivered."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from tests.faults.conftest import Break
from tests.faults.ground import Ground
from tests.faults.memory import Gauge
from tests.faults.scale import SCALE
from tests.faults.tally import Tally
from tests.faults.terminal import Habits
from tests.integration.processes import needs_proc

pytestmark = [pytest.mark.faults, pytest.mark.timeout(300 + 4 * SCALE.seconds), needs_proc]

EAGER = Habits(every_s=(0.2, 0.6), picture_bytes=(50_000, 50_000), resend_s=20.0, most_kept=2)
BASE_MB = 120.0
PER_TERMINAL_MB = 0.2
"""The documented bound: the bridge with its queues full, and what a terminal that is sending a picture of 50 KB takes."""
BEAT_BOUND_S = 10.0


def away(ground: Ground) -> None:
    ground.broker.stop()
    ground.pause.wait(SCALE.seconds)
    ground.broker.start()


def slow(ground: Ground) -> None:
    """It works for a fifth of the time."""
    ends_at = time.monotonic() + SCALE.seconds
    while time.monotonic() < ends_at:
        ground.broker.freeze()
        ground.pause.wait(1.2)
        ground.broker.thaw()
        ground.pause.wait(0.3)


@pytest.mark.parametrize("name", ["away", "slow"])
def test_memory(make_ground: Break, enter: Callable[[Tally], None], note: Callable[[str], None], name: str) -> None:
    ground = make_ground(f"pressure/{name}")
    fleet = ground.populate(SCALE.crowd, EAGER)
    gauge = Gauge(ground.bridge.pid)
    gauge.start()
    ground.pause.wait(3.0)
    {"away": away, "slow": slow}[name](ground)
    tally = ground.reckon(f"broker {name}, {SCALE.crowd} terminals with 50 KB pictures", 1)
    peak_mb = gauge.stop()
    enter(tally)
    slowest = sorted(took_s for terminal in fleet.terminals for _, took_s in terminal.beats)
    note(
        f"broker {name}, {SCALE.crowd} terminals: memory {gauge.start_mb:.0f} MB at first, {peak_mb:.0f} MB at most;"
        f" heartbeats answered within {slowest[len(slowest) // 2] * 1000:.0f} ms (median), {slowest[-1] * 1000:.0f} ms (longest)"
    )
    assert tally.answered == tally.made > 0
    assert (tally.lost, tally.doubles, tally.disordered, tally.pictures, tally.late) == ([], 0, 0, 0, 0)
    assert peak_mb < BASE_MB + PER_TERMINAL_MB * SCALE.crowd
    assert slowest[-1] < BEAT_BOUND_S
