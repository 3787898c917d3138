"""One Home Assistant and one broker for all tests; bridges and terminals of each test's own, told apart by base topics and serials.

Home Assistant must not warn of anything that has to do with them, whatever a test does.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.homeassistant_real.home_assistant import HomeAssistant
from tests.homeassistant_real.house import House
from tests.homeassistant_real.phone import Phone
from tests.integration.broker import Broker
from tests.integration.mqtt_watcher import MqttWatcher

VENV = "QYZN_HOME_ASSISTANT"  # the virtual environment that scripts/install-homeassistant made

if VENV not in os.environ:
    collect_ignore_glob = ["test_*.py"]

_NUMBERS = itertools.count(1)


@pytest.fixture(scope="session")
def broker(mosquitto_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    broker = Broker(mosquitto_path, tmp_path_factory.mktemp("mosquitto"))
    broker.start()
    yield broker
    broker.stop()


@pytest.fixture(scope="session")
def phones() -> Iterator[list[Phone]]:
    """They stay on until Home Assistant has ended, which may have something to tell them until then."""
    phones: list[Phone] = []
    yield phones
    for phone in phones:
        phone.close()


@pytest.fixture(scope="session")
def shared_home(broker: Broker, phones: list[Phone], tmp_path_factory: pytest.TempPathFactory) -> Iterator[HomeAssistant]:
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
def phone(home: HomeAssistant, phones: list[Phone]) -> Phone:
    """A phone of this test's own."""
    phones.append(Phone(home, f"Phone {next(_NUMBERS)}"))
    return phones[-1]


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
