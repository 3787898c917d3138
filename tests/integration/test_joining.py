"""Terminals join, as the document's own frame does, under each policy."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.conftest import ConnectTerminal, Setting, Site, StartBridge, Watch
from tests.integration.mqtt_watcher import Seen
from tests.vectors import wire_bytes

pytestmark = pytest.mark.integration

SERIAL, MAC, SEQUENCE = "0a9310e7acc298d3", "0064871ECB01", 16  # what stands in the document's frame


def is_event(kind: str, serial: str) -> Callable[[Seen], bool]:
    """The bridge's event of this kind about this terminal."""
    return lambda seen: (seen.json["type"], seen.json["data"]["id"]) == (kind, serial)


def test_the_documents_own_register_is_answered(each_site: Site, connect_terminal: ConnectTerminal, watch: Watch) -> None:
    watcher = watch(each_site.mqtt_port, each_site.protocol)
    terminal = connect_terminal(each_site.terminal_port)
    terminal.send(wire_bytes("register-hg02"))
    answer = terminal.answer_to(SEQUENCE)
    assert (answer["result"], sorted(answer["data"])) == (0, ["passwd", "uuid"])
    assert len(answer["data"]["uuid"].encode()) <= 32
    assert len(answer["data"]["passwd"].encode()) <= 16
    assert watcher.first(f"qyzn/{SERIAL}/availability").payload == b"online"
    info = watcher.first(f"qyzn/{SERIAL}/info").json
    assert (info["id"], info["model"], info["mac"], info["protocol_version"]) == (SERIAL, "HG02", MAC, 3)
    assert watcher.first("qyzn/bridge/info").json["mqtt"]["version"] == each_site.protocol
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
    pending = watcher.first("qyzn/bridge/event", is_event("device_pending", SERIAL)).json["data"]
    assert pending["mac"] == MAC
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


def test_a_wrong_secret_is_refused_and_told(site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str) -> None:
    watcher = watch(site.mqtt_port)
    terminal = connect_terminal(site.terminal_port, serial).join()
    impostor = connect_terminal(site.terminal_port, serial, uuid=terminal.uuid, passwd="guessed")
    assert impostor.login()["result"] == 106
    event = watcher.first("qyzn/bridge/event", is_event("auth_failed", serial)).json["data"]
    assert event["kind"] == "bad_sign"
    terminal.heartbeat()


def test_who_has_not_identified_itself_has_no_effect(site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str) -> None:
    watcher = watch(site.mqtt_port)
    stranger = connect_terminal(site.terminal_port, serial)
    assert stranger.ask("snapshot_face", {"fullName": "nobody"})["result"] == 100
    stranger.join()
    watcher.first(f"qyzn/{serial}/availability")
    assert not [each for each in watcher.messages if each.topic.startswith(f"qyzn/{serial}/event")]


def test_who_says_nothing_is_not_waited_for(start_bridge: StartBridge, connect_terminal: ConnectTerminal, embedded: Setting) -> None:
    bridge = start_bridge(embedded.url, toml="[limits]\nlogin_s = 1\nsilence_s = 1\n")
    stranger = connect_terminal(bridge.terminal_port, "T0002")
    terminal = connect_terminal(bridge.terminal_port).join()
    stranger.wait_until_closed()
    terminal.wait_until_closed()
    bridge.line_with("terminal T0001 left: silent for 1 s")


def test_a_terminal_that_connects_again_takes_the_place_of_its_older_connection(
    site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str
) -> None:
    watcher = watch(site.mqtt_port)
    older = connect_terminal(site.terminal_port, serial).join()
    newer = connect_terminal(site.terminal_port, serial, uuid=older.uuid, passwd=older.passwd).join()
    older.wait_until_closed()
    watcher.publish(f"qyzn/{serial}/command/open_door")
    newer.respond(newer.command())
    assert watcher.first(f"qyzn/{serial}/response/open_door").json["status"] == "ok"
    watcher.first("qyzn/bridge/event", is_event("device_replaced", serial))
    assert [each.payload for each in watcher.on(f"qyzn/{serial}/availability")] == [b"online"]
