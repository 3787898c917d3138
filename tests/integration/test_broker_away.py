"""The broker goes and comes; terminals stay, and nothing they were not answered for is lost."""

from __future__ import annotations

import os
import signal

import pytest

from tests.integration.bridge_process import messages
from tests.integration.broker import Broker, BrokerSettings, StartMosquitto
from tests.integration.conftest import ConnectTerminal, Setting, StartBridge, Watch
from tests.integration.mqtt_watcher import MqttWatcher
from tests.integration.processes import descendants, is_named, needs_proc
from tests.integration.raw_terminal import JPEG, recognition

pytestmark = pytest.mark.integration

EVENT, IMAGE = "qyzn/T0001/event/recognition", "qyzn/T0001/image/recognition"


def event_ids(watcher: MqttWatcher) -> list[str]:
    return [each.json["event_id"] for each in watcher.on(EVENT)]


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_broker_that_forgot_everything_is_told_again(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, protocol: str
) -> None:
    bridge = start_bridge(mosquitto.url, toml=f'[mqtt]\nprotocol = "{protocol}"\n')
    terminal = connect_terminal(bridge.terminal_port).join()
    mosquitto.stop()
    bridge.line_with("gone: ")
    mosquitto.start()
    watcher = watch(mosquitto.port)
    assert watcher.first("qyzn/bridge/state").payload == b"online"
    assert watcher.first("qyzn/bridge/info").json["mqtt"]["version"] == protocol
    assert watcher.first("qyzn/T0001/availability").payload == b"online"
    assert watcher.first("qyzn/T0001/info").json["id"] == "T0001"
    watcher.first("qyzn/bridge/devices", lambda seen: [each["online"] for each in seen.json] == [True])
    sequence = terminal.request("snapshot_face", recognition())
    assert terminal.answer_to(sequence)["result"] == 0
    assert watcher.first(IMAGE).payload == JPEG
    watcher.first(EVENT)
    watcher.publish("qyzn/T0001/command/open_door", {})
    terminal.respond(terminal.command())
    assert watcher.first("qyzn/T0001/response/open_door").json["status"] == "ok"
    assert len(event_ids(watcher)) == 1


def test_what_was_answered_while_the_broker_was_away_is_published_even_by_a_bridge_that_was_killed(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    bridge = start_bridge(mosquitto.url)
    terminal = connect_terminal(bridge.terminal_port).join()
    mosquitto.stop()
    bridge.line_with("gone: ")
    sequences = [terminal.request("snapshot_face", recognition()) for _ in range(3)]
    assert [terminal.answer_to(sequence)["result"] for sequence in sequences] == [0, 0, 0]
    bridge.kill()

    mosquitto.start()
    watcher = watch(mosquitto.port)
    start_bridge(mosquitto.url)
    watcher.first(EVENT, lambda seen: seen.json["sequence"] == sequences[-1])
    assert [each.json["sequence"] for each in watcher.on(EVENT)] == sequences
    assert [each.payload for each in watcher.on(IMAGE)] == [JPEG] * 3
    assert len(set(event_ids(watcher))) == 3


def test_a_copy_sent_to_the_next_bridge_is_published_once_with_what_the_last_one_kept(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    """The answer was lost with the bridge that had it on its disk."""
    bridge = start_bridge(mosquitto.url)
    terminal = connect_terminal(bridge.terminal_port).join()
    mosquitto.stop()
    bridge.line_with("gone: ")
    data = recognition()
    sequence = terminal.request("snapshot_face", data)
    assert terminal.answer_to(sequence)["result"] == 0
    bridge.kill()

    again = start_bridge(mosquitto.url)
    terminal = connect_terminal(again.terminal_port, uuid=terminal.uuid, passwd=terminal.passwd, sequence=sequence).join()
    terminal.request("snapshot_face", data, sequence=sequence)
    assert terminal.answer_to(sequence)["result"] == 0
    last = terminal.request("snapshot_face", recognition())
    assert terminal.answer_to(last)["result"] == 0
    mosquitto.start()
    watcher = watch(mosquitto.port)
    watcher.first(EVENT, lambda seen: seen.json["sequence"] == last)
    assert [each.json["sequence"] for each in watcher.on(EVENT)] == [sequence, last]


def test_what_the_broker_had_and_the_bridge_does_not_know_of_has_the_same_id_again(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    """The bridge dies between PUBLISH and PUBACK: consumers see the event twice, and can tell."""
    bridge = start_bridge(mosquitto.url)
    watcher = watch(mosquitto.port)
    terminal = connect_terminal(bridge.terminal_port).join()
    watcher.first(f"homeassistant/device/qyzn_{terminal.serial}/config")  # the last of a login: only the event follows
    mosquitto.freeze()
    data = recognition(snapPic=None)  # small: the broker gets it whole, although its PUBACK finds nobody
    sequence = terminal.request("snapshot_face", data)
    for _ in range(3):  # answered at once, and a PUBLISH is written in the next turn: by then it has been
        terminal.heartbeat()
    bridge.kill()
    mosquitto.thaw()
    watcher.first(EVENT)

    again = start_bridge(mosquitto.url)
    terminal = connect_terminal(again.terminal_port, uuid=terminal.uuid, passwd=terminal.passwd).join()
    terminal.request("snapshot_face", data, sequence=sequence)
    assert terminal.answer_to(sequence)["result"] == 0
    assert terminal.ask("snapshot_face", recognition(result=0))["result"] == 0
    watcher.first(EVENT, lambda seen: seen.json["event_type"] == "unmatched")
    first, same, other = event_ids(watcher)
    assert first == same != other


def test_a_bridge_that_is_there_before_its_broker(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    mosquitto.stop()
    bridge = start_bridge(mosquitto.url)
    assert "waiting for broker" in bridge.ready()
    terminal = connect_terminal(bridge.terminal_port).join()
    mosquitto.start()
    bridge.line_with(": connected, MQTT 5")
    watcher = watch(mosquitto.port)
    assert watcher.first("qyzn/T0001/availability").payload == b"online"
    assert terminal.ask("snapshot_face", recognition())["result"] == 0
    watcher.first(EVENT)
    away = [line for line in messages(bridge.log) if "next try" in line]
    assert len(away) == 1, "one line for one reason"


@needs_proc
def test_an_embedded_broker_that_dies_is_back(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, embedded: Setting
) -> None:
    bridge = start_bridge(embedded.url)
    terminal = connect_terminal(bridge.terminal_port).join()
    (mosquitto,) = [each for each in descendants(bridge.pid) if is_named(each, "mosquitto")]
    os.kill(mosquitto, signal.SIGKILL)
    bridge.line_with("gone: ")
    assert terminal.ask("snapshot_face", recognition())["result"] == 0, "the disk has it"
    bridge.line_with("connected, MQTT 5", 2)
    watcher = watch(embedded.port)
    assert watcher.first("qyzn/T0001/availability").payload == b"online"
    sequence = terminal.request("snapshot_face", recognition())
    assert terminal.answer_to(sequence)["result"] == 0
    watcher.first(EVENT, lambda seen: seen.json["sequence"] == sequence)


def test_a_picture_that_the_broker_would_not_take(
    start_mosquitto: StartMosquitto, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    broker = start_mosquitto(BrokerSettings(general_lines=["max_packet_size 20000"]))
    bridge = start_bridge(broker.url)
    watcher = watch(broker.port)
    assert connect_terminal(bridge.terminal_port).join().ask("snapshot_face", recognition())["result"] == 0
    event = watcher.first(EVENT).json
    assert event["image"] is None
    assert "over the limit" in event["image_error"]
