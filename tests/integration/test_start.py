"""The start: what is wrong is one line on stderr and a non-zero exit, and the sample configuration is not wrong."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from bridge.exits import FAILED, MISCONFIGURED
from tests.integration.bridge_process import ROOT, Bridge
from tests.integration.broker import LOOPBACK, free_port
from tests.integration.conftest import ConnectTerminal, Setting, StartBridge, Watch

pytestmark = pytest.mark.integration

NO_MOSQUITTO = "from bridge.mqtt import mosquitto; mosquitto.USUAL_PLACES = ()\n"
APPROVE = ("--registration", "approve")


def embedded_url() -> str:
    return f"embedded://{LOOPBACK}:{free_port()}"


def assert_one_line(bridge: Bridge, *parts: str, code: int = MISCONFIGURED) -> None:
    """It ended with this code, after one line on stderr with all of this in it; no traceback, no usage."""
    assert bridge.exit_code() == code, bridge.log + bridge.errors
    lines = bridge.errors.splitlines()
    assert len(lines) == 1, bridge.errors
    assert lines[0].startswith("qyzn-bridge: ")
    missing = [part for part in parts if part not in lines[0]]
    assert not missing, lines[0]
    assert "Traceback" not in bridge.log, bridge.log
    assert "Usage" not in bridge.log, bridge.log


@pytest.mark.parametrize(
    ("options", "parts"),
    [
        (["--listen", "nonsense"], ["listen", "nonsense", "tcp:8899"]),
        (["--mqtt", "http://broker"], ["mqtt", "http://broker"]),
        (["--no-such-option"], ["command line", "no-such-option"]),
        (["--config", "nowhere.toml"], ["nowhere.toml", "No such file"]),
        (["--state-dir", "/dev/null/state"], ["/dev/null/state"]),
    ],
)
def test_a_wrong_option(start_bridge: StartBridge, options: list[str], parts: list[str]) -> None:
    assert_one_line(start_bridge(None, *options, wait=False), *parts)


@pytest.mark.parametrize(
    ("toml", "parts"),
    [
        ("[mqtt]\nkeepalive = 30\n", ["bridge.toml", "mqtt.keepalive", "keepalive_s"]),
        ("[limits]\nlogin_s = 'soon'\n", ["limits.login_s", "soon"]),
        ("listen = [\n", ["bridge.toml", "TOML"]),
    ],
)
def test_a_wrong_configuration(start_bridge: StartBridge, toml: str, parts: list[str]) -> None:
    assert_one_line(start_bridge(None, toml=toml, wait=False), *parts)


def test_a_configuration_that_may_not_be_read(start_bridge: StartBridge, tmp_path: Path) -> None:
    secret = tmp_path / "secret.toml"
    secret.write_text("")
    secret.chmod(0)
    if os.access(secret, os.R_OK):
        pytest.skip("this user may read everything")
    assert_one_line(start_bridge(None, "--config", str(secret), wait=False), "secret.toml", "Permission denied")


def test_a_misspelt_variable(start_bridge: StartBridge) -> None:
    bridge = start_bridge(None, wait=False, environment={"QYZN_BRIDGE_MQTT_PASWORD": "hush"})
    assert_one_line(bridge, "QYZN_BRIDGE_MQTT_PASWORD", "QYZN_BRIDGE_MQTT_PASSWORD")
    assert "hush" not in bridge.errors


def test_the_terminals_port_is_in_use(start_bridge: StartBridge) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        assert_one_line(
            start_bridge(embedded_url(), "--listen", f"tcp:{port}:interface={LOOPBACK}", wait=False), str(port), "in use", code=FAILED
        )


def test_the_embedded_brokers_port_is_in_use(start_bridge: StartBridge) -> None:
    with socket.create_server((LOOPBACK, 0)) as taken:
        port = taken.getsockname()[1]
        assert_one_line(start_bridge(f"embedded://{LOOPBACK}:{port}", wait=False), str(port), "in use", code=FAILED)


def test_an_embedded_broker_open_to_the_network_needs_a_password(start_bridge: StartBridge) -> None:
    assert_one_line(start_bridge(f"embedded://0.0.0.0:{free_port()}", wait=False), "a user and a password")


def test_no_mosquitto_on_the_machine(start_bridge: StartBridge, tmp_path: Path) -> None:
    bridge = start_bridge(embedded_url(), wait=False, environment={"PATH": str(tmp_path)}, prelude=NO_MOSQUITTO)
    assert_one_line(bridge, "mosquitto", "install", "--mqtt")


def test_a_state_directory_that_another_bridge_uses(start_bridge: StartBridge) -> None:
    first = start_bridge(embedded_url())
    assert_one_line(start_bridge(embedded_url(), wait=False), "state", str(first.directory / "state"))
    assert first.is_running


def test_the_sample_configuration_is_a_start(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, embedded: Setting
) -> None:
    """As it is, but for the ports and the directory, which are this test's own."""
    bridge = start_bridge(embedded.url, "--config", str(ROOT / "etc" / "qyzn-bridge.toml"))
    configuration = watch(embedded.port).first("qyzn/bridge/info").json["configuration"]
    assert configuration["registration"]["policy"] == "approve"
    assert connect_terminal(bridge.terminal_port).register()["result"] == 109


def test_several_bridges_on_one_broker(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, embedded: Setting, tmp_path: Path
) -> None:
    options = ("--registration", "open", "--instance")
    north = start_bridge(embedded.url, *options, "north")
    south = start_bridge(f"mqtt://{LOOPBACK}:{embedded.port}", *options, "south", directory=tmp_path / "south")
    watcher = watch(embedded.port)
    terminal = connect_terminal(south.terminal_port).join()
    assert watcher.first("qyzn/T0001/info").json["instance"] == "south"
    assert watcher.first("qyzn/bridge/north/state").payload == watcher.first("qyzn/bridge/south/state").payload == b"online"
    watcher.publish("qyzn/T0001/command/open_door")
    terminal.respond(terminal.command())
    watcher.first("qyzn/T0001/response/open_door")
    south.stop()
    watcher.first("qyzn/bridge/south/state", lambda seen: seen.payload == b"offline")
    assert [each.json["status"] for each in watcher.on("qyzn/T0001/response/open_door")] == ["ok"], "and no word from the other"
    assert north.is_running


def test_readiness_is_told_to_systemd(start_bridge: StartBridge, tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as supervisor:
        supervisor.bind(str(tmp_path / "notify"))
        supervisor.settimeout(10)
        bridge = start_bridge(embedded_url(), environment={"NOTIFY_SOCKET": str(tmp_path / "notify")})
        assert supervisor.recv(100) == b"READY=1"
        bridge.stop()
        assert supervisor.recv(100) == b"STOPPING=1"


def test_help_says_every_option(start_bridge: StartBridge) -> None:
    bridge = start_bridge(None, "--help", wait=False)
    assert bridge.exit_code() == 0
    for option in ("--config", "--listen", "--mqtt", "--base-topic", "--instance", "--registration", "--state-dir"):
        assert option in bridge.log
