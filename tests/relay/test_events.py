from __future__ import annotations

import base64
from typing import Any

import pytest

from bridge.catalogue import Result
from bridge.errors import BrokerAway, TooLarge
from bridge.mqtt.message import BrokerLimits
from tests.relay.conftest import MakeSite
from tests.relay.site import SNAPTIME, Site, Terminal

JPEG = b"\xff\xd8\xff\xe0 a face"
PICTURE = base64.b64encode(JPEG).decode()


def answers(said: list[Any]) -> list[tuple[int, int]]:
    return [(each.sequence, each.body["result"]) for each in said]


def test_a_terminal_is_answered_only_after_every_puback(site: Site, terminal: Terminal) -> None:
    site.link.holds = True
    assert terminal.recognise(sequence=9, snapPic=PICTURE) == []
    image, event = site.link.sent
    assert (image.topic, event.topic) == ("qyzn/SN1/image/recognition", "qyzn/SN1/event/recognition")
    assert dict(image.publication.user_properties)["event_id"] == event.json["event_id"]
    event.acknowledge()
    assert terminal.heard() == []
    image.acknowledge()
    (answer,) = terminal.heard()
    assert (answer.sequence, answer.body["result"], answer.body["data"]) == (9, 0, {"snaptime": SNAPTIME})


def test_a_record_that_neither_broker_nor_disk_took_is_published_again_under_the_same_id(site: Site, terminal: Terminal) -> None:
    site.link.holds = True
    terminal.recognise(sequence=9)
    first = site.link.sent[-1].json["event_id"]
    with site.broken_disk():
        site.link.go_down()
        assert terminal.heard() == []
        assert terminal.recognise(sequence=9) == []  # both are still away
    site.link_up()
    site.link.taken()
    terminal.recognise(sequence=9)
    (again,) = site.link.on("qyzn/SN1/event/recognition")
    assert again.json["event_id"] == first
    again.acknowledge()
    assert answers(terminal.heard()) == [(9, 0)]
    site.link.taken()
    assert answers(terminal.recognise(sequence=9)) == [(9, 0)]  # from memory
    assert site.link.sent == []


def test_a_copy_that_comes_before_the_puback_is_not_published_and_is_answered_with_the_first(site: Site, terminal: Terminal) -> None:
    site.link.holds = True
    terminal.recognise(sequence=9)
    (sent,) = site.link.sent
    terminal.recognise(sequence=9)
    newer = terminal.again().log_in()
    newer.recognise(sequence=9)
    assert len(site.link.on("qyzn/SN1/event/recognition")) == 1
    sent.acknowledge()
    assert answers(newer.heard()) == [(9, 0)]
    assert terminal.heard() == []


def test_a_message_without_an_answer_is_published_and_not_answered(site: Site, terminal: Terminal) -> None:
    assert terminal.say("snapshot_face", {"result": 1}, type=2) == []
    assert len(site.link.on("qyzn/SN1/event/recognition")) == 1


def test_a_message_that_nobody_knows_is_passed_through(site: Site, terminal: Terminal) -> None:
    assert answers(terminal.say("door_sensor", {"open": 1}, sequence=3)) == [(3, 0)]
    (event,) = site.link.on("qyzn/SN1/event/door_sensor")
    assert event.json["extra"] == {"open": 1}


@pytest.mark.parametrize("name", ["a/b", "#", "", "x" * 65])
def test_a_message_whose_name_is_no_level_of_a_topic_is_refused(site: Site, terminal: Terminal, name: str) -> None:
    assert answers(terminal.say(name, {}, sequence=3)) == [(3, Result.BAD_PARAMETER)]
    assert site.link.sent == []


def test_an_event_that_can_never_be_published_is_refused_rather_than_sent_for_ever(site: Site, terminal: Terminal) -> None:
    site.link.holds = True
    terminal.recognise(sequence=9)
    site.link.taken()[0].refuse(TooLarge(2000, 1000))
    assert answers(terminal.heard()) == [(9, Result.BAD_PARAMETER)]


def test_what_the_broker_takes_bounds_pictures_and_events(site: Site, terminal: Terminal) -> None:
    site.link_up(BrokerLimits("5", maximum_packet_bytes=4000))
    site.link.taken()
    assert answers(terminal.recognise(sequence=9, snapPic=base64.b64encode(JPEG + bytes(4000)).decode(), news="x" * 4000)) == [(9, 0)]
    (event,) = site.link.taken()
    assert event.json["image_error"].endswith("over the limit of 2976")
    assert event.json["extra_error"] == "too large for the broker"


def test_a_slow_disk_stops_the_reading_until_it_has_caught_up(make_site: MakeSite) -> None:
    site = make_site(limits={"bytes_burst": 1 << 28})  # so that it is not stopped for being too fast
    terminal = site.terminal()
    site.link.go_down()
    site.disk.prompt = False
    count = 0
    while terminal.is_read():
        count += 1
        terminal.recognise(sequence=count, snapPic=base64.b64encode(JPEG + bytes(1 << 20)).decode())
    assert count < 100
    site.disk.prompt = True
    while site.disk.calls:
        site.disk.run()
    assert terminal.is_read()
    assert len(answers(terminal.heard())) == count


def test_a_terminal_that_is_gone_when_the_congestion_ends_harms_nobody(site: Site, terminal: Terminal) -> None:
    site.link.congested = site.link.holds = True
    terminal.recognise(sequence=9)
    terminal.hang_up()
    site.link.drain()
    site.link.sent[0].acknowledge()
    assert terminal.heard() == []


def test_shutting_down_waits_for_what_is_on_its_way(site: Site, terminal: Terminal) -> None:
    fired: list[str] = []
    site.relay.events.when_idle().addCallback(lambda _: fired.append("at rest"))
    site.link.holds = True
    terminal.recognise(sequence=9)
    terminal.recognise(sequence=10)
    site.relay.events.when_idle().addCallback(lambda _: fired.append("idle"))
    first, second = site.link.sent
    first.acknowledge()
    assert fired == ["at rest"]
    second.refuse(BrokerAway("lost"))
    assert fired == ["at rest", "idle"]


def test_what_the_configuration_says_about_events(make_site: MakeSite) -> None:
    site = make_site(
        events={"replay_after_s": 5},
        privacy={"omit": ["person_id"]},
        images={"publish": "inline"},
        devices={"SN1": {"name": "Front door", "timezone": "Asia/Shanghai"}},
    )
    terminal = site.terminal()
    site.wait(10)
    site.link.taken()
    terminal.recognise(snaptime="2023-11-15 06:13:20", snapPic=PICTURE)
    (event,) = site.link.taken()
    assert event.topic == "qyzn/SN1/event_replay/recognition"
    shown = event.json
    assert (shown["device_name"], shown["time"], shown["age_s"]) == ("Front door", "2023-11-15T06:13:20+08:00", 10)
    assert (shown["image"], shown["image_base64"], "person_id" in shown) == (None, PICTURE, False)


def test_a_message_that_nobody_knows_is_kept_apart_from_the_kinds_that_there_are(site: Site, terminal: Terminal) -> None:
    terminal.say("call", {"callNo": "304"}, sequence=3)
    assert site.link.on("qyzn/SN1/event/call") == []
    (event,) = site.link.on("qyzn/SN1/event/message_call")
    assert (event.json["event_type"], event.json["extra"]) == ("call", {"callNo": "304"})
