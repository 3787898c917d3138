"""A stale command never acts: the contract's six rules, over a real broker. In each test the door would open if the rule were missing.

The times themselves are tried in memory, with a clock that stands still: tests/session/test_requests.py and tests/relay/test_commands.py.
"""

from __future__ import annotations

import signal
import socket
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.integration.broker import Broker, BrokerSettings, StartMosquitto
from tests.integration.conftest import ConnectTerminal, Site, StartBridge, Watch
from tests.integration.mqtt_watcher import MqttWatcher
from tests.integration.raw_terminal import JPEG, RawTerminal

pytestmark = pytest.mark.integration

OPEN_DOOR, DOOR_OPENED = "qyzn/T0001/command/open_door", "qyzn/T0001/response/open_door"
GET_CONFIGS, CONFIGS = "qyzn/T0001/command/get_configs", "qyzn/T0001/response/get_configs"
ONE_GROUP = {"groupKey": ["version"]}
QUICK_RESENDS = "from bridge.session import inflight; inflight.RESEND_S = 0.2\n"
SHORT_DOOR_TTL = "from bridge.catalogue import message; message.DOOR_TTL_S = 0.8\n"
LATE_S = 1.2
STOPPED_S = 2.2


def ago(seconds: float) -> str:
    return (datetime.now(UTC) - timedelta(seconds=seconds)).isoformat()


def let_pass(seconds: float) -> None:
    """For what must not come by then."""
    time.sleep(seconds)  # noqa: TID251 - it is the time that counts


def code_of(watcher: MqttWatcher, serial: str = "T0001") -> Any:
    """The code of the one response to open_door."""
    seen = watcher.first(f"qyzn/{serial}/response/open_door")
    assert len(watcher.on(seen.topic)) == 1
    return seen.json.get("code")


def again(port: int, terminal: RawTerminal, connect_terminal: ConnectTerminal) -> RawTerminal:
    """The same terminal on a new connection."""
    return connect_terminal(port, terminal.serial, uuid=terminal.uuid, passwd=terminal.passwd).join()


# 1. A retained command is refused.


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_retained_command_never_opens_the_door(
    start_mosquitto: StartMosquitto, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, protocol: str
) -> None:
    broker = start_mosquitto(BrokerSettings(persistence=True))
    watch(broker.port).publish(OPEN_DOOR, {}, retain=True)
    bridge = start_bridge(broker.url, toml=f'[mqtt]\nprotocol = "{protocol}"\n')
    terminal = connect_terminal(bridge.terminal_port).join()

    broker.stop()  # and again while the terminal is there
    broker.start()
    watcher = watch(broker.port)
    watcher.first("qyzn/bridge/state", lambda seen: seen.payload == b"online")
    assert watcher.first(OPEN_DOOR).retain, "it is still there"
    watcher.publish(GET_CONFIGS, ONE_GROUP)
    assert terminal.command().body["message"] == "get_configs"
    assert terminal.hears_nothing()
    if protocol == "5":
        assert watcher.on(DOOR_OPENED) == [], "the broker does not even send it"
    else:
        assert watcher.first(DOOR_OPENED).json["code"] == "retained"


def test_a_command_with_the_retain_flag_is_refused(site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str) -> None:
    watcher = watch(site.mqtt_port)
    terminal = connect_terminal(site.terminal_port, serial).join()
    watcher.publish(f"qyzn/{serial}/command/open_door", {"transaction": 7}, retain=True)
    response = watcher.first(f"qyzn/{serial}/response/open_door").json
    assert (response["code"], response["transaction"]) == ("retained", 7)
    assert terminal.hears_nothing()


# 2. The broker keeps no commands while the bridge is away.


