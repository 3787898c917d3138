"""What Home Assistant makes of a terminal: entities that show how it is, and reach it."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from bridge.homeassistant import bridge_id
from bridge.mqtt.topics import Topics
from tests.homeassistant_real.home_assistant import until
from tests.homeassistant_real.house import House
from tests.integration.mqtt_watcher import MqttWatcher

Watch = Callable[[str], MqttWatcher]


def test_a_terminal_appears_with_everything_that_it_has(house: House) -> None:
    bridge = house.bridge()
    house.terminals(bridge)
    house.home.wait_for(house.id("number", "volume"), "7")
    shown = {entity_id: each["state"] for entity_id, each in house.entities().items()}
    assert len(shown) > 35
    assert not [entity_id for entity_id, state in shown.items() if state == "unavailable"]
    doorbell = house.home.state(house.id("event", "doorbell"))
    assert doorbell is not None
    assert doorbell["attributes"]["device_class"] == "doorbell"
    assert doorbell["attributes"]["friendly_name"] == f"{house.serial} Doorbell"
    opened = house.id("button", "open_door")
    assert house.home.device(opened, "via_device_id") == f"QYZN bridge {house.name}"
    assert (house.home.device(opened, "manufacturer"), house.home.device(opened, "serial_number")) == ("QYZN", house.serial)
    house.home.wait_for(house.id("binary_sensor", "connection"), "on")
    house.home.wait_for(house.id("sensor", "last_seen"), r"\d{4}-.*")
    house.home.wait_for(house.id("sensor", "address"), "127.0.0.1")


def test_states_follow_events(house: House, watch: Watch) -> None:
    watcher = watch(house.name)
    house.terminals(house.bridge(), "--every", "2", "--ring", "3", "--scan", "2")
    recognition = house.home.wait_for(house.id("event", "recognition"), r"\d{4}-.*")["attributes"]
    assert recognition["event_type"] in ("matched", "unmatched", "blacklisted", "expired", "outside_hours")
    assert recognition["device_id"] == house.serial
    assert house.home.wait_for(house.id("event", "doorbell"), r"\d{4}-.*")["attributes"]["event_type"] in ("ring", "missed", "answered")
    assert house.home.wait_for(house.id("event", "qrcode"), r"\d{4}-.*")["attributes"]["event_type"] == "scanned"
    house.home.wait_for(house.id("image", "recognition_image"), r"\d{4}-.*")
    house.home.wait_for(house.id("image", "call_image"), r"\d{4}-.*")
    picture = house.home.image(house.id("image", "recognition_image"))
    assert picture in [each.payload for each in watcher.on(f"{house.name}/{house.serial}/image/recognition")]


def test_the_button_opens_the_door_and_the_same_command_again_does_not(house: House, watch: Watch) -> None:
    watcher = watch(house.name)
    house.terminals(house.bridge())
    button = house.id("button", "open_door")
    house.home.wait_for(button, "unknown")
    house.home.call("button.press", button)
    response = watcher.first(f"{house.name}/{house.serial}/response/open_door").json
    assert (response["status"], response["attempts"]) == ("ok", 1)
    command = watcher.first(f"{house.name}/{house.serial}/command/open_door").json
    issued = datetime.fromisoformat(command["issued_at"])
    assert abs(datetime.now(UTC) - issued) < timedelta(seconds=10)

    topic = f"{house.name}/{house.serial}/command/open_door"
    watcher.publish(topic, command)
    watcher.publish(topic, command, retain=True)
    watcher.publish(topic, {**command, "transaction": "later", "issued_at": (issued - timedelta(seconds=11)).isoformat()})
    watcher.publish(topic, b"", retain=True)
    until(lambda: len(watcher.on(f"{house.name}/{house.serial}/response/open_door")) >= 4, "an answer to each")
    again, retained, late = (each.json for each in watcher.on(f"{house.name}/{house.serial}/response/open_door")[1:4])
    assert (again["duplicate"], again["sequence"]) == (True, response["sequence"])
    assert (retained["code"], late["code"]) == ("retained", "expired")


def test_what_is_set_there_is_set_at_the_terminal(house: House, watch: Watch) -> None:
    watcher = watch(house.name)
    house.terminals(house.bridge())
    home = house.home
    home.wait_for(house.id("number", "volume"), "7")
    home.call("number.set_value", house.id("number", "volume"), value=3)
    home.call("select.select_option", house.id("select", "door_opens_for"), option="face or card")
    home.call("switch.turn_on", house.id("switch", "strangers_may_pass"))
    home.call("text.set_value", house.id("text", "name_on_the_screen"), value='Tür "1" <b>')
    home.wait_for(house.id("number", "volume"), "3")
    home.wait_for(house.id("select", "door_opens_for"), "face or card")
    home.wait_for(house.id("switch", "strangers_may_pass"), "on")
    home.wait_for(house.id("text", "name_on_the_screen"), 'Tür "1" <b>')
    assert json.loads(watcher.on(f"{house.name}/{house.serial}/config/audioctl")[-1].payload) == {"level": 3}
    home.call("button.press", house.id("button", "snapshot"))
    home.wait_for(house.id("image", "snapshot_image"), r"\d{4}-.*")
    home.call("button.press", house.id("button", "restart"))
    assert watcher.first(f"{house.name}/{house.serial}/response/device_restart").json["status"] == "ok"


def test_how_many_people_a_terminal_knows_is_shown_as_long_as_it_is_sure(house: House, watch: Watch) -> None:
    watcher = watch(house.name)
    terminals = house.terminals(house.bridge())
    home, people, command = house.home, house.id("sensor", "people"), f"{house.name}/{house.serial}/command"
    shown = home.wait_for(people, "unknown")["attributes"]
    assert (shown["friendly_name"], shown["icon"]) == (f"{house.serial} People", "mdi:account-group")
    watcher.publish(f"{command}/sync_person", b"{}")
    answer = watcher.first(f"{house.name}/{house.serial}/response/sync_person").json
    home.wait_for(people, str(answer["data"]["person_num"]))
    watcher.publish(f"{command}/add_person", {"personId": "9001", "personCode": "9001", "name": "Jane", "type": 1})
    home.wait_for(people, "unknown")
    watcher.first(f"{house.name}/{house.serial}/response/add_person")  # a count beside a change would not be believed
    watcher.publish(f"{command}/clear_person", b"{}")
    home.wait_for(people, "0")
    terminals.stop()
    home.wait_for(people, "unavailable")


def test_the_switch_of_the_bridge_lets_terminals_in(house: House, watch: Watch) -> None:
    watcher = watch(house.name)
    house.bridge()
    device = bridge_id(Topics(house.name))
    switch = f"switch.{device}_permit_join"
    house.home.wait_for(switch, "off")
    house.home.wait_for(f"sensor.{device}_outbox", "0")  # at once, and not when the first minute is over
    house.home.call("switch.turn_on", switch)
    house.home.wait_for(switch, "on")
    assert watcher.first(f"{house.name}/bridge/response/permit_join").json["data"]["open"]
    house.home.call("switch.turn_off", switch)
    house.home.wait_for(switch, "off")


def test_what_is_there_on_demand(house: House, watch: Watch) -> None:
    watcher = watch(house.name)
    toml = 'language = "zh"\n[homeassistant]\nlock = true\ntags = true\nbody_temperature = true\n'
    house.terminals(house.bridge(toml), "--every", "1")
    home = house.home
    lock = house.id("lock", "lock")
    assert home.wait_for(lock, "locked")["attributes"]["friendly_name"] == f"{house.serial} 门锁"
    home.call("lock.lock", lock)
    assert watcher.first(f"{house.name}/{house.serial}/response/open_door").json["code"] == "expired"
    home.call("lock.unlock", lock)
    watcher.first(f"{house.name}/{house.serial}/response/open_door", lambda seen: bool(seen.json["status"] == "ok"))
    assert home.wait_for(lock, "locked")
    home.wait_for(house.id("event", "recognition"), r"\d{4}-.*")
    home.wait_for(house.id("sensor", "body_temperature"))
    home.wait_for(house.id("select", "fill_light"), "自动")
    home.call("select.select_option", house.id("select", "fill_light"), option="常灭")
    home.wait_for(house.id("select", "fill_light"), "常灭")
