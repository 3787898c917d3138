"""The bridge as a process, with a broker, terminals and MQTT clients around it; all end with the test.

Whatever a test does, the bridge exits with 0, and its output holds no traceback and nothing of what the terminals said of people.
"""

from __future__ import annotations

import base64
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bridge_process import Bridge, Program
from tests.integration.broker import LOOPBACK, Broker, BrokerSettings, StartMosquitto, free_port
from tests.integration.mqtt_watcher import MqttWatcher
from tests.integration.raw_terminal import JPEG, PERSON, RawTerminal

PRIVATE = [str(PERSON[name]) for name in ("personId", "faceId", "fullName", "idNum", "icNum")] + [base64.b64encode(JPEG)[40:80].decode()]
"""What must never stand in a log."""

StartBridge = Callable[..., Bridge]
ConnectTerminal = Callable[..., RawTerminal]
Watch = Callable[..., MqttWatcher]


BROKERS = ["mosquitto, MQTT 5", "mosquitto, MQTT 3.1.1", "embedded, MQTT 5"]
"""Each broker and version that the bridge has to get on with."""


@dataclass(frozen=True, slots=True)
class Setting:
    """A broker for a bridge: the bridge's --mqtt, the port where others find it, and the MQTT version that the bridge is to speak."""

    url: str
    port: int
    protocol: str

    @property
    def toml(self) -> str:
        return f'[mqtt]\nprotocol = "{self.protocol}"\n'


@dataclass(frozen=True, slots=True)
class Site:
    """A running bridge that lets everybody in: where terminals find it, and where MQTT clients do."""

    bridge: Bridge
    setting: Setting

    @property
    def terminal_port(self) -> int:
        return self.bridge.terminal_port

    @property
    def mqtt_port(self) -> int:
        return self.setting.port

    @property
    def protocol(self) -> str:
        return self.setting.protocol


OpenSite = Callable[[str], Site]


@pytest.fixture(scope="session")
def open_site(mosquitto_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[OpenSite]:
    """One site for each of BROKERS, started when first asked for and shared from then on, each test with a `serial` of its own."""
    sites: dict[str, Site] = {}
    brokers: list[Broker] = []

    def start_broker() -> Broker:
        brokers.append(Broker(mosquitto_path, tmp_path_factory.mktemp("mosquitto")))
        brokers[-1].start()
        return brokers[-1]

    def open_site(kind: str) -> Site:
        if kind not in sites:
            setting = _setting(kind, start_broker)
            bridge = Bridge(tmp_path_factory.mktemp("bridge"), setting.url, toml=setting.toml)
            sites[kind] = Site(bridge, setting)
            bridge.ready()
        return sites[kind]

    yield open_site
    try:
        for site in sites.values():
            site.bridge.stop()
            assert_discreet(site.bridge)
    finally:
        for site in sites.values():
            site.bridge.kill()
        for broker in brokers:
            broker.stop()


@pytest.fixture
def site(open_site: OpenSite) -> Site:
    """A shared site, for what does not depend on the broker."""
    return open_site("embedded, MQTT 5")


@pytest.fixture(params=BROKERS)
def each_site(request: pytest.FixtureRequest, open_site: OpenSite) -> Site:
    """A shared site for each of BROKERS."""
    return open_site(request.param)


@pytest.fixture
def serial() -> str:
    """A terminal that no other test uses."""
    return f"S{next(_NUMBERS):04d}"


_NUMBERS = itertools.count(1)


@pytest.fixture(params=BROKERS)
def setting(request: pytest.FixtureRequest, start_mosquitto: StartMosquitto) -> Setting:
    """Each of BROKERS for a bridge of the test's own. The embedded one starts with the bridge."""
    return _setting(request.param, lambda: start_mosquitto(BrokerSettings()))


def _setting(kind: str, start_broker: Callable[[], Broker]) -> Setting:
    where, _, protocol = kind.partition(", MQTT ")
    if where == "embedded":
        port = free_port()
        return Setting(f"embedded://{LOOPBACK}:{port}", port, protocol)
    broker = start_broker()
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
