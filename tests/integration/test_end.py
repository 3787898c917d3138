"""The end: in order and in time after SIGTERM, and without leftovers after SIGKILL."""

from __future__ import annotations

import os
import signal
import socket
import time

import pytest

from tests.integration.bridge_process import STOP_S
from tests.integration.broker import LOOPBACK, Broker
from tests.integration.conftest import ConnectTerminal, Setting, StartBridge, Watch
from tests.integration.mqtt_watcher import MqttWatcher
from tests.integration.processes import descendants, is_alive, is_named, needs_proc
from tests.integration.raw_terminal import recognition

pytestmark = pytest.mark.integration

STATE = "qyzn/bridge/state"
NEVER_READY = """
from twisted.internet.defer import Deferred
from bridge.mqtt.embedded import EmbeddedBroker
EmbeddedBroker.ready = lambda self: Deferred()
"""


def is_listening(port: int) -> bool:
    try:
        socket.create_connection((LOOPBACK, port), timeout=1.0).close()
    except OSError:
        return False
    return True


def wait_for_end(processes: list[int]) -> None:
    """They are not this process's children, so that it can only look."""
    deadline = time.monotonic() + STOP_S
    while any(map(is_alive, processes)):
        assert time.monotonic() < deadline, f"still there: {[each for each in processes if is_alive(each)]}"
        time.sleep(0.02)  # noqa: TID251


def states(watcher: MqttWatcher) -> list[bytes]:
    return [each.payload for each in watcher.on(STATE)]


@pytest.mark.parametrize(("number", "protocol"), [(signal.SIGTERM, "5"), (signal.SIGINT, "3.1.1")])
def test_an_ordered_end(
    mosquitto: Broker,
    start_bridge: StartBridge,
    connect_terminal: ConnectTerminal,
    watch: Watch,
    number: signal.Signals,
    protocol: str,
) -> None:
    bridge = start_bridge(mosquitto.url, toml=f'[mqtt]\nprotocol = "{protocol}"\n')
    watcher = watch(mosquitto.port)
    terminal = connect_terminal(bridge.terminal_port).join()
    stranger = connect_terminal(bridge.terminal_port)
    bridge.signal(number)
    bridge.signal(number)  # an impatient operator
    assert bridge.exit_code(STOP_S) == 0
    terminal.wait_until_closed()
    stranger.wait_until_closed()
    watcher.first(STATE, lambda seen: seen.payload == b"offline")
    assert watch(mosquitto.port).first(STATE).payload == b"offline", "kept by the broker"
    assert states(watcher) == [b"online", b"offline"], "and once: no will came after it"
    assert not is_listening(bridge.terminal_port)
    assert bridge.errors == ""


def test_a_command_under_way_gets_its_one_response(
    setting: Setting, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    bridge = start_bridge(setting.url, toml=setting.toml)
    watcher = watch(setting.port)
    terminal = connect_terminal(bridge.terminal_port).join()
    watcher.publish("qyzn/T0001/command/open_door", {"transaction": "last"})
    terminal.command()
    bridge.stop()
    response = watcher.first("qyzn/T0001/response/open_door").json
    assert (response["status"], response["code"], response["transaction"]) == ("error", "superseded", "last")
    assert len(watcher.on("qyzn/T0001/response/open_door")) == 1
    watcher.first(STATE, lambda seen: seen.payload == b"offline")
    topics = [each.topic for each in watcher.messages]
    assert topics.index("qyzn/T0001/response/open_door") < len(topics) - 1 - topics[::-1].index(STATE), "before the goodbye"


def test_an_event_on_its_way_is_waited_for(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    bridge = start_bridge(mosquitto.url)
    watcher = watch(mosquitto.port)
    terminal = connect_terminal(bridge.terminal_port).join()
    mosquitto.freeze()
    sequence = terminal.request("snapshot_face", recognition())
    terminal.heartbeat()
    bridge.signal(signal.SIGTERM)
    bridge.line_with(f"Port {bridge.terminal_port} Closed")
    mosquitto.thaw()
    assert bridge.exit_code(STOP_S) == 0
    assert terminal.answer_to(sequence)["result"] == 0
    watcher.first("qyzn/T0001/event/recognition")
    assert states(watcher) == [b"online", b"offline"]


@needs_proc
def test_a_broker_that_does_not_answer_does_not_keep_it(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, embedded: Setting
) -> None:
    """The worst of ends: an event is waited for, then the goodbye, then the embedded broker, which does not heed SIGTERM either."""
    bridge = start_bridge(embedded.url)
    terminal = connect_terminal(bridge.terminal_port).join()
    started = descendants(bridge.pid)
    for each in started:
        if is_named(each, "mosquitto"):
            os.kill(each, signal.SIGSTOP)
    terminal.request("snapshot_face", recognition())
    terminal.heartbeat()
    bridge.signal(signal.SIGTERM)
    assert bridge.exit_code(STOP_S) == 0
    wait_for_end(started)


def test_an_end_while_the_broker_is_away(mosquitto: Broker, start_bridge: StartBridge) -> None:
    mosquitto.stop()
    bridge = start_bridge(mosquitto.url, wait=False)
    bridge.line_with("next try")
    bridge.stop()


@needs_proc
def test_an_end_in_the_middle_of_the_start(start_bridge: StartBridge, embedded: Setting) -> None:
    """While it waits for an embedded broker that takes its time."""
    bridge = start_bridge(embedded.url, wait=False, prelude=NEVER_READY)
    bridge.line_with("embedded broker listens")
    started = descendants(bridge.pid)
    bridge.stop()
    wait_for_end(started)
    assert bridge.errors == ""
    assert "qyzn-bridge ready" not in bridge.log


@needs_proc
def test_the_embedded_broker_ends_last_and_leaves_nothing(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, embedded: Setting
) -> None:
    bridge = start_bridge(embedded.url)
    watcher = watch(embedded.port)
    connect_terminal(bridge.terminal_port).join()
    started = descendants(bridge.pid)
    assert started
    bridge.stop()
    wait_for_end(started)
    assert not is_listening(embedded.port)
    watcher.first(STATE, lambda seen: seen.payload == b"offline")
    start_bridge(embedded.url)
    assert watch(embedded.port).first("qyzn/T0001/info").retain, "what was retained is there after a restart"


def test_the_will_speaks_for_a_bridge_that_was_killed(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    bridge = start_bridge(mosquitto.url)
    watcher = watch(mosquitto.port)
    connect_terminal(bridge.terminal_port).join()
    bridge.kill()
    assert watcher.first(STATE, lambda seen: seen.payload == b"offline").retain


@needs_proc
def test_a_killed_bridge_leaves_no_broker_behind_and_can_start_again(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, embedded: Setting
) -> None:
    bridge = start_bridge(embedded.url)
    terminal = connect_terminal(bridge.terminal_port).join()
    started = descendants(bridge.pid)
    bridge.kill()
    again = start_bridge(embedded.url)
    wait_for_end(started)
    assert connect_terminal(again.terminal_port, uuid=terminal.uuid, passwd=terminal.passwd).login()["result"] == 0