@pytest.mark.parametrize(("end", "protocol"), [(signal.SIGTERM, "3.1.1"), (signal.SIGKILL, "5")])
def test_a_command_while_the_bridge_is_away_does_nothing_when_it_is_back(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, end: signal.Signals, protocol: str
) -> None:
    toml = f'[mqtt]\nprotocol = "{protocol}"\n'
    bridge = start_bridge(mosquitto.url, toml=toml)
    terminal = connect_terminal(bridge.terminal_port).join()
    bridge.signal(end)
    bridge.exit_code()
    watcher = watch(mosquitto.port)
    watcher.first("qyzn/bridge/state", lambda seen: seen.payload == b"offline")
    watcher.publish(OPEN_DOOR, {})

    again = start_bridge(mosquitto.url, toml=toml)
    terminal = connect_terminal(again.terminal_port, uuid=terminal.uuid, passwd=terminal.passwd).join()
    watcher.publish(GET_CONFIGS, ONE_GROUP)
    assert terminal.command().body["message"] == "get_configs"
    assert terminal.hears_nothing()
    assert watcher.on(DOOR_OPENED) == []


# 3. issued_at and ttl, and the message expiry, are checked on arrival and before each send; a door command has a ttl even if it says none.


@pytest.mark.parametrize("payload", [{"ttl": 2, "issued_at": 3}, {"issued_at": 11}], ids=["its own ttl", "the ttl of every door command"])
def test_a_command_that_was_issued_long_ago_is_expired(
    site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str, payload: dict[str, Any]
) -> None:
    watcher = watch(site.mqtt_port)
    terminal = connect_terminal(site.terminal_port, serial).join()
    watcher.publish(f"qyzn/{serial}/command/open_door", payload | {"issued_at": ago(payload["issued_at"])})
    assert code_of(watcher, serial) == "expired"
    assert terminal.hears_nothing()


