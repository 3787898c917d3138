"""One Home Assistant and one broker for all tests; bridges and terminals of each test's own, told apart by base topics and serials.

Home Assistant must not warn of anything that has to do with them, whatever a test does.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.homeassistant_real.home_assistant import HomeAssistant
from tests.integration.bridge_process import Bridge, Program
from tests.integration.broker import LOOPBACK, Broker
from tests.integration.mqtt_watcher import MqttWatcher

VENV = "QYZN_HOME_ASSISTANT"  # the virtual environment that scripts/install-homeassistant made

if VENV not in os.environ:
    collect_ignore_glob = ["test_*.py"]

_NUMBERS = itertools.count(1)


@dataclass
class House:
    """A bridge, its simulated terminals and an MQTT client, with a Home Assistant that other houses share."""

    home: HomeAssistant
    broker: Broker
    directory: Path
    name: str
    programs: list[Program] = field(default_factory=list)

    def bridge(self, toml: str = "", *options: str, state: str = "state", base_topic: str = "") -> Bridge:
        """Start a bridge of this house, and wait until it is ready."""
        every = ("--registration", "open", "--base-topic", base_topic or self.name, *options)
        bridge = Bridge(self.directory / state, self.broker.url, every, toml=toml)
        self.programs.append(bridge)
        bridge.ready()
        return bridge

    def terminals(self, bridge: Bridge, *options: str, count: int = 1, state: str = "terminals") -> Program:
        """Start simulated terminals of this house; the first is `serial`."""
        every = ("--connect", f"tcp:{LOOPBACK}:{bridge.terminal_port}", "--serial-prefix", self.name, "--count", str(count), "--every", "0")
        terminals = Program(self.directory, "qyzn-terminal", (*every, "--state-dir", str(self.directory / state), *options))
        self.programs.append(terminals)
        return terminals

    @property
    def serial(self) -> str:
        return f"{self.name}0001"

    def id(self, domain: str, key: str, serial: str | None = None) -> str:
        """An entity id of a terminal's."""
        return f"{domain}.qyzn_{(serial or self.serial).lower()}_{key}"

    def entities(self) -> dict[str, dict[str, Any]]:
        """All of the first terminal's."""
        return self.home.entities(f".qyzn_{self.serial.lower()}_")

    def stop(self) -> None:
        for program in reversed(self.programs):
            if program.is_running:
                program.stop()


@pytest.fixture(scope="session")
def broker(mosquitto_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(mosquitto_path, tmp_path_factory.mktemp("mosquitto"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def shared_home(broker: Broker, tmp_path_factory: pytest.TempPathFactory) -> Iterator[HomeAssistant]:
    home = HomeAssistant(Path(os.environ[VENV]).absolute(), tmp_path_factory.mktemp("homeassistant"))
    try:
        home.start()
        home.connect(broker.port)
        yield home
    finally:
        home.stop()


@pytest.fixture
def home(shared_home: HomeAssistant) -> Iterator[HomeAssistant]:
    """It is not to have complained of anything when the test is over."""
    yield shared_home
    assert shared_home.complaints() == []


@pytest.fixture
def house(home: HomeAssistant, broker: Broker, tmp_path: Path) -> Iterator[House]:
    house = House(home, broker, tmp_path, f"House{next(_NUMBERS)}")
    yield house
    house.stop()


@pytest.fixture
def watch(broker: Broker) -> Iterator[Callable[[str], MqttWatcher]]:
    """MQTT clients that see what is below a topic."""
    watchers: list[MqttWatcher] = []

    def watch(base_topic: str) -> MqttWatcher:
        watchers.append(MqttWatcher(broker.port, topics=(f"{base_topic}/#",)))
        return watchers[-1]

    yield watch
    for watcher in watchers:
        watcher.close()
