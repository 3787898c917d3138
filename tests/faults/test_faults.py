"""Whatever breaks, and whenever: what a terminal was told is safe reaches a subscriber that does not miss anything.

Real processes, real sockets. The seed is in the table at the end; with it the faults come in the same order and with the same pauses, but
not at the same byte.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.faults.conftest import Break
from tests.faults.ground import Ground
from tests.faults.scale import SCALE
from tests.faults.tally import Tally

pytestmark = [pytest.mark.faults, pytest.mark.timeout(120 + 4 * SCALE.seconds)]

DISK_MB = 16
BEAT_BOUND_S = 2.0
Enter = Callable[[Tally], None]
in_the_long_form = pytest.mark.skipif(not SCALE.is_long, reason="in the long form only")


def run(ground: Ground, name: str, fault: Callable[[], None], pauses_s: tuple[float, float] = (0.3, 2.0)) -> Tally:
    """Terminals at work while something breaks, again and again."""
    ground.populate(SCALE.terminals)
    ends_at, times = time.monotonic() + SCALE.seconds, 0
    while time.monotonic() < ends_at:
        ground.wait(*pauses_s)
        fault()
        times += 1
    return ground.reckon(name, times)


def nothing_lost(tally: Tally) -> None:
    assert tally.answered == tally.made > 0
    assert tally.lost == []
    assert (tally.doubles, tally.disordered, tally.pictures) == (0, 0, 0)


FAULTS: dict[str, Callable[[Ground], None]] = {
    "bridge killed (-9)": Ground.kill_bridge,
    "bridge killed (-9), broker frozen": Ground.kill_bridge_while_broker_frozen,
    "broker stopped and started": Ground.stop_broker,
    "broker frozen (SIGSTOP)": Ground.freeze_broker,
    "terminals' sockets cut": Ground.cut_sockets,
    "several at once": Ground.anything,
    "bridge's clock set": Ground.step_clock,
}
DELIVERS_LATE = {"broker frozen (SIGSTOP)", "bridge killed (-9), broker frozen", "several at once"}
"""What lies in a frozen broker's socket is out of the bridge's hands, and live when it thaws."""
KEEPS_BEATING = {"broker stopped and started", "broker frozen (SIGSTOP)", "bridge's clock set"}


@pytest.mark.parametrize("name", FAULTS)
def test_what_was_answered_is_seen(make_ground: Break, enter: Enter, name: str) -> None:
    ground = make_ground(name)
    tally = run(ground, name, lambda: FAULTS[name](ground))
    enter(tally)
    nothing_lost(tally)
    assert tally.late == 0 or name in DELIVERS_LATE
    assert tally.slowest_beat_s < BEAT_BOUND_S or name not in KEEPS_BEATING


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", path], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small disk cannot be mounted: that takes root")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


@pytest.mark.parametrize("mode", ["auto", pytest.param("always", marks=in_the_long_form)])
def test_what_was_answered_is_seen_although_the_disk_was_full(small_disk: Path, make_ground: Break, enter: Enter, mode: str) -> None:
    name = "disk full, broker away" + ("" if mode == "auto" else f", mode {mode}")
    ground = make_ground(name, state_dir=small_disk / "state", mode=mode)

    def fill_the_disk() -> None:
        ground.broker.stop()
        ground.wait(0.0, 2.0)
        with (small_disk / "others").open("wb") as others:
            try:
                while others.write(bytes(1 << 16)):
                    others.flush()
            except OSError:
                pass
        ground.wait(2.0, 4.0)
        if ground.random.random() < 0.5:
            (small_disk / "others").unlink()
            ground.wait(0.0, 3.0)
        ground.broker.start()
        ground.wait(1.0, 3.0)
        (small_disk / "others").unlink(missing_ok=True)

    tally = run(ground, name, fill_the_disk)
    enter(tally)
    nothing_lost(tally)
    assert tally.slowest_beat_s < BEAT_BOUND_S
    assert "the outbox cannot be written" in ground.bridge.log


KILLS_THE_BROKER: dict[str, Callable[[Ground], None]] = {
    "broker killed (-9)": Ground.kill_broker,
    "broker killed (-9), subscriber away": Ground.kill_broker_that_keeps_messages,
    "broker and bridge killed (-9)": Ground.kill_both,
    "several at once, broker killed (-9) among them": Ground.anything_with_a_killed_broker,
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=in_the_long_form) if name.startswith("several") else name for name in KILLS_THE_BROKER]
)
def test_what_a_killed_broker_forgets_is_published_again(make_ground: Break, enter: Enter, name: str) -> None:
    """mosquitto has acknowledged it and not saved it, which it does here once a second; the bridge has kept it."""
    ground = make_ground(f"{name}, always", mode="always")
    ground.await_save()
    tally = run(ground, f"{name}, mode always", lambda: KILLS_THE_BROKER[name](ground))
    enter(tally)
    nothing_lost(tally)
    assert ground.recorder.sessions_lost == 0


@in_the_long_form
@pytest.mark.parametrize("name", ["broker killed (-9)", "broker killed (-9), subscriber away"])
def test_what_a_killed_broker_takes_with_it(make_ground: Break, enter: Enter, name: str) -> None:
    """In the mode auto that is its own to keep, no promise of ours, and measured only. Nothing else goes wrong."""
    ground = make_ground(name)
    ground.await_save()
    tally = run(ground, f"{name}, mode auto", lambda: KILLS_THE_BROKER[name](ground))
    enter(tally)
    assert tally.answered == tally.made > 0
    assert tally.doubles == 0
