"""The log of an eventful evening: a person can read it, and learns nothing of people or secrets from it."""

from __future__ import annotations

import json

import pytest

from tests.integration.bridge_process import messages
from tests.integration.conftest import ConnectTerminal, Setting, StartBridge, Watch, assert_discreet
from tests.integration.mqtt_watcher import MqttWatcher
from tests.integration.raw_terminal import HEADER, PERSON, REQUEST, Frame, RawTerminal, recognition

pytestmark = pytest.mark.integration

COMMAND = "qyzn/T0001/command/"


def say_of_people(terminal: RawTerminal) -> None:
    """What a terminal says of people, right and in every wrong way."""
    assert terminal.ask("snapshot_face", recognition())["result"] == 0
    assert terminal.ask("snapshot_face", recognition(score=PERSON["fullName"], result=[PERSON["icNum"]]))["result"] in (0, 104)
    assert terminal.ask("person_edited", PERSON)["result"] == 0
    assert terminal.ask(str(PERSON["fullName"]), {})["result"] == 104
    broken = json.dumps({"message": "snapshot_face", "data": PERSON}, ensure_ascii=False).encode()[:-5]
    terminal.send(HEADER.pack(b"QYZN", 2, REQUEST, 1, 0, 0, 77, len(broken)) + broken)
    assert terminal.answer_to(77)["result"] == 104
    terminal.respond(Frame(2, REQUEST, 4711, None), data=PERSON)  # to a request that there never was


def ask_about_people(watcher: MqttWatcher, terminal: RawTerminal) -> None:
    """Commands that are wrong, and one that the terminal does not do."""
    watcher.publish(COMMAND + "open_door", {"name": PERSON["fullName"]})
    watcher.publish(COMMAND + "open_door", json.dumps(PERSON, ensure_ascii=False)[:-2])
    watcher.publish(COMMAND + "get_configs", {"groupKey": ["version"]})
    terminal.respond(terminal.command(), 104, data=PERSON, desc=PERSON["fullName"])
    watcher.first("qyzn/T0001/response/get_configs")


def test_what_is_logged_and_what_is_not(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, embedded: Setting
) -> None:
    bridge = start_bridge(embedded.url)
    terminal = connect_terminal(bridge.terminal_port).join()
    say_of_people(terminal)
    ask_about_people(watch(embedded.port), terminal)
    impostor = connect_terminal(bridge.terminal_port, uuid=terminal.uuid, passwd="guessed")
    assert impostor.login()["result"] == 106
    for stranger in (f"GET /{PERSON['icNum']} HTTP/1.1\r\n\r\n".encode(), HEADER.pack(b"QYZN", 2, REQUEST, 1, 0, 0, 1, 1 << 30)):
        connection = connect_terminal(bridge.terminal_port)
        connection.send(stranger)
        connection.wait_until_closed()
    assert terminal.ask("logout", {})["result"] == 0
    terminal.wait_until_closed()
    bridge.stop()

    assert_discreet(bridge, terminal.passwd, "guessed", "HTTP")
    lines = "\n".join(messages(bridge.log))
    for told in (
        f"broker {embedded.url}: connected, MQTT 5",
        "terminal T0001 joined from 127.0.0.1",
        "terminal T0001 left: it logged out",
        "terminal T0001 at 127.0.0.1 refused: its login has a wrong sign",
        "broke the protocol: not a QYZN frame: it starts with 0x474554",
        "broke the protocol: a frame of 1073741824 bytes is over the limit of 65536",
        "broke the protocol: unreadable body",
        "broke the protocol: an answer to no request",
    ):
        assert told in lines, f"{told!r} is not in:\n{lines}"
    assert bridge.errors == ""