def test_a_command_that_a_frozen_broker_held_back_is_expired(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    bridge = start_bridge(mosquitto.url)
    watcher = watch(mosquitto.port)
    terminal = connect_terminal(bridge.terminal_port).join()
    mosquitto.freeze()
    watcher.publish_later(OPEN_DOOR, {"issued_at": ago(0), "ttl": 1})
    let_pass(LATE_S)
    mosquitto.thaw()
    assert code_of(watcher) == "expired"
    assert terminal.hears_nothing()


def test_a_command_that_a_stopped_bridge_had_not_read_is_expired(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    """As with a machine that slept: the command says nothing of its age, and lay in a buffer of the system's."""
    bridge = start_bridge(mosquitto.url, prelude=SHORT_DOOR_TTL)
    watcher = watch(mosquitto.port)
    terminal = connect_terminal(bridge.terminal_port).join()
    bridge.signal(signal.SIGSTOP)
    watcher.publish(OPEN_DOOR)
    let_pass(STOPPED_S)
    bridge.signal(signal.SIGCONT)
    bridge.line_with("gone: the bridge was not running for")
    bridge.line_with("connected, MQTT 5", 2)
    assert terminal.hears_nothing()
    assert [each.json["code"] for each in watcher.on(DOOR_OPENED)] in ([], ["expired"]), "[]: it never read it"


@pytest.mark.parametrize("way", ["ttl", "message expiry", "the ttl of every door command"])
def test_a_terminal_that_is_busy_for_too_long_is_not_asked_any_more(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, way: str
) -> None:
    prelude = SHORT_DOOR_TTL if way == "the ttl of every door command" else ""
    bridge = start_bridge(mosquitto.url, prelude=prelude)
    watcher = watch(mosquitto.port)
    terminal = connect_terminal(bridge.terminal_port).join()
    watcher.publish(OPEN_DOOR, {"ttl": 0.8} if way == "ttl" else {}, expiry_s=1 if way == "message expiry" else None)
    for wait_s in (0.2, 1):  # the first is within its time
        terminal.respond(terminal.command(), 109, data={"waitSeconds": wait_s})
    let_pass(LATE_S)
    assert terminal.hears_nothing()
    response = watcher.first(DOOR_OPENED).json
    assert (response["code"], response["attempts"]) == ("busy", 2)


def with_little_room(connection: socket.socket) -> socket.socket:
    """A terminal's socket that takes no more than a few kilobytes unless it is read."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return connection


@pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="needs a kernel that gives up connections in time")
def test_a_door_command_that_the_terminal_cannot_be_given_in_time_never_reaches_it(
    site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str
) -> None:
    """TCP would keep it for as long as there is a connection. Here the terminal takes nothing more; it might as well be its network."""
    watcher = watch(site.mqtt_port)
    terminal = connect_terminal(site.terminal_port, serial, wrap=with_little_room).join()
    assert terminal.hears_nothing()
    watcher.publish(f"qyzn/{serial}/command/add_face/1/f1", JPEG)
    watcher.publish(f"qyzn/{serial}/command/open_door", {"ttl": 1})
    assert code_of(watcher, serial) == "superseded"
    with pytest.raises(AssertionError, match=r"closed the connection; unread: \[\]"):
        terminal.command()


# 4. A door command that gets no answer is not sent again.


def test_a_door_command_without_an_answer_is_not_sent_again(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    """The others are, which shows that there was time for it. What is done in 20 s otherwise is done in 0.2 s here."""
    bridge = start_bridge(mosquitto.url, prelude=QUICK_RESENDS, toml="[commands]\nraw = true\n")
    watcher = watch(mosquitto.port)
    terminal = connect_terminal(bridge.terminal_port).join()
    watcher.publish(OPEN_DOOR)
    watcher.publish("qyzn/T0001/command/raw", {"message": "open_the_gate"})
    watcher.publish(GET_CONFIGS, ONE_GROUP)
    heard = [terminal.command() for _ in range(3 + 3)]
    told = [(each.body["message"], each.sequence) for each in heard]
    assert [message for message, _ in told] == ["open_door", "open_the_gate", *["get_configs"] * 4]
    assert len({sequence for message, sequence in told if message == "get_configs"}) == 1
    assert terminal.hears_nothing()


# 5. The same transaction is not done again.


@pytest.mark.parametrize("ending", ["answered", "lost"])
def test_the_same_transaction_is_not_done_again_on_a_new_connection(
    site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str, ending: str
) -> None:
    watcher = watch(site.mqtt_port)
    terminal = connect_terminal(site.terminal_port, serial).join()
    for number in (1, 2, 3):
        watcher.publish(f"qyzn/{serial}/command/open_door", {"transaction": "t"})
        if number == 1:
            command = terminal.command()
            if ending == "answered":
                terminal.respond(command)
        elif number == 2:
            assert terminal.hears_nothing()
            terminal.close()
            terminal = again(site.terminal_port, terminal, connect_terminal)
    answers = f"qyzn/{serial}/response/open_door"
    watcher.wait(lambda: len(watcher.on(answers)) == 3, "three responses")
    assert terminal.hears_nothing()
    first, *copies = [each.json for each in watcher.on(answers)]
    assert first.get("code") == (None if ending == "answered" else "superseded")
    assert all(copy == first | {"duplicate": True} for copy in copies)


# 6. A command to a terminal that is away is answered at once, and never kept.


def test_a_command_to_a_terminal_that_is_away_is_not_kept_for_it(
    site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str
) -> None:
    watcher = watch(site.mqtt_port)
    terminal = connect_terminal(site.terminal_port, serial).join()
    assert terminal.ask("logout", {})["result"] == 0
    watcher.publish(f"qyzn/{serial}/command/open_door")
    assert code_of(watcher, serial) == "device_offline"
    assert again(site.terminal_port, terminal, connect_terminal).hears_nothing()


def test_what_a_lost_connection_was_asked_is_not_asked_of_the_next(
    site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str
) -> None:
    """The terminal has come back before the bridge knew that it was gone."""
    watcher = watch(site.mqtt_port)
    terminal = connect_terminal(site.terminal_port, serial).join()
    watcher.publish(f"qyzn/{serial}/command/open_door")
    terminal.command()
    successor = again(site.terminal_port, terminal, connect_terminal)
    assert code_of(watcher, serial) == "superseded"
    assert successor.hears_nothing()
