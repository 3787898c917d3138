"""What Home Assistant is told, from a bridge's start to a terminal's end. What the payloads say is tried with their functions."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.homeassistant import Offer, Terminal, announcement, terminal_device
from bridge.homeassistant.settings import TECHNICAL
from bridge.mqtt.message import BrokerLimits
from bridge.mqtt.topics import Topics
from bridge.relay.discovery import MOST_AT_ONCE, READING_S, SOON_S
from tests.relay.conftest import MakeSite
from tests.relay.site import Site
from tests.relay.site import Terminal as Guest

BRIDGE = "homeassistant/device/qyzn_bridge/config"
SN1 = "homeassistant/device/qyzn_SN1/config"
ALL_DEVICES = "homeassistant/device/+/config"


def started(site: Site) -> Site:
    """A site whose broker has sent all that was announced before."""
    site.link_up()
    site.wait(READING_S)
    return site


@pytest.fixture
def running(site: Site) -> Site:
    return started(site)


def announced(site: Site, topic: str = SN1) -> list[dict[str, Any]]:
    """What was announced there since last taken."""
    return [each.json for each in site.link.on(topic) if each.publication.payload]


def joined(site: Site, serial: str = "SN1") -> Guest:
    terminal = site.terminal(serial)
    site.wait(SOON_S + 1)
    return terminal


def before(topics: Topics, serial: str = "SN1", groups: tuple[str, ...] = (), **gone: str) -> bytes:
    """An announcement of an earlier run."""
    device = terminal_device(Terminal(serial=serial, name=serial, groups=frozenset(groups)), topics, Offer())
    payload = json.loads(announcement(device, {}))
    payload["cmps"] |= {key: {"p": platform, "uniq_id": f"qyzn_{serial}_{key}", "name": key} for key, platform in gone.items()}
    return json.dumps(payload).encode()


def send(site: Site, payload: bytes, topic: str = SN1, *, retain: bool = True) -> None:
    site.publish(topic, payload, retain=retain)


# At the start


def test_nothing_is_announced_before_it_is_known_what_was(site: Site) -> None:
    site.link_up()
    site.terminal()
    site.wait(READING_S - 0.5)
    assert site.link.on(BRIDGE) == site.link.on(SN1) == []
    assert site.link.retained_skipped == []
    site.wait(SOON_S + 1)
    assert len(announced(site, BRIDGE)) == 1
    assert len(announced(site)) == 1
    assert site.link.retained_skipped == [ALL_DEVICES]


def test_a_broker_that_goes_away_meanwhile_is_listened_to_again(site: Site) -> None:
    site.link_up()
    site.wait(READING_S - 0.5)
    site.link.go_down()
    site.relay.link_down()
    site.wait(READING_S)
    assert site.link.retained_skipped == []
    started(site)
    assert site.link.retained_skipped == [ALL_DEVICES]
    site.link_up()
    site.wait(READING_S)
    assert site.link.retained_skipped == [ALL_DEVICES]


def test_announcements_are_retained(running: Site) -> None:
    joined(running)
    assert all(each.publication.retain and each.publication.qos == 1 for topic in (BRIDGE, SN1) for each in running.link.on(topic))


def test_an_orphan_is_taken_back(site: Site) -> None:
    site.link_up()
    send(site, before(site.topics))
    (cleared,) = site.link.on(SN1)
    assert (cleared.publication.payload, cleared.publication.retain) == (b"", True)


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (SN1, before(Topics("other"))),
        (SN1, before(Topics("qyzn", "east"))),
        (SN1, b"{}"),
        (SN1, b""),
        (SN1, b"\xff"),
        ("homeassistant/device/else_SN1/config", before(Topics("qyzn"))),
        (BRIDGE, before(Topics("qyzn"))),
    ],
)
def test_what_others_announced_stays(site: Site, topic: str, payload: bytes) -> None:
    site.link_up()
    send(site, payload, topic)
    site.wait(READING_S + 1)
    assert not [each for each in site.link.on(topic) if not each.publication.payload]


def test_a_terminal_that_a_bridge_with_another_base_topic_announced_is_left_to_it_until_it_comes_here(site: Site) -> None:
    joined(site).hang_up()
    site.link_up()
    send(site, before(Topics("other")))
    site.wait(READING_S + 10)
    assert site.link.on(SN1) == []
    joined(site)
    assert len(announced(site)) == 1


def test_a_terminal_that_is_here_is_ours_whatever_another_bridge_announced(site: Site) -> None:
    joined(site)
    site.link_up()
    send(site, before(Topics("other")))
    site.wait(READING_S + 1)
    assert len(announced(site)) == 1


def test_what_comes_later_or_is_not_retained_is_no_orphan(site: Site) -> None:
    site.link_up()
    send(site, before(site.topics), retain=False)
    site.wait(READING_S)
    send(site, before(site.topics))
    assert site.link.on(SN1) == []


def test_a_terminal_that_was_not_read_yet_keeps_the_settings_that_it_had(site: Site) -> None:
    joined(site)
    site.link_up()
    send(site, before(site.topics, groups=("audioctl", "ledctl")))
    site.wait(READING_S)
    (said,) = announced(site)
    assert {"audioctl-level", "ledctl-mode"} <= said["cmps"].keys()
    assert said["cmps"]["audioctl-level"] != {"p": "number"}


def test_what_an_older_bridge_announced_and_this_one_does_not_is_removed(site: Site) -> None:
    joined(site)
    site.link_up()
    send(site, before(site.topics, old="sensor"))
    site.wait(READING_S)
    said = announced(site)[-1]
    assert said["cmps"]["old"] == {"p": "sensor"}
    assert said["cmps"]["open_door"]["p"] == "button"


# A terminal's life


def test_a_terminal_is_announced_once_it_is_let_in(make_site: MakeSite) -> None:
    site = started(make_site(registration={"policy": "approve"}))
    terminal = Guest(site, "SN1")
    assert terminal.register().body["result"] != 0
    site.wait(SOON_S + 1)
    assert site.link.on(SN1) == []
    site.request("device/approve", {"id": "SN1", "name": "Front door"})
    site.wait(SOON_S)
    (said,) = announced(site)
    assert said["dev"]["name"] == "Front door"
    assert said["dev"]["via_device"] == "qyzn_bridge"


def test_it_is_announced_again_when_it_says_more_of_itself(running: Site) -> None:
    terminal = joined(running)
    assert announced(running)[-1]["dev"]["sw"] == "V1.0.0"
    running.link.taken()
    terminal.again().log_in("V2.0.0")
    running.wait(SOON_S)
    assert announced(running)[-1]["dev"]["sw"] == "V2.0.0"
    running.link.taken()
    terminal.again().log_in("V2.0.0")
    running.wait(SOON_S)
    assert running.link.on(SN1) == []


def test_settings_appear_with_their_groups_and_go_with_them(running: Site) -> None:
    joined(running)
    assert "audioctl-level" not in announced(running)[-1]["cmps"]
    running.link.taken()
    configuration = running.relay.configuration
    configuration.learn("SN1", {"audioctl": {"level": 7}, "ledctl": {"mode": 1}})
    running.wait(SOON_S)
    (said,) = announced(running)
    assert said["cmps"]["audioctl-level"]["p"] == "number"
    running.link.taken()
    configuration.learn("SN1", {"audioctl": {"level": 8}})
    running.wait(SOON_S)
    assert running.link.on(SN1) == []
    configuration.lacks("SN1", ["audioctl"])
    running.wait(SOON_S)
    (said,) = announced(running)
    assert said["cmps"]["audioctl-level"] == {"p": "number"}
    assert said["cmps"]["ledctl-mode"]["p"] == "select"
    configuration.learn("SN1", {"audioctl": {"level": 7}})
    running.wait(SOON_S)
    assert announced(running)[-1]["cmps"]["audioctl-level"]["name"] == "Volume"


def test_technical_groups_stay_with_mqtt(running: Site) -> None:
    joined(running)
    running.link.taken()
    running.relay.configuration.learn("SN1", {name: {} for name in TECHNICAL})
    running.wait(SOON_S)
    (said,) = announced(running)
    assert not [key for key in said["cmps"] if "-" in key]


def test_a_new_name_is_told(running: Site) -> None:
    joined(running)
    running.request("device/rename", {"id": "SN1", "name": "Back door"})
    running.wait(SOON_S)
    assert announced(running)[-1]["dev"]["name"] == "Back door"


@pytest.mark.parametrize("request_name", ["device/remove", "device/block"])
def test_what_is_removed_or_blocked_is_taken_back_before_anything_else(running: Site, request_name: str) -> None:
    joined(running)
    running.request(request_name, {"id": "SN1"})
    cleared = [each.topic for each in running.link.sent if each.publication.retain and not each.publication.payload]
    assert cleared[0] == SN1
    assert cleared.count(SN1) == 1
    running.link.taken()
    running.wait(SOON_S + 10)
    assert running.link.on(SN1) == []


def test_what_was_never_announced_is_not_taken_back(site: Site) -> None:
    """Home Assistant warns of that."""
    site.terminal()
    site.request("device/remove", {"id": "SN1"})
    assert site.link.on(SN1) == []


def test_what_an_earlier_run_announced_is_taken_back_even_before_this_one_speaks(site: Site) -> None:
    site.terminal()
    site.link_up()
    send(site, before(site.topics))
    site.request("device/remove", {"id": "SN1"})
    assert [each.publication.payload for each in site.link.on(SN1)] == [b""]


def test_a_terminal_that_another_bridge_has_is_left_to_it(make_site: MakeSite) -> None:
    site = started(make_site(instance="east"))
    joined(site).hang_up()
    site.wait(10)
    site.link.taken()
    site.publish("qyzn/SN1/info", {"id": "SN1", "instance": "west"}, retain=True)
    site.relay.discovery.changed("SN1")
    site.wait(SOON_S)
    site.link_up()
    assert site.link.on(SN1) == []


# A terminal that moves to a bridge with another base topic, or is at both


MOVED = before(Topics("other"))


def born(site: Site) -> None:
    """Home Assistant starts, and is told."""
    site.publish("homeassistant/status", b"online")
    site.wait(11)


@pytest.fixture
def moved(running: Site) -> Site:
    """A site whose terminal has gone, and was announced by another bridge; what was published so far has been taken."""
    joined(running).hang_up()
    send(running, MOVED, retain=False)
    running.link.taken()
    return running


def test_what_another_bridge_announces_is_left_alone(moved: Site) -> None:
    born(moved)
    moved.request("device/rename", {"id": "SN1", "name": "Back door"})
    moved.wait(SOON_S)
    assert moved.request("rediscover")["data"] == {"terminals": 0}
    moved.link.go_down()
    moved.relay.link_down()
    moved.link_up()
    moved.wait(READING_S)
    assert moved.link.on(SN1) == []
    assert len(announced(moved, BRIDGE)) >= 1


@pytest.mark.parametrize("request_name", ["device/remove", "device/block"])
def test_what_another_bridge_announces_is_not_taken_back(moved: Site, request_name: str) -> None:
    assert moved.request(request_name, {"id": "SN1"})["status"] == "ok"
    moved.wait(SOON_S)
    assert moved.link.on(SN1) == []


def test_a_terminal_that_comes_back_is_announced_and_taken_back_again(moved: Site) -> None:
    joined(moved).hang_up()
    assert len(announced(moved)) == 1
    moved.link.taken()
    born(moved)
    assert len(announced(moved)) == 1
    moved.request("device/remove", {"id": "SN1"})
    assert [each.publication.payload for each in moved.link.on(SN1)] == [b""]


def test_what_the_broker_had_kept_of_another_bridge_counts_too(running: Site) -> None:
    """On 3.1.1 it is told at every subscription."""
    joined(running).hang_up()
    send(running, MOVED)
    running.link.taken()
    born(running)
    assert running.link.on(SN1) == []


@pytest.mark.parametrize("payload", [before(Topics("qyzn")), b"", b"{}"])
def test_neither_our_own_announcement_nor_one_that_is_cleared_is_another_bridges(running: Site, payload: bytes) -> None:
    """On 3.1.1 a bridge hears itself."""
    joined(running).hang_up()
    send(running, payload, retain=False)
    running.link.taken()
    born(running)
    assert len(announced(running)) == 1


def test_over_a_bridge_that_did_not_hear_of_the_move_a_terminal_is_announced_once_more(running: Site) -> None:
    """Once for each time that it joins: of two bridges that both have it neither would give way."""
    terminal = joined(running)
    running.link.taken()
    send(running, MOVED, retain=False)
    assert len(announced(running)) == 1
    send(running, MOVED, retain=False)
    running.wait(SOON_S)
    assert len(announced(running)) == 1
    terminal.hang_up()
    joined(running)
    running.link.taken()
    send(running, MOVED, retain=False)
    assert len(announced(running)) == 1


def test_a_connection_that_the_terminal_has_left_long_ago_changes_nothing(running: Site) -> None:
    """It moved, and its connection here is still to be found dead."""
    terminal = joined(running)
    for _ in range(2):
        send(running, MOVED, retain=False)
    terminal.hang_up()
    running.link.taken()
    born(running)
    running.request("device/remove", {"id": "SN1"})
    assert running.link.on(SN1) == []


def test_a_terminal_that_was_at_both_is_announced_when_it_joins_again(running: Site) -> None:
    terminal = joined(running)
    for _ in range(2):
        send(running, MOVED, retain=False)
    terminal.hang_up()
    running.link.taken()
    joined(running)
    assert len(announced(running)) == 1


# The broker and Home Assistant


def test_a_broker_that_comes_back_is_told_again(running: Site) -> None:
    joined(running)
    running.link.go_down()
    running.relay.link_down()
    running.link_up()
    assert len(announced(running)) == len(announced(running, BRIDGE)) == 1


def test_a_broker_for_small_packets_is_told_of_everything_but_the_settings(running: Site) -> None:
    joined(running)
    running.relay.configuration.learn("SN1", {"vaparam": {}, "audioctl": {}})
    running.wait(SOON_S)
    whole = len(running.link.on(SN1)[-1].publication.payload)
    running.link.taken()
    running.link_up(BrokerLimits("5", maximum_packet_bytes=whole))
    (said,) = announced(running)
    assert "open_door" in said["cmps"]
    assert "audioctl-level" not in said["cmps"]


def test_at_its_birth_home_assistant_is_told_everything_again_and_then_the_states(running: Site) -> None:
    running.relay.start()
    joined(running)
    running.relay.configuration.learn("SN1", {"audioctl": {"level": 7}})
    running.wait(SOON_S)
    running.link.taken()
    running.publish("homeassistant/status", b"online")
    running.wait(0.9)
    assert running.link.on(SN1) == []
    running.wait(9.1)
    told = [each.topic for each in running.link.sent if each.publication.retain]
    assert told[:2] == [BRIDGE, SN1]
    assert {"qyzn/bridge/state", "qyzn/SN1/availability", "qyzn/SN1/info", "qyzn/SN1/config/audioctl"} <= set(told[2:])


@pytest.mark.parametrize(("payload", "retain"), [(b"offline", False), (b"online", True), (b"", False), (b"\xff", False)])
def test_what_is_no_birth_changes_nothing(running: Site, payload: bytes, retain: bool) -> None:
    joined(running)
    running.link.taken()
    running.publish("homeassistant/status", payload, retain=retain)
    running.wait(11)
    assert running.link.on(SN1) == []


def test_many_births_are_one(running: Site) -> None:
    joined(running)
    running.link.taken()
    for _ in range(5):
        running.publish("homeassistant/status", b"online")
    running.wait(11)
    assert len(announced(running)) == 1


def test_another_prefix(make_site: MakeSite) -> None:
    site = started(make_site(homeassistant={"prefix": "ha"}))
    joined(site)
    assert len(announced(site, "ha/device/qyzn_SN1/config")) == 1
    assert site.link.on(SN1) == []


def test_the_language(make_site: MakeSite) -> None:
    site = started(make_site(language="zh"))
    joined(site)
    assert announced(site)[-1]["cmps"]["open_door"]["name"] == "开门"


def test_it_can_be_asked_for(running: Site) -> None:
    joined(running)
    assert running.request("rediscover") == {"status": "ok", "data": {"terminals": 1}}
    assert len(announced(running)) == len(announced(running, BRIDGE)) == 1


def test_where_it_is_off_nothing_is_announced(make_site: MakeSite) -> None:
    site = started(make_site(homeassistant={"enabled": False}))
    joined(site)
    site.publish("homeassistant/status", b"online")
    site.request("device/rename", {"id": "SN1", "name": "Door"})
    site.request("device/remove", {"id": "SN1"})
    site.wait(20)
    assert not [each for each in site.link.sent if each.topic.startswith("homeassistant/")]
    assert site.request("rediscover")["status"] == "error"


def test_many_terminals_are_announced_each_once(site: Site) -> None:
    for number in range(2 * MOST_AT_ONCE + 5):
        site.terminal(f"T{number}")
    site.link_up()
    site.wait(READING_S + 1)
    topics = [each.topic for each in site.link.sent if each.topic.startswith("homeassistant/device/qyzn_T")]
    assert len(set(topics)) == len(topics) == 2 * MOST_AT_ONCE + 5
