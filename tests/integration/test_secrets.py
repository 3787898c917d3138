"""Passwords and secrets stay where they are kept: not in the log, on no topic, in no error, in nobody's arguments, in no file of others."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bridge_process import Bridge
from tests.integration.broker import LOOPBACK, Broker, BrokerSettings, StartMosquitto, free_port
from tests.integration.conftest import ConnectTerminal, StartBridge, Watch, assert_discreet
from tests.integration.mqtt_watcher import MqttWatcher
from tests.integration.processes import descendants, needs_proc
from tests.integration.raw_terminal import RawTerminal, recognition

pytestmark = pytest.mark.integration

USER, PASSWORD = "bridge", "k0rrekt-h0rse"
APP_SECRET, NEW_SECRET = "app-s3cret-1", "app-s3cret-2"
OPEN_TO_ALL = "import os; os.umask(0)\n"
PUSH: dict[str, Any] = {
    "groupKey": "HttpPush",
    "httpPushEnable": True,
    "httpServerAddr": "192.0.2.1",
    "httpServerAddrStandby": "",
    "httpServerPort": 80,
    "timeout": 3,
    "charcode": 0,
    "heartbeat_interval": 60,
    "private_protocol": 0,
    "sslenable": False,
    "sslport": 443,
    "appid": "app",
    "AuthSn": "",
    "appSecret": APP_SECRET,
}


@pytest.fixture
def broker(start_mosquitto: StartMosquitto) -> Broker:
    return start_mosquitto(BrokerSettings(users={USER: PASSWORD}))


def toml_string(value: object) -> str:
    return json.dumps(str(value))


def given(way: str, broker: Broker, tmp_path: Path) -> dict[str, Any]:
    """How a bridge is told the password, the ways that keep it out of its arguments."""
    url = broker.url.replace("mqtt://", f"mqtt://{USER}:{PASSWORD}@")
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    user = f"[mqtt]\nurl = {toml_string(broker.url)}\nusername = {toml_string(USER)}\n"
    ways: dict[str, dict[str, Any]] = {
        "environment": {"toml": user, "environment": {"QYZN_BRIDGE_MQTT_PASSWORD": PASSWORD}},
        "file": {"toml": user + f"password_file = {toml_string(tmp_path / 'password')}\n"},
        "URL in the environment": {"environment": {"QYZN_BRIDGE_MQTT_URL": url}},
        "URL in the configuration": {"toml": f"[mqtt]\nurl = {toml_string(url)}\n"},
    }
    return ways[way]


WAYS = ("environment", "file", "URL in the environment", "URL in the configuration")


def ask_for_secrets(watcher: MqttWatcher, terminal: RawTerminal) -> None:
    """Whatever a terminal's secret can be asked for with, set with, and be wrong with."""
    watcher.publish("qyzn/T0001/command/get_configs", {"groupKey": ["HttpPush"]})
    terminal.respond(terminal.command(), data=[PUSH])
    watcher.publish("qyzn/T0001/command/raw", {"message": "get_configs", "data": {"groupKey": ["HttpPush"]}})
    terminal.respond(terminal.command(), data=[{"HttpPush": PUSH}])
    watcher.publish("qyzn/T0001/config/HttpPush/set", {"appSecret": NEW_SECRET})
    change = terminal.command()
    assert change.body["data"]["HttpPush"]["appSecret"] == NEW_SECRET
    terminal.respond(change, 104, data=PUSH)
    terminal.respond(terminal.command(), data=[PUSH])
    for wrong in ({"appSecret": [NEW_SECRET]}, {"appSecret": NEW_SECRET * 100}, {"appSecret": NEW_SECRET, "url": 5}):
        watcher.publish("qyzn/T0001/config/HttpPush/set", wrong)
    watcher.wait(lambda: len(watcher.on("qyzn/T0001/response/config_system")) == 4, "four responses")
    assert len(watcher.on("qyzn/T0001/response/raw")) == 1
    watcher.publish("qyzn/bridge/request/health")
    watcher.first("qyzn/bridge/response/health")


def seen_by_all(watcher: MqttWatcher) -> str:
    """All that the bridge published, whatever of an MQTT message can be read; not what the test itself did."""
    told = [each for each in watcher.messages if not each.topic.endswith("/set") and "/command/" not in each.topic]
    return "\n".join(
        repr((each.topic, each.payload.decode("utf-8", "replace"), each.user_properties, each.correlation_data)) for each in told
    )


