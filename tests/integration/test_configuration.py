"""A terminal's configuration over MQTT: read, kept retained, set in part and as a whole, with the bridge and the terminal as processes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bridge.catalogue.configuration import GROUPS
from tests.integration.bridge_process import Bridge, Program
from tests.integration.conftest import Setting, StartBridge, Watch, assert_discreet
from tests.integration.mqtt_watcher import MqttWatcher

pytestmark = pytest.mark.integration

Simulate = Callable[[Bridge], None]

DEMO = "qyzn/DEMO0001"
SECRET = GROUPS["HttpPush"].example["appSecret"]


@pytest.fixture
def simulate(tmp_path: Path) -> Iterator[Simulate]:
    """Run a simulated terminal, DEMO0001, for a bridge."""
    programs: list[Program] = []

    def run(bridge: Bridge) -> None:
        options = ["--connect", f"tcp:127.0.0.1:{bridge.terminal_port}", "--every", "0", "--state-dir", str(tmp_path / "terminals")]
        programs.append(Program(tmp_path, "qyzn-terminal", options))

    yield run
    for program in programs:
        program.stop()
        assert_discreet(program)


def config(watcher: MqttWatcher, group: str, wanted: dict[str, Any] | None = None) -> Any:
    """What is said of a group, once it is what is `wanted`."""
    return watcher.first(f"{DEMO}/config/{group}", lambda seen: wanted is None or seen.json == wanted).json


def test_read_at_login_and_set(setting: Setting, start_bridge: StartBridge, watch: Watch, simulate: Simulate) -> None:
    bridge = start_bridge(setting.url, toml=setting.toml)
    watcher = watch(setting.port, setting.protocol)
    simulate(bridge)
    before = {name: config(watcher, name) for name in GROUPS}
    assert before["audioctl"] == {"level": 7}
    assert before["HttpPush"]["appSecret"] == "***"

    watcher.publish(f"{DEMO}/config/audioctl/set", {"level": 3, "transaction": "t1"})
    assert watcher.first(f"{DEMO}/response/config_system").json["transaction"] == "t1"
    config(watcher, "audioctl", {"level": 3})
    watcher.publish(f"{DEMO}/config/HttpPush/set", before["HttpPush"] | {"timeout": 9})
    config(watcher, "HttpPush", before["HttpPush"] | {"timeout": 9})
    both = {"audioctl": {"level": 4}, "ledctl": {"mode": 0, "closeScreen": 10}}
    watcher.publish(f"{DEMO}/command/config_system", both)
    for name, values in both.items():
        config(watcher, name, values)

    watcher.publish(f"{DEMO}/command/get_configs", {"groupKey": ["audioctl", "HttpPush"]})
    audioctl, push = watcher.first(f"{DEMO}/response/get_configs").json["data"]
    assert audioctl == {"groupKey": "audioctl", "level": 4}
    assert push["appSecret"] == "***"
    assert not any(f'"{SECRET}"'.encode() in each.payload for each in watcher.messages), "it is never published"

    late = watch(setting.port, setting.protocol, topics=(f"{DEMO}/config/+",))
    assert config(late, "ledctl") == both["ledctl"]
    watcher.publish("qyzn/bridge/request/device/remove", {"id": "DEMO0001"})
    watcher.first("qyzn/bridge/response/device/remove")
    for name in GROUPS:
        watcher.first(f"{DEMO}/config/{name}", lambda seen: not seen.payload)


def test_many_changes_at_once_lose_nothing(embedded: Setting, start_bridge: StartBridge, watch: Watch, simulate: Simulate) -> None:
    bridge = start_bridge(embedded.url)
    watcher = watch(embedded.port)
    simulate(bridge)
    fields = {"SimilarThres": 11, "DetThres": 12, "LiveThres": 13, "LiveSwitch": 2, "Distance": 3, "safetyhatDecect": True}
    before = config(watcher, "vaparam")
    assert not before.items() & fields.items()
    for name, value in fields.items():
        watcher.publish(f"{DEMO}/config/vaparam/set", {name: value, "transaction": name})
    config(watcher, "vaparam", fields)
    responses = [each.json for each in watcher.on(f"{DEMO}/response/config_system")]
    assert [(each["status"], each["transaction"]) for each in responses] == [("ok", name) for name in fields]


def test_what_cannot_be_set_is_said(embedded: Setting, start_bridge: StartBridge, watch: Watch, simulate: Simulate) -> None:
    bridge = start_bridge(embedded.url)
    watcher = watch(embedded.port)
    simulate(bridge)
    config(watcher, "audioctl")
    cases = [("audioctl", {"level": 99}), ("version", {"appVer": "2"}), ("volume", {"level": 3}), ("audioctl", {"loudness": 3})]
    for group, payload in cases:
        watcher.publish(f"{DEMO}/config/{group}/set", payload)
    watcher.publish("qyzn/NOBODY/config/audioctl/set", {"level": 3})
    watcher.first("qyzn/NOBODY/response/config_system", lambda seen: seen.json["code"] == "device_unknown")
    responses = [each.json for each in watcher.on(f"{DEMO}/response/config_system")]
    assert [each["code"] for each in responses] == ["invalid"] * len(cases)
    for each, named in zip(responses, ("data.level", "version", "group", "data.loudness"), strict=True):
        assert named in each["error"]
