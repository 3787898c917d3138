"""A broker with the sample ACL, a bridge and a Node-RED for all tests, once with each version of MQTT; terminals of each test's own.

Node-RED must not warn of anything, whatever a test does, unless the test waits for it.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.homeassistant_real.home_assistant import until
from tests.integration.bridge_process import ROOT, Bridge
from tests.integration.broker import Broker, BrokerSettings
from tests.integration.mqtt_watcher import MqttWatcher
from tests.integration.raw_terminal import RawTerminal
from tests.nodered_real.node_red import USER, NodeRed

PROGRAM = "QYZN_NODE_RED"
PASSWORD = "correct-horse"
BRIDGE, ADMINISTRATOR = "qyzn-bridge", "administrator"
ACL = ROOT / "etc" / "mosquitto.acl"

if PROGRAM not in os.environ:
    collect_ignore_glob = ["test_*.py"]

CODES = """\
4711,Jane Doe,,2099-12-31
"a, ""b"" c",Somebody,2020-01-01,2099-12-31 18:00
early,Tomorrow,2099-01-01,2099-12-31
over,Yesterday,2020-01-01,2020-12-31 18:00
seconds,A spreadsheet's,2020-01-01 00:00:00,2099-12-31 18:00:00
endless,Always,,
"""
FLATS = """\
304,1001,token-1,
304,1002,,+4312345678
"""
_NUMBERS = itertools.count(1)


def program() -> Path:
    """The folder that scripts/install-nodered filled."""
    return Path(os.environ[PROGRAM]).absolute()


@dataclass
class Site:
    """What a test meets. The bridge lets everybody in."""

    broker: Broker
    bridge: Bridge
    node_red: NodeRed
    administrator: MqttWatcher
    impostor: MqttWatcher
    """Speaks as the bridge, to say what the bridge does not."""

    def answer_of(self, terminal: RawTerminal, message: str, data: Any, version: int = 2) -> dict[str, Any]:
        """What a terminal is told."""
        return terminal.answer_to(terminal.request(message, data, version=version))

    def scan(self, terminal: RawTerminal, content: str) -> bool:
        """Whether a code opens the door."""
        answer = self.answer_of(terminal, "qrcode_data", {"content": content})
        return bool(answer["data"]["opendoor"])

    def ring(self, terminal: RawTerminal, flat: str) -> dict[str, Any]:
        """What a terminal is told when somebody rings."""
        return self.answer_of(terminal, "device_call_param", {"callNo": flat, "callRequestId": "call-1"}, version=5)

    def start_node_red(self) -> None:
        """Return when it has read its lists, too."""
        self.node_red.start()
        terminal = RawTerminal(self.bridge.terminal_port, f"First{next(_NUMBERS)}").join()
        until(lambda: self.scan(terminal, "4711"), "the list of codes")
        until(lambda: self.ring(terminal, "304")["result"] == 0, "the list of flats")
        terminal.close()


@pytest.fixture(scope="session", params=["5", "3.1.1"])
def shared_site(request: pytest.FixtureRequest, mosquitto_path: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Lists are given to Node-RED when it runs already."""
    users = dict.fromkeys((BRIDGE, USER, ADMINISTRATOR), PASSWORD)
    broker = Broker(mosquitto_path, tmp_path_factory.mktemp("mosquitto"), BrokerSettings(users, general_lines=[f"acl_file {ACL}"]))
    directory = tmp_path_factory.mktemp("nodered")
    closing: list[Callable[[], object]] = [broker.stop]
    try:
        broker.start()
        toml = f'[mqtt]\nusername = "{BRIDGE}"\n'
        bridge = Bridge(tmp_path_factory.mktemp("bridge"), broker.url, toml=toml, environment={"QYZN_BRIDGE_MQTT_PASSWORD": PASSWORD})
        closing.append(bridge.stop)
        bridge.ready()
        administrator, impostor = (MqttWatcher(broker.port, user=(user, PASSWORD)) for user in (ADMINISTRATOR, BRIDGE))
        closing += [administrator.close, impostor.close]
        node_red = NodeRed(program(), directory, broker.port, PASSWORD, request.param)
        closing.append(node_red.kill)
        site = Site(broker, bridge, node_red, administrator, impostor)
        begin(site)
        yield site
        node_red.stop()
        assert node_red.complaints() == []
    finally:
        for close in reversed(closing):
            close()


def begin(site: Site) -> None:
    """Start Node-RED with nothing, and fill in what it begins."""
    site.node_red.start()
    for name, lines in (("qyzn-qrcodes.csv", CODES), ("qyzn-flats.csv", FLATS)):
        path = site.node_red.home / name
        until(lambda path=path: path.exists() and path.read_text().endswith("\n"), name)  # type: ignore[misc]
        with path.open("a") as file:
            file.write(lines)
    site.node_red.line_with("1 rows of")  # the endless one


@pytest.fixture
def site(shared_site: Site) -> Iterator[Site]:
    """Node-RED is not to have complained of anything when the test is over."""
    yield shared_site
    assert shared_site.node_red.complaints() == []


@pytest.fixture
def terminal(site: Site) -> Iterator[RawTerminal]:
    """One that has joined, with a serial of its own."""
    terminal = RawTerminal(site.bridge.terminal_port, f"T{next(_NUMBERS):04d}").join()
    yield terminal
    terminal.close()