@needs_proc
@pytest.mark.parametrize("way", WAYS)
def test_no_secret_is_told(
    broker: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, tmp_path: Path, way: str
) -> None:
    how = given(way, broker, tmp_path)
    how["toml"] = "[commands]\nraw = true\n" + how.get("toml", "")
    bridge = start_bridge(None, **how)
    watcher = watch(broker.port, user=(USER, PASSWORD))
    terminal = connect_terminal(bridge.terminal_port).join()
    assert terminal.ask("snapshot_face", recognition())["result"] == 0
    impostor = connect_terminal(bridge.terminal_port, uuid=terminal.uuid, passwd="x" + terminal.passwd)
    assert impostor.login()["result"] == 106
    ask_for_secrets(watcher, terminal)

    secrets = (PASSWORD, terminal.passwd, APP_SECRET, NEW_SECRET)
    told = seen_by_all(watcher)
    assert "HttpPush" in told
    assert [each for each in secrets if each in told] == []
    assert_not_in_processes(bridge, secrets)
    bridge.stop()
    assert_discreet(bridge, *secrets)


def assert_not_in_processes(bridge: Bridge, secrets: tuple[str, ...]) -> None:
    """Not in anybody's arguments, and not in the environment of what the bridge started."""
    started = descendants(bridge.pid)
    texts = [Path(f"/proc/{pid}/cmdline").read_text() for pid in (bridge.pid, *started)]
    texts += [Path(f"/proc/{pid}/environ").read_text() for pid in started]
    assert [each for each in secrets if any(each in text for text in texts)] == []


@needs_proc
def test_the_embedded_broker_is_told_the_password_in_a_file_that_is_its_own(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    """Whatever mask the bridge was started with, nobody else can read what it keeps: while it runs, and afterwards."""
    port = free_port()
    environment = {"QYZN_BRIDGE_MQTT_URL": f"embedded://{USER}:{PASSWORD}@{LOOPBACK}:{port}"}
    bridge = start_bridge(None, environment=environment, prelude=OPEN_TO_ALL, toml='[outbox]\nmode = "always"\n')
    watcher = watch(port, user=(USER, PASSWORD))
    terminal = connect_terminal(bridge.terminal_port).join()
    assert terminal.ask("snapshot_face", recognition())["result"] == 0
    watcher.first("qyzn/T0001/event/recognition")
    assert len(descendants(bridge.pid)) == 2, "mosquitto and its watcher"
    assert_not_in_processes(bridge, (PASSWORD, terminal.passwd))
    state = bridge.directory / "state"
    names = {path.name for path in private_paths(state)}
    assert {"registry.sqlite3", "outbox.sqlite3", "lock", "passwords", "mosquitto.conf"} <= names
    bridge.stop()
    assert "mosquitto.db" in {path.name for path in private_paths(state)}
    kept = {path.name for path in state.rglob("*") if path.is_file() and PASSWORD.encode() in path.read_bytes()}
    assert kept == set(), "it is kept as a hash"
    assert_discreet(bridge, PASSWORD, terminal.passwd)


def private_paths(state: Path) -> Iterator[Path]:
    """Everything in the state directory, and itself: the owner's alone."""
    for path in (state, *state.rglob("*")):
        mode = stat.S_IMODE(path.lstat().st_mode)
        assert mode == (0o700 if path.is_dir() else 0o600), f"{path} has {mode:o}"
        yield path


@pytest.mark.parametrize(
    "toml",
    [
        f"[mqtt]\npassword = [{toml_string(PASSWORD)}]\n",
        f"[mqtt]\npassword = {toml_string(PASSWORD)}\n",  # and no user
        f"[mqtt]\nurl = {toml_string(f'mqtt://u:{PASSWORD}@')}\n",
        f"[mqtt]\nurl = {toml_string(f'mqtt://u:{PASSWORD}@host:port')}\n",
        f"[mqtt]\nurl = {toml_string(f'http://u:{PASSWORD}@host')}\n",
        f"[mqtt]\npasword = {toml_string(PASSWORD)}\n",
    ],
)
def test_no_error_quotes_a_secret(start_bridge: StartBridge, toml: str) -> None:
    bridge = start_bridge(None, toml=toml, wait=False)
    assert bridge.exit_code() == 78
    assert bridge.errors
    assert PASSWORD not in bridge.errors + bridge.log


def test_a_password_on_the_command_line_is_warned_of(broker: Broker, start_bridge: StartBridge) -> None:
    """It cannot be hidden there: every user of the machine sees it."""
    bridge = start_bridge(broker.url.replace("mqtt://", f"mqtt://{USER}:{PASSWORD}@"))
    line = bridge.line_with("command line")
    assert "QYZN_BRIDGE_MQTT_PASSWORD" in line
    assert PASSWORD not in bridge.log
