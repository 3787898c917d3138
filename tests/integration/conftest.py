"""The bridge as a process, with a broker, terminals and MQTT clients around it; all end with the test.

Whatever a test does, the bridge exits with 0, and its output holds no traceback and nothing of what the terminals said of people.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bridge_process import Bridge, Program
from tests.integration.broker import LOOPBACK, BrokerSettings, StartMosquitto, free_port
from tests.integration.mqtt_watcher import MqttWatcher
from tests.integration.raw_terminal import JPEG, PERSON, RawTerminal

PRIVATE = [str(PERSON[name]) for name in ("personId", "faceId", "fullName", "idNum", "icNum")] + [base64.b64encode(JPEG)[40:80].decode()]
"""What must never stand in a log."""

StartBridge = Callable[..., Bridge]
ConnectTerminal = Callable[..., RawTerminal]
Watch = Callable[..., MqttWatcher]


@dataclass(frozen=True, slots=True)
class Setting:
    """A broker for a bridge: the bridge's --mqtt, the port where others find it, and the MQTT version that the bridge is to speak."""

    url: str
    port: int
    protocol: str

    @property
    def toml(self) -> str:
        return f'[mqtt]\nprotocol = "{self.protocol}"\n'


@pytest.fixture(params=["mosquitto, MQTT 5", "mosquitto, MQTT 3.1.1", "embedded, MQTT 5"])
def setting(request: pytest.FixtureRequest, start_mosquitto: StartMosquitto) -> Setting:
    """Each broker and version that the bridge has to get on with. The embedded one starts with the bridge."""
    where, _, protocol = request.param.partition(", MQTT ")
    if where == "embedded":
        port = free_port()
        return Setting(f"embedded://{LOOPBACK}:{port}", port, protocol)
    broker = start_mosquitto(BrokerSettings())
    return Setting(broker.url, broker.port, protocol)


@pytest.fixture
def embedded(mosquitto_path: str) -> Setting:
    """The broker that starts with the bridge, for what does not depend on the broker."""
    port = free_port()
    return Setting(f"embedded://{LOOPBACK}:{port}", port, "5")


@pytest.fixture
def start_bridge(tmp_path: Path, mosquitto_path: str) -> Iterator[StartBridge]:
    """Start bridges: `start_bridge(url, options…)` waits until it is ready unless `wait` is False. All share one state directory, as the
    runs of one installation do, unless `directory` says otherwise."""
    bridges: list[Bridge] = []

    def start(mqtt_url: str | None, *options: str, wait: bool = True, directory: Path = tmp_path / "bridge", **more: Any) -> Bridge:
        bridge = Bridge(directory, mqtt_url, options or ("--registration", "open"), **more)
        bridges.append(bridge)
        if wait:
            bridge.ready()
        return bridge

    yield start
    try:
        for bridge in bridges:
            bridge.stop()
            assert_discreet(bridge)
    finally:
        for bridge in bridges:
            if bridge.is_running:
                bridge.kill()


def assert_discreet(program: Program, *secrets: str) -> None:
    """No traceback in what it wrote, and nothing that concerns people, nor these secrets."""
    written = program.log + program.errors
    assert "Traceback" not in written, written
    told = [each for each in (*PRIVATE, *secrets) if each in written]
    assert not told, written


@pytest.fixture
def connect_terminal() -> Iterator[ConnectTerminal]:
    """Connect raw terminals."""
    terminals: list[RawTerminal] = []

    def connect(port: int, serial: str = "T0001", **more: Any) -> RawTerminal:
        terminals.append(RawTerminal(port, serial, **more))
        return terminals[-1]

    yield connect
    for terminal in terminals:
        terminal.close()


@pytest.fixture
def watch() -> Iterator[Watch]:
    """Connect MQTT clients."""
    watchers: list[MqttWatcher] = []

    def watch(port: int, protocol: str = "5", **more: Any) -> MqttWatcher:
        watchers.append(MqttWatcher(port, protocol, **more))
        return watchers[-1]

    yield watch
    for watcher in watchers:
        watcher.close()
