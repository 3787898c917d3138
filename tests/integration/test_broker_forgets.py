"""With outbox.mode = "always": a broker that has forgotten what it acknowledged is told again, and one that has not is not."""

from __future__ import annotations

import signal

import pytest
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests.integration.bridge_process import Bridge
from tests.integration.broker import LOOPBACK, Broker
from tests.integration.conftest import ConnectTerminal, StartBridge, Watch
from tests.integration.mqtt_watcher import MqttWatcher, Seen
from tests.integration.raw_terminal import JPEG, RawTerminal, recognition

pytestmark = pytest.mark.integration

EVENT, IMAGE, CHECKPOINT = "qyzn/T0001/event/recognition", "qyzn/T0001/image/recognition", "qyzn/bridge/checkpoint"
ALWAYS = '[outbox]\nmode = "always"\n'


def report(terminal: RawTerminal, watcher: MqttWatcher) -> Seen:
    """A recognition, answered and seen."""
    sequence = terminal.request("snapshot_face", recognition())
    assert terminal.answer_to(sequence)["result"] == 0
    return watcher.first(EVENT, lambda seen: seen.json["sequence"] == sequence)


def sequences(watcher: MqttWatcher) -> list[int]:
    return [each.json["sequence"] for each in watcher.on(EVENT)]


def await_checkpoint(watcher: MqttWatcher, below: int) -> None:
    """Until the broker has been told that all events up to that number are acknowledged."""
    watcher.first(CHECKPOINT, lambda seen: seen.payload != b"" and seen.json["below"] == below)


def cut_off(broker: Broker, bridge: Bridge) -> None:
    """Take the bridge's place at the broker, and leave it again."""
    other = paho.Client(CallbackAPIVersion.VERSION2, "qyzn-bridge", protocol=MQTTProtocolVersion.MQTTv5)
    other.connect(LOOPBACK, broker.port)
    other.loop_start()
    bridge.line_with("gone: ")
    other.disconnect()
    other.loop_stop()
    other._reset_sockets()
    bridge.line_with(": connected", nth=2)


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_connection_that_was_lost_repeats_nothing(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, protocol: str
) -> None:
    bridge = start_bridge(mosquitto.url, toml=f'{ALWAYS}[mqtt]\nprotocol = "{protocol}"\n')
    terminal = connect_terminal(bridge.terminal_port).join()
    watcher = watch(mosquitto.port)
    report(terminal, watcher)
    report(terminal, watcher)
    await_checkpoint(watcher, 3)
    before = sequences(watcher)
    cut_off(mosquitto, bridge)
    last = report(terminal, watcher)
    assert sequences(watcher) == [*before, last.json["sequence"]]
    assert len(watcher.on(IMAGE)) == 3


def test_a_bridge_that_is_restarted_repeats_nothing(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    bridge = start_bridge(mosquitto.url, toml=ALWAYS)
    terminal = connect_terminal(bridge.terminal_port).join()
    watcher = watch(mosquitto.port)
    first = report(terminal, watcher)
    bridge.stop()
    bridge = start_bridge(mosquitto.url, toml=ALWAYS)
    last = report(connect_terminal(bridge.terminal_port, sequence=1000).join(), watcher)
    assert sequences(watcher) == [first.json["sequence"], last.json["sequence"]]


@pytest.mark.parametrize("is_bridge_killed", [False, True])
def test_a_broker_that_was_killed_is_told_again(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, *, is_bridge_killed: bool
) -> None:
    """It keeps nothing on its disk. The bridge stands still until somebody is there to see what it says."""
    bridge = start_bridge(mosquitto.url, toml=ALWAYS)
    terminal = connect_terminal(bridge.terminal_port).join()
    early = watch(mosquitto.port)
    first = [report(terminal, early) for _ in range(3)]
    await_checkpoint(early, 4)
    if is_bridge_killed:
        bridge.kill()
    else:
        bridge.signal(signal.SIGSTOP)
    mosquitto.kill()
    mosquitto.start()
    late = watch(mosquitto.port)
    if is_bridge_killed:
        bridge = start_bridge(mosquitto.url, toml=ALWAYS)
        terminal = connect_terminal(bridge.terminal_port, sequence=1000).join()
    else:
        bridge.signal(signal.SIGCONT)
    last = report(terminal, late)
    again = late.on(EVENT)[:3]
    assert [(each.json, each.user_properties) for each in again] == [(each.json, each.user_properties) for each in first]
    assert sequences(late) == [*(each.json["sequence"] for each in first), last.json["sequence"]]
    assert [each.payload for each in late.on(IMAGE)] == [JPEG] * 4
