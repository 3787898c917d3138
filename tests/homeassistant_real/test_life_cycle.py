"""What becomes of a terminal's entities over time: names, removals, restarts, and other bridges."""

from __future__ import annotations

from collections.abc import Callable

from tests.homeassistant_real.home_assistant import until
from tests.homeassistant_real.house import House
from tests.integration.mqtt_watcher import MqttWatcher

Watch = Callable[[str], MqttWatcher]


def ask(watcher: MqttWatcher, house: House, name: str, /, **fields: str) -> None:
    before = len(watcher.on(f"{house.name}/bridge/response/{name}"))
    watcher.publish(f"{house.name}/bridge/request/{name}", fields)
    until(lambda: len(watcher.on(f"{house.name}/bridge/response/{name}")) > before, f"the answer to {name}")
    assert watcher.on(f"{house.name}/bridge/response/{name}")[-1].json["status"] == "ok"


def appear(house: House) -> None:
    house.home.wait_for(house.id("number", "volume"), "7")


def disappear(house: House) -> None:
    until(lambda: not house.entities(), f"the end of {house.serial}")


def test_a_terminal_that_is_away_is_unavailable_and_its_condition_is_not(house: House) -> None:
    terminals = house.terminals(house.bridge())
    appear(house)
    terminals.stop()
    house.home.wait_for(house.id("button", "open_door"), "unavailable")
    house.home.wait_for(house.id("binary_sensor", "connection"), "off")
    house.home.wait_for(house.id("sensor", "last_seen"), r"\d{4}-.*")
    house.home.wait_for(house.id("sensor", "firmware"), "SIM1.*")


def test_a_renamed_terminal_has_the_new_name(house: House, watch: Watch) -> None:
    watcher = watch(house.name)
    house.terminals(house.bridge())
    appear(house)
    ask(watcher, house, "device/rename", id=house.serial, name="Back door")
    button = house.id("button", "open_door")
    until(lambda: house.home.wait_for(button)["attributes"]["friendly_name"] == "Back door Open door", "the new name")


def test_a_removed_terminal_goes_and_leaves_the_others(house: House, watch: Watch) -> None:
    watcher = watch(house.name)
    house.terminals(house.bridge(), count=2)
    appear(house)
    other = house.id("number", "volume", f"{house.name}0002")
    house.home.wait_for(other, "7")
    ask(watcher, house, "device/block", id=house.serial)
    disappear(house)
    assert house.home.wait_for(other, "7")
    ask(watcher, house, "device/approve", id=house.serial)
    appear(house)
    ask(watcher, house, "device/block", id=f"{house.name}0002")
    ask(watcher, house, "device/remove", id=f"{house.name}0002")
    until(lambda: not house.home.entities(f"{house.name.lower()}0002"), "the end of the other")


def test_a_restart_of_home_assistant_keeps_all(house: House) -> None:
    house.terminals(house.bridge(), "--ring", "1")
    appear(house)
    house.home.wait_for(house.id("event", "doorbell"), r"\d{4}-.*")
    before = set(house.entities())
    house.home.restart()
    appear(house)
    until(lambda: before <= set(house.entities()), "all entities")
    house.home.wait_for(house.id("button", "open_door"), "(?!unavailable).*")
    assert house.home.device(house.id("button", "open_door"), "name") == house.serial


def test_a_restart_of_the_bridge_keeps_all(house: House) -> None:
    bridge = house.bridge()
    terminals = house.terminals(bridge)
    appear(house)
    before = set(house.entities())
    terminals.stop()
    bridge.stop()
    house.home.wait_for(house.id("binary_sensor", "connection"), "unavailable")
    again = house.bridge()
    house.home.wait_for(house.id("binary_sensor", "connection"), "off")
    assert set(house.entities()) == before
    house.terminals(again)
    appear(house)
    assert set(house.entities()) == before


def test_a_terminal_that_the_bridge_no_longer_knows_goes_at_its_start(house: House) -> None:
    bridge = house.bridge()
    terminals = house.terminals(bridge)
    appear(house)
    terminals.stop()
    bridge.stop()
    house.bridge(state="another")
    disappear(house)


def test_two_bridges_with_different_base_topics_leave_each_other_alone(house: House) -> None:
    house.terminals(house.bridge())
    appear(house)
    before = set(house.entities())
    other = house.bridge(state="other", base_topic=f"{house.name}/other")
    house.terminals(other, "--first", "2", state="others")
    house.home.wait_for(house.id("number", "volume", f"{house.name}0002"), "7")
    assert set(house.entities()) == before
    house.home.wait_for(house.id("number", "volume"), "7")


def test_a_setting_that_is_gone_after_an_upgrade_goes(house: House) -> None:
    bridge = house.bridge()
    house.terminals(bridge)
    appear(house)
    bridge.stop()
    house.home.wait_for(house.id("number", "volume"), "unavailable")
    house.bridge('[commands]\ndeny = ["config_system"]\n')
    until(lambda: house.home.state(house.id("number", "volume")) is None, "the end of the volume")
    assert house.home.wait_for(house.id("binary_sensor", "connection"))
