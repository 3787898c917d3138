"""Each command that there is, over a broker to a simulated terminal and back; a plain JPEG as a command; and a terminal's persons all at once."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bridge.catalogue import COMMANDS
from tests.integration.bridge_process import Program
from tests.integration.conftest import Site, Watch, assert_discreet
from tests.integration.mqtt_watcher import MqttWatcher, Seen

image_module = pytest.importorskip("PIL.Image", reason="Pillow draws the faces, and what the simulated terminal sees")
pytestmark = pytest.mark.integration

MANY = 50
NAME = "Zäzilie"
FIRMWARE = "SIM1 1.0.1"
QUICK_RESTART = "from bridge.simulator import acts_device; acts_device.RESTART_S = 0.3\n"
ALWAYS = {"passNum": 10} | dict.fromkeys(
    ["passMonday", "passTuesday", "passWednesday", "passThursday", "passFriday", "passSaturday", "passSunday"], True
)
WEEK = {day: {"mode": 1} for day in ("mon", "tue", "wed", "thu", "fri", "sat", "sun")}


def face(number: int) -> bytes:
    """A JPEG that can be decoded, another one for each number."""
    written = BytesIO()
    image_module.new("RGB", (64, 64), (number * 5 % 256, number // 51 * 40, 90)).save(written, "JPEG")
    return written.getvalue()


def person(number: int) -> dict[str, Any]:
    return {"personId": f"p{number}", "personCode": str(number), "name": f"{NAME} {number}", "type": 1}


def with_face(number: int) -> dict[str, Any]:
    image = base64.b64encode(face(number)).decode()
    return person(number) | ALWAYS | {"faces": [{"faceId": f"f{number}", "image": image}]}


class Case(NamedTuple):
    """What is sent, and what the `data` of the response has to be, where it has some to say."""

    sent: dict[str, Any]
    is_told: Callable[[Any], bool] = lambda _: True
    starts_anew: bool = False


EVERY: dict[str, Case] = {
    "add_person": Case(person(1)),
    "update_person": Case(person(1) | {"icNum": "12345678"}),
    "add_face": Case({"personId": "p1", "faceId": "f1", "image": base64.b64encode(face(1)).decode()}),
    "delete_face": Case({"personId": "p1", "faceId": "f1"}),
    "add_person_face": Case(with_face(2)),
    "sync_person": Case({}, lambda data: data == {"person_num": 2}),
    "delete_person": Case({"idSet": ["p1"]}, lambda data: data == {"deleted": ["p1"], "failed": []}),
    "clear_person": Case({}),
    "config_device_pass_rule": Case({"id": "1", "name": "always", "updateTime": "2024-01-01 08:00:00", "weekly": WEEK}),
    "config_system": Case({"audioctl": {"level": 4}}),
    "get_configs": Case({"groupKey": ["audioctl"]}, lambda data: data == [{"groupKey": "audioctl", "level": 4}]),
    "online_open_door": Case({"online": 1, "mode": 1}),
    "open_door": Case({}),
    "serial_output": Case({"index": 0, "content": "1234EF"}),
    "weigand_output": Case({"content": "1234EF"}),
    "snapshot_picture": Case({"timeoutSeconds": 1}, lambda data: data["image_bytes"] > 0),
    "swiping_card": Case({"timeOut": 10}, lambda data: bool(data["idNum"])),
    "reSend_record_set": Case({"recordType": 2, "snapStartTime": "2024-01-01 00:00:00", "snapEndTime": "2024-01-02 00:00:00"}),
    "record_clear": Case({}),
    "device_upgrade": Case({"url": "http://192.0.2.10/firmware.bin", "version": FIRMWARE, "check": 32 * "0"}, starts_anew=True),
    "device_restart": Case({}, starts_anew=True),
}
"""Each command, in an order in which all can be done."""


class Simulated:
    """A simulated terminal behind a bridge, and an MQTT client that sees what becomes of it."""

    def __init__(self, serial: str, watcher: MqttWatcher) -> None:
        self.serial = serial
        self.watcher = watcher
        self._sessions: set[str] = set()

    def topic(self, rest: str) -> str:
        return f"qyzn/{self.serial}/{rest}"

    def order(self, command: str, data: dict[str, Any], transaction: str) -> None:
        self.watcher.publish(self.topic(f"command/{command}"), {"data": data, "transaction": transaction})

    def response(self, command: str, transaction: str) -> Any:
        return self.watcher.first(self.topic(f"response/{command}"), lambda seen: seen.json["transaction"] == transaction).json

    def ask(self, command: str, data: dict[str, Any]) -> Any:
        """Once for each command: its name is the transaction."""
        self.order(command, data, command)
        return self.response(command, command)

    def logged_in(self) -> str:
        """Wait for a login that was not waited for yet. Returns the firmware that the terminal told."""

        def is_new(seen: Seen) -> bool:
            return bool(seen.json["firmware"]) and seen.json["session_since"] not in self._sessions

        info = self.watcher.first(self.topic("info"), is_new).json
        self._sessions.add(info["session_since"])
        return str(info["firmware"])

    def several(self, rest: str, count: int) -> list[Seen]:
        """All that came on a topic, once it is as many."""
        topic = self.topic(rest)
        self.watcher.wait(lambda: len(self.watcher.on(topic)) >= count, f"{count} on {topic}")
        return self.watcher.on(topic)


@pytest.fixture
def simulated(site: Site, watch: Watch, serial: str, tmp_path: Path) -> Iterator[Simulated]:
    """One that is logged in; nobody comes to its door."""
    watcher = watch(site.mqtt_port)
    prefix, number = serial[0], serial[1:]
    options = ["--connect", f"tcp:127.0.0.1:{site.terminal_port}", "--every", "0", "--serial-prefix", prefix, "--first", number]
    program = Program(tmp_path, "qyzn-terminal", [*options, "--state-dir", str(tmp_path / "terminals")], prelude=QUICK_RESTART)
    try:
        terminal = Simulated(serial, watcher)
        terminal.logged_in()
        yield terminal
    finally:
        program.stop()
    assert_discreet(program, NAME)
    assert_discreet(site.bridge, NAME)


def test_each_command_is_done(simulated: Simulated) -> None:
    assert sorted(EVERY) == sorted(COMMANDS), "each command has its case"
    for name, case in EVERY.items():
        response = simulated.ask(name, case.sent)
        assert (response["status"], response["command"], response.get("result")) == ("ok", name, 0), response
        assert case.is_told(response.get("data")), response
        if case.starts_anew:
            assert simulated.logged_in() == FIRMWARE, "it is back, with what the upgrade installed"


def test_a_plain_jpeg_becomes_a_face(simulated: Simulated) -> None:
    assert simulated.ask("add_person", person(1))["status"] == "ok"
    simulated.watcher.publish(simulated.topic("command/add_face/p1/f1"), face(1))
    response = simulated.several("response/add_face", 1)[0].json
    assert (response["status"], response["command"]) == ("ok", "add_face"), response
    assert simulated.ask("sync_person", {})["data"] == {"person_num": 1}
    event = simulated.several("event/person", 1)[0].json
    assert (event["person_id"], [each["face_id"] for each in event["faces"]]) == ("p1", ["f1"])
    assert [each.payload for each in simulated.several("image/person", 1)] == [face(1)]


def test_many_persons_come_back_with_their_faces(simulated: Simulated) -> None:
    people = {f"p{number}": hashlib.sha256(face(number)).hexdigest() for number in range(MANY)}
    assert len(set(people.values())) == MANY, "no two faces are the same"
    for number in range(MANY):
        simulated.order("add_person_face", with_face(number), str(number))
    added = [each.json for each in simulated.several("response/add_person_face", MANY)]
    assert {each["transaction"]: each["status"] for each in added} == {str(number): "ok" for number in range(MANY)}

    assert simulated.ask("sync_person", {})["data"] == {"person_num": MANY}
    events = [each.json for each in simulated.several("event/person", MANY)]
    pictures = simulated.several("image/person", MANY)
    assert sorted(each["person_id"] for each in events) == sorted(people)
    assert {each["person_id"]: each["faces"][0]["image_sha256"] for each in events} == people
    assert sorted(hashlib.sha256(each.payload).hexdigest() for each in pictures) == sorted(people.values())
    assert len(simulated.several("response/add_person_face", MANY)) == MANY, "one response each"
