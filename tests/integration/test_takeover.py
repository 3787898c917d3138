"""A terminal whose connection has died connects again before the bridge has noticed: nothing is lost, and nothing is done twice."""

from __future__ import annotations

import base64
import itertools
import time
from contextlib import suppress
from pathlib import Path

import pytest

from tests.integration.bridge_process import Bridge
from tests.integration.broker import Broker
from tests.integration.conftest import ConnectTerminal, Site, StartBridge, Watch
from tests.integration.mqtt_watcher import MqttWatcher
from tests.integration.raw_terminal import PATIENCE_S, recognition

pytestmark = pytest.mark.integration

CLOSE_S = 5.0  # how long a connection that does not read may take to end

PICTURE = b"\xff\xd8\xff\xe0" + bytes(3_000_000) + b"\xff\xd9"
FACE = {"personId": "p1", "faceId": "f1", "image": base64.b64encode(PICTURE).decode()}
"""Five of them are more than the system takes for a connection that nobody reads from."""


def open_sockets(bridge: Bridge) -> int:
    return sum(path.readlink().name.startswith("socket:") for path in Path(f"/proc/{bridge.pid}/fd").iterdir())


def commands_of(serial: str, watcher: MqttWatcher) -> int:
    """How many commands for this terminal have reached the bridge."""
    transaction = f"h{next(_NUMBERS)}"
    watcher.publish("qyzn/bridge/request/health", {"transaction": transaction})
    health = watcher.first("qyzn/bridge/response/health", lambda seen: seen.json.get("transaction") == transaction).json["data"]
    count: int = health["terminals"][serial]["commands"]
    return count


_NUMBERS = itertools.count()


def test_a_record_that_was_not_answered_is_published_once_and_answered_on_the_new_connection(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    bridge = start_bridge(mosquitto.url)
    watcher = watch(mosquitto.port)
    old = connect_terminal(bridge.terminal_port).join()
    record = recognition()
    mosquitto.freeze()
    try:
        sequence = old.request("snapshot_face", record)
        assert old.hears_nothing()  # the broker does not have it yet
        new = connect_terminal(bridge.terminal_port, uuid=old.uuid, passwd=old.passwd)
        assert new.login()["result"] == 0
        new.request("snapshot_face", record, sequence=sequence)  # the same record again
    finally:
        mosquitto.thaw()
    assert new.answer_to(sequence)["result"] == 0
    assert new.hears_nothing()
    old.wait_until_closed()
    events = [seen for seen in watcher.messages if seen.topic.endswith("/recognition") and "/image/" not in seen.topic]
    assert [seen.topic for seen in events] == ["qyzn/T0001/event/recognition"]


def test_a_command_that_was_not_answered_has_failed_and_is_not_done_by_the_new_connection(
    site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str
) -> None:
    watcher = watch(site.mqtt_port)
    command, response = f"qyzn/{serial}/command/open_door", f"qyzn/{serial}/response/open_door"
    old = connect_terminal(site.terminal_port, serial).join()
    watcher.publish(command, {"transaction": "t1"})
    door = old.command()  # which it never answers
    new = connect_terminal(site.terminal_port, serial, uuid=old.uuid, passwd=old.passwd)
    assert new.login()["result"] == 0
    first = watcher.first(response).json
    assert (first["status"], first["code"], first["transaction"]) == ("error", "superseded", "t1")
    with suppress(ConnectionError):
        old.respond(door)  # it comes back to life, as a router may let it: that has no effect
    old.wait_until_closed()
    assert new.hears_nothing()  # the door command did not follow it
    watcher.publish(command, {"transaction": "t2"})
    new.respond(new.command())
    assert watcher.first(response, lambda seen: seen.json["transaction"] == "t2").json["status"] == "ok"
    assert len(watcher.on(response)) == 2
    assert [seen.payload for seen in watcher.on(f"qyzn/{serial}/availability")] == [b"online"]


def test_a_dead_connection_with_much_waiting_for_it_is_let_go(
    site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str
) -> None:
    old = connect_terminal(site.terminal_port, serial).join()
    watcher = watch(site.mqtt_port)
    for number in range(5):
        watcher.publish(f"qyzn/{serial}/command/add_face", {"data": FACE, "transaction": f"t{number}"})
    while commands_of(serial, watcher) < 5:  # what reaches the bridge later is for the new connection
        pass
    before = open_sockets(site.bridge)
    new = connect_terminal(site.terminal_port, serial, uuid=old.uuid, passwd=old.passwd)
    assert new.login()["result"] == 0
    new.heartbeat()
    deadline = time.monotonic() + CLOSE_S + PATIENCE_S
    while open_sockets(site.bridge) > before:
        assert time.monotonic() < deadline, "the old connection is still there"
        new.heartbeat()
    site.bridge.line_with(f"terminal {serial} joined from 127.0.0.1, in place of its older connection")
    response = f"qyzn/{serial}/response/add_face"
    watcher.wait(lambda: len(watcher.on(response)) >= 5, "a response to each command")
    responses = watcher.on(response)
    assert [(seen.json["code"], seen.json["transaction"]) for seen in responses] == [("superseded", f"t{number}") for number in range(5)]
