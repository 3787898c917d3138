"""A recognition becomes a picture and an event, and is answered when both are safe: not before, and not twice."""

from __future__ import annotations

import base64
import hashlib

import pytest

from tests.integration.broker import Broker
from tests.integration.conftest import ConnectTerminal, Setting, Site, StartBridge, Watch
from tests.integration.mqtt_watcher import MqttWatcher
from tests.integration.raw_terminal import JPEG, PERSON, recognition

pytestmark = pytest.mark.integration


def event_of(serial: str) -> str:
    return f"qyzn/{serial}/event/recognition"


def image_of(serial: str) -> str:
    return f"qyzn/{serial}/image/recognition"


def published(watcher: MqttWatcher, serial: str) -> list[str]:
    """The topics of the terminal's events and pictures, in the order in which they arrived."""
    return [each.topic for each in watcher.messages if each.topic in (event_of(serial), image_of(serial))]


def test_the_picture_arrives_first_and_both_say_the_same(
    each_site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str
) -> None:
    watcher = watch(each_site.mqtt_port, each_site.protocol)
    terminal = connect_terminal(each_site.terminal_port, serial).join()
    data = recognition()
    answer = terminal.ask("snapshot_face", data)
    assert (answer["result"], answer["data"]) == (0, {"snaptime": data["snaptime"]})

    seen = watcher.first(event_of(serial))
    event = seen.json
    assert published(watcher, serial) == [image_of(serial), event_of(serial)]
    picture = watcher.first(image_of(serial))
    assert picture.payload == JPEG
    assert not picture.retain
    assert not seen.retain
    assert (event["image"], event["image_bytes"], event["image_sha256"]) == (image_of(serial), len(JPEG), hashlib.sha256(JPEG).hexdigest())
    assert (event["event_type"], event["device_id"], event["replay"], event["sequence"]) == ("matched", serial, False, terminal.sequence)
    assert (event["person_name"], event["card_number"], event["id_number"]) == (PERSON["fullName"], PERSON["icNum"], PERSON["idNum"])
    assert event["body_temperature"] == 36.7
    assert event["time"].startswith(data["snaptime"].replace(" ", "T"))
    if each_site.protocol == "5":
        assert picture.user_properties["event_id"] == seen.user_properties["event_id"] == event["event_id"]
        assert (picture.content_type, seen.content_type) == ("image/jpeg", "application/json")


def test_nothing_of_it_is_kept_by_the_broker(site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str) -> None:
    assert connect_terminal(site.terminal_port, serial).join().ask("snapshot_face", recognition())["result"] == 0
    later = watch(site.mqtt_port)
    later.first(f"qyzn/{serial}/availability")
    assert published(later, serial) == []


def test_no_answer_before_the_broker_has_acknowledged(
    mosquitto: Broker, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, serial: str
) -> None:
    bridge = start_bridge(mosquitto.url)
    watcher = watch(mosquitto.port)
    terminal = connect_terminal(bridge.terminal_port, serial).join()
    mosquitto.freeze()
    data = recognition()
    sequence = terminal.request("snapshot_face", data)
    terminal.request("snapshot_face", data, sequence=sequence)  # it has waited for long
    terminal.heartbeat()  # the bridge has read both, and is well
    assert terminal.hears_nothing()

    mosquitto.thaw()
    assert terminal.answer_to(sequence)["result"] == 0
    terminal.request("snapshot_face", data, sequence=sequence)
    assert terminal.answer_to(sequence)["result"] == 0
    watcher.first(event_of(serial))
    assert published(watcher, serial) == [image_of(serial), event_of(serial)], "three copies, one event"


def test_a_copy_is_answered_again_and_published_once(each_site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str) -> None:
    watcher = watch(each_site.mqtt_port, each_site.protocol)
    terminal = connect_terminal(each_site.terminal_port, serial).join()
    data = recognition()
    sequence = terminal.request("snapshot_face", data)
    first = terminal.answer_to(sequence)
    again = connect_terminal(each_site.terminal_port, serial, uuid=terminal.uuid, passwd=terminal.passwd, sequence=sequence).join()
    again.request("snapshot_face", data, sequence=sequence)
    assert again.answer_to(sequence) == first
    assert again.ask("snapshot_face", recognition(result=0, fullName="a stranger"))["result"] == 0
    watcher.first(event_of(serial), lambda seen: seen.json["event_type"] == "unmatched")
    assert published(watcher, serial) == [image_of(serial), event_of(serial), image_of(serial), event_of(serial)]


def test_a_picture_as_sloppy_terminals_send_it(site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str) -> None:
    watcher = watch(site.mqtt_port)
    terminal = connect_terminal(site.terminal_port, serial).join()
    sloppy = "data:image/jpeg;base64," + base64.encodebytes(JPEG).decode().rstrip("=\n")
    assert terminal.ask("snapshot_face", recognition(snapPic=sloppy))["result"] == 0
    assert watcher.first(image_of(serial)).payload == JPEG


def test_an_event_without_a_picture(site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str) -> None:
    watcher = watch(site.mqtt_port)
    terminal = connect_terminal(site.terminal_port, serial).join()
    for absent in (None, "", "no base64!"):
        assert terminal.ask("snapshot_face", recognition(snapPic=absent))["result"] == 0
        event = watcher.first(event_of(serial), lambda seen: seen.json["sequence"] == terminal.sequence).json
        assert (event["image"], event["image_bytes"]) == (None, None)
    assert published(watcher, serial) == [event_of(serial)] * 3


def test_an_old_record_and_a_message_newer_than_the_catalogue(
    site: Site, connect_terminal: ConnectTerminal, watch: Watch, serial: str
) -> None:
    watcher = watch(site.mqtt_port)
    terminal = connect_terminal(site.terminal_port, serial).join()
    assert terminal.ask("snapshot_face", recognition(snaptime="2019-08-02 15:42:48"))["result"] == 0
    old = watcher.first(f"qyzn/{serial}/event_replay/recognition").json
    assert (old["replay"], old["time"][:19]) == (True, "2019-08-02T15:42:48")
    assert terminal.ask("gate_state", {"gate": "ajar"})["result"] == 0
    news = watcher.first(f"qyzn/{serial}/event/gate_state").json
    assert (news["event_type"], news["extra"]) == ("gate_state", {"gate": "ajar"})
    assert event_of(serial) not in published(watcher, serial)


def test_what_the_configuration_keeps_back(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch, embedded: Setting, serial: str
) -> None:
    toml = f'[images]\npublish = "inline"\n[privacy]\nomit = ["id_number", "person_name"]\n[devices.{serial}]\nname = "Front door"\n'
    bridge = start_bridge(embedded.url, toml=toml)
    watcher = watch(embedded.port)
    assert connect_terminal(bridge.terminal_port, serial).join().ask("snapshot_face", recognition())["result"] == 0
    event = watcher.first(event_of(serial)).json
    assert event["device_name"] == "Front door"
    assert base64.b64decode(event["image_base64"]) == JPEG
    assert not {"id_number", "person_name"} & event.keys()
    assert published(watcher, serial) == [event_of(serial)]
