"""Commands over MQTT reach the terminal and are answered once. That a stale one never acts stands in test_stale_commands.py."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bridge_process import Program
from tests.integration.conftest import ConnectTerminal, Setting, Site, StartBridge, Watch, assert_discreet
from tests.integration.raw_terminal import JPEG

pytestmark = pytest.mark.integration

OPEN_DOOR, DOOR_OPENED = "qyzn/T0001/command/open_door", "qyzn/T0001/response/open_door"
GET_CONFIGS, CONFIGS = "qyzn/T0001/command/get_configs", "qyzn/T0001/response/get_configs"
ONE_GROUP = {"groupKey": ["version"]}


def essence(response: dict[str, Any]) -> dict[str, Any]:
    """A response without what is different each time."""
    return {name: value for name, value in response.items() if name not in ("sequence", "elapsed_ms", "time", "error")}


def test_open_door_and_its_response(each_site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str) -> None:
    watcher = watch(each_site.mqtt_port)
    terminal = connect_terminal(each_site.terminal_port, serial).join()
    watcher.publish(
        f"qyzn/{serial}/command/open_door", {"transaction": "t1", "ttl": 5}, response_topic="my/answers", correlation_data=b"\x00c1"
    )
    command = terminal.command()
    assert (command.version, command.body) == (2, {"message": "open_door", "data": {}})
    terminal.respond(command)

    seen = watcher.first(f"qyzn/{serial}/response/open_door")
    ok = {"status": "ok", "command": "open_door", "device_id": serial, "transaction": "t1", "result": 0}
    assert essence(seen.json) == ok | {"description": "done", "attempts": 1}
    assert seen.json["sequence"] == command.sequence
    assert not seen.retain
    if each_site.protocol == "5":
        mine = watcher.first("my/answers")
        assert (mine.payload, mine.correlation_data, seen.correlation_data) == (seen.payload, b"\x00c1", b"\x00c1")
    watcher.publish(f"qyzn/{serial}/command/open_door", {"transaction": "t1", "ttl": 5})
    copy = watcher.first(f"qyzn/{serial}/response/open_door", lambda each: "duplicate" in each.json).json
    assert copy.pop("duplicate") is True
    assert copy == seen.json
    assert terminal.hears_nothing(), "the same transaction opens the door once"
    assert len(watcher.on(f"qyzn/{serial}/response/open_door")) == 2
    assert len(watcher.on("my/answers")) == (each_site.protocol == "5")


def test_a_client_without_mqtt_5(site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str) -> None:
    watcher = watch(site.mqtt_port, "3.1.1")
    terminal = connect_terminal(site.terminal_port, serial).join()
    watcher.publish(f"qyzn/{serial}/command/open_door")
    terminal.respond(terminal.command(), 104)
    response = essence(watcher.first(f"qyzn/{serial}/response/open_door").json)
    assert (response["status"], response["code"], response["result"]) == ("error", "device_error", 104)


def test_get_configs_and_a_picture(each_site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str) -> None:
    watcher = watch(each_site.mqtt_port, each_site.protocol)
    terminal = connect_terminal(each_site.terminal_port, serial).join()
    watcher.publish(f"qyzn/{serial}/command/get_configs", ONE_GROUP)
    command = terminal.command()
    assert command.body == {"message": "get_configs", "data": ONE_GROUP}
    groups = [{"groupKey": "version", "firmware": "V3"}]
    terminal.respond(command, data=groups, RspMsg="get_configs")
    assert watcher.first(f"qyzn/{serial}/response/get_configs").json["data"] == groups

    watcher.publish(f"qyzn/{serial}/command/snapshot_picture", {"data": {"timeoutSeconds": 5}})
    command = terminal.command()
    assert command.body == {"message": "snapshot_picture", "data": {"timeoutSeconds": 5}}
    terminal.respond(command, data={"image": base64.b64encode(JPEG).decode()})
    response = watcher.first(f"qyzn/{serial}/response/snapshot_picture").json
    assert (response["data"]["image"], response["data"]["image_bytes"]) == (f"qyzn/{serial}/image/snapshot", len(JPEG))
    assert watcher.first(f"qyzn/{serial}/image/snapshot").payload == JPEG


def test_what_cannot_be_done_is_said(start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, embedded: Setting) -> None:
    bridge = start_bridge(embedded.url, toml='[commands]\ndeny = ["get_configs"]\n')
    watcher = watch(embedded.port)
    terminal = connect_terminal(bridge.terminal_port).join()
    assert connect_terminal(bridge.terminal_port, "T0002").join().ask("logout", {})["result"] == 0
    cases: list[tuple[str, Any, str]] = [
        ("qyzn/T0009/command/open_door", {}, "device_unknown"),
        ("qyzn/T0002/command/open_door", {}, "device_offline"),
        ("qyzn/T0001/command/open_the_door", {}, "unknown_command"),
        ("qyzn/T0001/command/open_door", {"door": 1}, "invalid"),
        ("qyzn/T0001/command/open_door", "open sesame", "invalid"),
        ("qyzn/T0001/command/open_door", {"issued_at": "2020-01-01T00:00:00Z"}, "expired"),
        ("qyzn/T0001/command/snapshot_picture", {"timeoutSeconds": "soon"}, "invalid"),
        ("qyzn/T0001/command/get_configs", ONE_GROUP, "forbidden"),
    ]
    for topic, payload, _ in cases:
        watcher.publish(topic, payload)
    assert terminal.hears_nothing()
    watcher.first("qyzn/T0001/response/get_configs")
    responses = [each for each in watcher.messages if "/response/" in each.topic]
    assert sorted(each.topic for each in responses) == sorted(topic.replace("/command/", "/response/") for topic, *_ in cases)
    assert sorted(each.json["code"] for each in responses) == sorted(code for *_, code in cases)
    assert all(each.json["status"] == "error" and each.json["error"] for each in responses)


def test_the_simulated_terminal_opens_its_door(site: Site, watch: Watch, tmp_path: Path) -> None:
    watcher = watch(site.mqtt_port)
    options = ["--connect", f"tcp:127.0.0.1:{site.terminal_port}", "--every", "0", "--state-dir", str(tmp_path / "terminals")]
    simulator = Program(tmp_path, "qyzn-terminal", options)
    try:
        watcher.first("qyzn/DEMO0001/availability")
        watcher.publish("qyzn/DEMO0001/command/open_door")
        assert watcher.first("qyzn/DEMO0001/response/open_door").json["status"] == "ok"
        simulator.line_with("opens the door")
        watcher.publish("qyzn/DEMO0001/command/snapshot_picture", {"timeoutSeconds": 1})
        image = watcher.first("qyzn/DEMO0001/response/snapshot_picture").json["data"]["image"]
        assert watcher.first(image).payload.startswith(b"\xff\xd8\xff")
    finally:
        simulator.stop()
    assert_discreet(simulator)
    offline = watcher.first("qyzn/DEMO0001/availability", lambda seen: seen.payload == b"offline")
    assert offline.retain, "it logged out, so it is said at once"
