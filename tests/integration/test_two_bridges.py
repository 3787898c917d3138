"""Two bridges on one broker, which have nothing in common but that."""

from __future__ import annotations

from collections.abc import Callable
from itertools import dropwhile
from pathlib import Path

import pytest

from bridge.exits import MISCONFIGURED
from tests.integration.broker import Broker
from tests.integration.conftest import ConnectTerminal, StartBridge, Watch
from tests.integration.mqtt_watcher import MqttWatcher, Seen
from tests.integration.raw_terminal import recognition

pytestmark = pytest.mark.integration

OPEN = ("--registration", "open")
TERMINAL = "homeassistant/device/qyzn_T0001/config"


def announced(watcher: MqttWatcher) -> set[str]:
    """The ids of the devices that Home Assistant was told of."""
    return {each.topic.split("/")[2] for each in watcher.messages if each.topic.startswith("homeassistant/device/")}


def test_with_different_base_topics_they_leave_each_other_alone(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, tmp_path: Path
) -> None:
    watcher = watch(mosquitto.port)
    one = start_bridge(mosquitto.url, *OPEN, directory=tmp_path / "one")
    other = start_bridge(mosquitto.url, *OPEN, "--base-topic", "house/2", directory=tmp_path / "other")
    assert connect_terminal(one.terminal_port, "T0001").join().ask("snapshot_face", recognition())["result"] == 0
    assert connect_terminal(other.terminal_port, "T0002").join().ask("snapshot_face", recognition())["result"] == 0
    watcher.first("qyzn/T0001/event/recognition")
    watcher.first("house/2/T0002/event/recognition")
    assert [each.payload for each in watcher.on("qyzn/bridge/state")] == [b"online"]
    assert [each.payload for each in watcher.on("house/2/bridge/state")] == [b"online"]
    watcher.wait(lambda: len(announced(watcher)) == 4, "what each announces of itself and of its terminal")


def test_a_terminal_that_moves_is_left_to_the_bridge_that_it_moved_to(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, tmp_path: Path
) -> None:
    """There and back: whoever had it before neither announces it again nor takes it from Home Assistant."""
    watcher = watch(mosquitto.port)
    five = start_bridge(mosquitto.url, *OPEN, directory=tmp_path / "five", toml='[mqtt]\nprotocol = "5"\n')
    three = start_bridge(mosquitto.url, *OPEN, "--base-topic", "three", directory=tmp_path / "three", toml='[mqtt]\nprotocol = "3.1.1"\n')
    connect_terminal(five.terminal_port).join().close()
    watcher.first(TERMINAL, announced_by("qyzn"))
    for old, new, bridge in (("qyzn", "three", three), ("three", "qyzn", five)):
        watcher.messages.clear()
        terminal = connect_terminal(bridge.terminal_port).join()
        watcher.first(TERMINAL, announced_by(new))
        watcher.publish(f"{old}/bridge/request/rediscover")
        assert watcher.first(f"{old}/bridge/response/rediscover").json["data"] == {"terminals": 0}
        watcher.publish(f"{old}/bridge/request/device/remove", {"id": "T0001"})
        assert watcher.first(f"{old}/bridge/response/device/remove").json["status"] == "ok"
        since = list(dropwhile(lambda seen: not announced_by(new)(seen), watcher.on(TERMINAL)))  # noqa: B023 - used at once
        assert all(announced_by(new)(seen) for seen in since)
        terminal.close()


def announced_by(base: str) -> Callable[[Seen], bool]:
    return lambda seen: f'"{base}/bridge/state"'.encode() in seen.payload


def test_of_two_with_one_client_id_one_ends_for_good(mosquitto: Broker, start_bridge: StartBridge, tmp_path: Path, watch: Watch) -> None:
    """Started again by its supervisor, it would drive out the other."""
    bridges = [start_bridge(mosquitto.url, *OPEN, directory=tmp_path / name, wait=False) for name in ("one", "other")]
    watch(mosquitto.port).wait(lambda: not all(bridge.is_running for bridge in bridges), "the end of one")
    (loser,) = [bridge for bridge in bridges if not bridge.is_running]
    assert loser.exit_code() == MISCONFIGURED
    (line,) = loser.errors.splitlines()
    assert "another client uses the client id 'qyzn-bridge'" in line
