"""Terminals join, as the document's own frame does, under each policy."""

from __future__ import annotations

import pytest

from tests.integration.conftest import ConnectTerminal, Setting, StartBridge, Watch
from tests.integration.mqtt_watcher import Seen
from tests.vectors import wire_bytes

pytestmark = pytest.mark.integration

SERIAL, MAC, SEQUENCE = "0a9310e7acc298d3", "0064871ECB01", 16  # what stands in the document's frame


def is_event(kind: str, seen: Seen) -> bool:
    return bool(seen.json["type"] == kind)


def test_the_documents_own_register_is_answered(
    setting: Setting, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    bridge = start_bridge(setting.url, toml=setting.toml)
    watcher = watch(setting.port, setting.protocol)
    terminal = connect_terminal(bridge.terminal_port)
    terminal.send(wire_bytes("register-hg02"))
    answer = terminal.answer_to(SEQUENCE)
    assert (answer["result"], sorted(answer["data"])) == (0, ["passwd", "uuid"])
    assert len(answer["data"]["uuid"].encode()) <= 32
    assert len(answer["data"]["passwd"].encode()) <= 16
    assert watcher.first(f"qyzn/{SERIAL}/availability").payload == b"online"
    info = watcher.first(f"qyzn/{SERIAL}/info").json
    assert (info["id"], info["model"], info["mac"], info["protocol_version"]) == (SERIAL, "HG02", MAC, 3)
    assert watcher.first("qyzn/bridge/info").json["mqtt"]["version"] == setting.protocol
    terminal.heartbeat()


def test_a_frame_that_comes_byte_by_byte(start_bridge: StartBridge, connect_terminal: ConnectTerminal, embedded: Setting) -> None:
    bridge = start_bridge(embedded.url)
    terminal = connect_terminal(bridge.terminal_port)
    for byte in wire_bytes("register-hg02"):
        terminal.send(bytes([byte]))
    assert terminal.answer_to(SEQUENCE)["result"] == 0


def test_under_approve_it_waits_for_approval(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, embedded: Setting
) -> None:
    bridge = start_bridge(embedded.url, "--registration", "approve")
    watcher = watch(embedded.port, "3.1.1")
    terminal = connect_terminal(bridge.terminal_port, SERIAL, mac=MAC)
    answer = terminal.register()
    assert (answer["result"], answer["data"]) == (109, {"waitSeconds": 10})
    pending = watcher.first("qyzn/bridge/event", lambda seen: is_event("device_pending", seen)).json["data"]
    assert (pending["id"], pending["mac"]) == (SERIAL, MAC)
    (listed,) = watcher.first("qyzn/bridge/devices", lambda seen: len(seen.json) == 1).json
    assert (listed["id"], listed["status"], listed["online"]) == (SERIAL, "pending", False)

    watcher.publish("qyzn/bridge/request/device/approve", {"id": SERIAL, "transaction": "a1"})
    response = watcher.first("qyzn/bridge/response/device/approve").json
    assert response == {"status": "ok", "data": {"id": SERIAL, "status": "approved"}, "transaction": "a1"}
    assert terminal.register()["result"] == 0
    assert terminal.login()["result"] == 0
    watcher.first("qyzn/bridge/devices", lambda seen: [(each["status"], each["online"]) for each in seen.json] == [("approved", True)])


def test_a_registered_terminal_logs_in_again_after_the_bridge_was_restarted(
    setting: Setting, start_bridge: StartBridge, connect_terminal: ConnectTerminal
) -> None:
    bridge = start_bridge(setting.url, toml=setting.toml)
    terminal = connect_terminal(bridge.terminal_port).join()
    bridge.stop()
    again = start_bridge(setting.url, toml=setting.toml)
    assert connect_terminal(again.terminal_port, uuid=terminal.uuid, passwd=terminal.passwd).login()["result"] == 0


def test_a_wrong_secret_is_refused_and_told(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, embedded: Setting
) -> None:
    bridge = start_bridge(embedded.url)
    watcher = watch(embedded.port)
    terminal = connect_terminal(bridge.terminal_port).join()
    impostor = connect_terminal(bridge.terminal_port, uuid=terminal.uuid, passwd="guessed")
    assert impostor.login()["result"] == 106
    event = watcher.first("qyzn/bridge/event", lambda seen: is_event("auth_failed", seen)).json["data"]
    assert (event["id"], event["kind"]) == (terminal.serial, "bad_sign")
    terminal.heartbeat()


def test_who_has_not_identified_itself_has_no_effect(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, embedded: Setting
) -> None:
    bridge = start_bridge(embedded.url)
    watcher = watch(embedded.port)
    stranger = connect_terminal(bridge.terminal_port)
    assert stranger.ask("snapshot_face", {"fullName": "nobody"})["result"] == 100
    connect_terminal(bridge.terminal_port, "T0002").join()
    watcher.first("qyzn/T0002/availability")
    assert not [each for each in watcher.messages if "/event/" in each.topic]


def test_who_says_nothing_is_not_waited_for(start_bridge: StartBridge, connect_terminal: ConnectTerminal, embedded: Setting) -> None:
    bridge = start_bridge(embedded.url, toml="[limits]\nlogin_s = 0.3\nsilence_s = 0.6\n")
    stranger = connect_terminal(bridge.terminal_port, "T0002")
    terminal = connect_terminal(bridge.terminal_port).join()
    stranger.wait_until_closed()
    terminal.heartbeat()
    terminal.wait_until_closed()
    assert "terminal T0001 left: silent for 0.6 s" in bridge.log


def test_a_terminal_that_connects_again_takes_the_place_of_its_older_connection(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, embedded: Setting
) -> None:
    bridge = start_bridge(embedded.url)
    watcher = watch(embedded.port)
    older = connect_terminal(bridge.terminal_port).join()
    newer = connect_terminal(bridge.terminal_port, uuid=older.uuid, passwd=older.passwd).join()
    older.wait_until_closed()
    watcher.publish("qyzn/T0001/command/open_door")
    newer.respond(newer.command())
    assert watcher.first("qyzn/T0001/response/open_door").json["status"] == "ok"
    watcher.first("qyzn/bridge/event", lambda seen: is_event("device_replaced", seen))
    assert [each.payload for each in watcher.on("qyzn/T0001/availability")] == [b"online"]
