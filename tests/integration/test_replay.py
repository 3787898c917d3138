"""What is old lands on event_replay, whoever held it and whatever the clocks said meanwhile; what is new never does."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bridge_process import Program
from tests.integration.conftest import ConnectTerminal, Setting, Site, StartBridge, Watch
from tests.integration.raw_terminal import RawTerminal, recognition

pytestmark = pytest.mark.integration

HOUR = timedelta(hours=1)
DEVICE = "DEMO0001"


def seconds(event: Any) -> datetime:
    return datetime.fromisoformat(event["time"])


def sync_time(terminal: RawTerminal, ahead: timedelta) -> None:
    """Ask for the time, with a clock that is so far ahead."""
    now = datetime.now() + ahead  # noqa: DTZ005 - civil time, as terminals tell it
    assert terminal.ask("sync_time", {"timestamp": f"{now:%Y%m%d%H%M%S}{now.microsecond // 1000:03d}"})["result"] == 0


def made(ago: timedelta) -> dict[str, Any]:
    return recognition(snapPic=None, snaptime=f"{datetime.now() - ago:%Y-%m-%d %H:%M:%S}")  # noqa: DTZ005


def test_records_that_a_terminal_was_asked_to_send_again(
    start_bridge: StartBridge, embedded: Setting, watch: Watch, tmp_path: Path
) -> None:
    pytest.importorskip("PIL", reason="Pillow draws the pictures")
    bridge = start_bridge(embedded.url, toml="[events]\nreplay_after_s = 2\n")
    watcher = watch(embedded.port)
    options = ["--connect", f"tcp:127.0.0.1:{bridge.terminal_port}", "--every", "1", "--state-dir", str(tmp_path / "terminals")]
    simulator = Program(tmp_path, "qyzn-terminal", options)
    try:
        old = watcher.first(f"qyzn/{DEVICE}/event/recognition").json
        watcher.first(f"qyzn/{DEVICE}/event/recognition", lambda seen: seconds(seen.json) > seconds(old) + timedelta(seconds=3))
        start, end = (f"{seconds(old) + timedelta(seconds=each):%Y-%m-%d %H:%M:%S}" for each in (0, 1))
        watcher.publish(f"qyzn/{DEVICE}/command/reSend_record_set", {"recordType": 2, "snapStartTime": start, "snapEndTime": end})
        again = watcher.first(f"qyzn/{DEVICE}/event_replay/recognition", lambda seen: bool(seen.json["time"] == old["time"])).json
    finally:
        simulator.stop()
    assert (again["time"], again["person_id"], again["replay"]) == (old["time"], old["person_id"], True)
    assert again["age_s"] >= 3
    assert again["event_id"] != old["event_id"], "it is another report of the same moment"
    live = [each.json for each in watcher.on(f"qyzn/{DEVICE}/event/recognition")]
    assert len({each["sequence"] for each in live}) == len(live)
    assert all(each["sequence"] != again["sequence"] for each in live)


@pytest.mark.parametrize(
    ("was_ahead", "ago", "kind"),
    [
        (-HOUR, HOUR + timedelta(seconds=1), "event"),  # made a moment before the sync, by the clock as it was
        (-HOUR, timedelta(0), "event"),  # and since
        (-HOUR, 2 * HOUR, "event_replay"),
        (HOUR, -HOUR + timedelta(seconds=1), "event"),
        (HOUR, timedelta(0), "event"),
        (HOUR, timedelta(minutes=1), "event_replay"),
        (timedelta(0), timedelta(minutes=1), "event_replay"),
        (timedelta(0), HOUR, "event_replay"),
    ],
)
def test_a_clock_that_was_wrong(
    site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str, was_ahead: timedelta, ago: timedelta, kind: str
) -> None:
    watcher = watch(site.mqtt_port)
    terminal = connect_terminal(site.terminal_port, serial).join()
    sync_time(terminal, was_ahead)
    assert terminal.ask("snapshot_face", made(ago))["result"] == 0
    watcher.first(f"qyzn/{serial}/{kind}/recognition")


def test_a_terminal_that_never_sets_its_clock(site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str) -> None:
    watcher = watch(site.mqtt_port)
    terminal = connect_terminal(site.terminal_port, serial).join()
    for _ in range(2):
        sync_time(terminal, -HOUR)
    assert terminal.ask("snapshot_face", made(HOUR))["result"] == 0
    watcher.first(f"qyzn/{serial}/event/recognition")
    assert terminal.ask("snapshot_face", made(2 * HOUR))["result"] == 0
    assert watcher.first(f"qyzn/{serial}/event_replay/recognition").json["age_s"] == pytest.approx(3600, abs=5)
