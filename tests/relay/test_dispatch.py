"""Who is told "done", and when: the broker's PUBACK or the disk's commit, whichever comes, and nobody else's word."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from bridge.errors import BrokerAway, BrokerRefused
from bridge.relay import room
from bridge.relay.flights import PUBACK_S
from bridge.relay.room import ROOM_S
from tests.relay.conftest import MakeSite
from tests.relay.site import Sent, Site, Terminal

JPEG = b"\xff\xd8\xff\xe0 a face"
PICTURE = base64.b64encode(JPEG).decode()


def answered(terminal: Terminal) -> list[int]:
    """The sequences that the terminal was told may be forgotten."""
    return [each.sequence for each in terminal.heard() if each.type == 4 and each.body["result"] == 0]


def events(site: Site, kind: str = "recognition", device: str = "SN1") -> list[Sent]:
    """What was published of this terminal, live or as a replay, since last taken."""
    return [each for each in site.link.sent if each.topic.startswith(f"qyzn/{device}/event") and each.topic.endswith(kind)]


def heard_from(terminal: Terminal, said: list[Any]) -> list[int]:
    return [each.sequence for each in said if each.type == 4 and each.body["result"] == 0] + answered(terminal)


def test_while_the_broker_is_away_the_disk_is_enough(site: Site, terminal: Terminal) -> None:
    site.link.go_down()
    site.disk.prompt = False
    said = terminal.recognise(sequence=9, snapPic=PICTURE)
    assert heard_from(terminal, said) == []
    site.disk.run()
    assert answered(terminal) == [9]
    site.disk.prompt = True
    site.link_up()
    image, event = [each for each in site.link.sent if "SN1/image" in each.topic or "SN1/event" in each.topic]
    assert (image.topic, image.publication.payload, image.publication.content_type) == ("qyzn/SN1/image/recognition", JPEG, "image/jpeg")
    assert event.json["image"] == "qyzn/SN1/image/recognition"
    assert event.publication.user_properties == image.publication.user_properties
    assert site.outbox.size.events == 0


def test_when_the_connection_is_lost_before_the_puback_the_disk_takes_over(site: Site, terminal: Terminal) -> None:
    site.link.holds = True
    terminal.recognise(sequence=9)
    first = events(site)[0].json
    site.link.go_down()
    assert answered(terminal) == [9]
    site.link_up()
    (again,) = events(site)
    assert again.json == first
    assert site.outbox.size.events == 1  # until it is acknowledged
    again.acknowledge()
    assert site.outbox.size.events == 0


def test_a_puback_that_takes_long_is_not_waited_for(site: Site, terminal: Terminal) -> None:
    site.link.holds = True
    terminal.recognise(sequence=9)
    site.clock.advance(PUBACK_S - 0.1)
    assert answered(terminal) == []
    site.clock.advance(0.2)
    assert answered(terminal) == [9]
    assert site.outbox.size.events == 1
    (sent,) = events(site)
    sent.acknowledge()
    assert site.outbox.size.events == 0
    assert len(events(site)) == 1


def test_what_is_late_and_then_lost_is_published_once_more(site: Site, terminal: Terminal) -> None:
    site.link.holds = True
    terminal.recognise(sequence=9)
    site.clock.advance(PUBACK_S)
    site.link.go_down()
    site.link_up()
    (again,) = events(site)
    again.acknowledge()
    assert site.outbox.size.events == 0


def test_newer_events_of_a_terminal_queue_behind_its_older_ones(site: Site, terminal: Terminal) -> None:
    other = site.terminal("SN2")
    site.link.go_down()
    said = terminal.recognise(sequence=1)
    site.link.holds = True
    site.link_up()
    said += terminal.recognise(sequence=2)
    other.recognise(sequence=3)
    assert [each.json["sequence"] for each in events(site)] == [1]
    assert [each.json["sequence"] for each in events(site, device="SN2")] == [3]
    site.clock.advance(ROOM_S)
    assert heard_from(terminal, said) == [1, 2]  # both are on the disk
    for each in list(site.link.sent):
        if not each.done.called:
            each.acknowledge()
    assert [each.json["sequence"] for each in events(site)] == [1, 2]


@pytest.mark.parametrize("mode", ["auto", "always"])
def test_it_waits_for_the_older_ones_to_leave_the_outbox_rather_than_to_go_there_too(make_site: MakeSite, mode: str) -> None:
    site = make_site(outbox={"mode": mode, "keep_s": 0})
    terminal = site.terminal()
    site.link.go_down()
    terminal.recognise(sequence=1)
    site.link.holds = True
    site.link_up()
    said = terminal.recognise(sequence=2)
    assert site.outbox.size.events == 1
    (older,) = events(site)
    assert heard_from(terminal, said) == []
    older.acknowledge()
    assert [each.json["sequence"] for each in events(site)] == [1, 2]
    events(site)[-1].acknowledge()
    assert answered(terminal) == [2]
    assert site.outbox.size.events == 0


def test_it_waits_for_all_of_them(site: Site, terminal: Terminal) -> None:
    site.link.go_down()
    terminal.recognise(sequence=1)
    terminal.recognise(sequence=2)
    site.link.holds = True
    site.link_up()
    said = terminal.recognise(sequence=3)
    first, second = events(site)
    site.relay.dispatch._freed({"SN1"})  # a batch leaves as a whole; this is what is told when one of it leaves alone
    assert heard_from(terminal, said) == []
    for each in (first, second):
        each.acknowledge()
    assert [each.json["sequence"] for each in events(site)] == [1, 2, 3]
    assert site.outbox.size.events == 0


def test_and_then_for_the_link_if_that_has_enough_to_do(site: Site, terminal: Terminal) -> None:
    site.link.go_down()
    terminal.recognise(sequence=1)
    site.link.holds = True
    site.link_up()
    said = terminal.recognise(sequence=2)
    site.link.congested = True
    events(site)[0].acknowledge()
    assert len(events(site)) == 1
    site.link.drain()
    events(site)[-1].acknowledge()
    assert heard_from(terminal, said) == [2]


def test_it_does_not_wait_for_them_when_they_rest(site: Site, terminal: Terminal) -> None:
    site.link.go_down()
    terminal.recognise(sequence=1)
    site.link.holds = True
    site.link_up()
    events(site)[0].refuse(BrokerRefused("quota exceeded", 0x97))
    assert heard_from(terminal, terminal.recognise(sequence=2)) == [2]
    assert site.outbox.size.events == 2


def test_nor_when_somebody_stands_at_the_door(site: Site, terminal: Terminal) -> None:
    site.link.go_down()
    terminal.recognise(sequence=1)
    site.link.holds = True
    site.link_up()
    (said,) = terminal.say("qrcode_data", {"content": "4711"}, sequence=2)
    assert (said.body["result"], said.body["data"]) == (0, {"opendoor": 0})
    assert site.outbox.size.events == 2


def test_nor_when_the_broker_is_lost_meanwhile(site: Site, terminal: Terminal) -> None:
    site.link.go_down()
    terminal.recognise(sequence=1)
    site.link.holds = True
    site.link_up()
    said = terminal.recognise(sequence=2)
    assert heard_from(terminal, said) == []
    site.link.go_down()
    site.relay.link_down()
    assert answered(terminal) == [2]
    assert site.outbox.size.events == 2


def test_what_is_too_much_to_wait_in_memory_goes_to_the_disk(site: Site, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "ROOM_BYTES", 1000)
    others = [site.terminal(serial) for serial in ("SN2", "SN3")]
    site.link.congested = True
    terminal.recognise(sequence=1, snapPic=PICTURE)
    said = [each.recognise(sequence=sequence, snapPic=PICTURE) for sequence, each in enumerate(others, 2)]
    assert [heard_from(each, heard) for each, heard in zip(others, said, strict=True)] == [[2], [3]]
    assert site.outbox.size.events == 2
    site.link.drain()
    assert answered(terminal) == [1]


def test_what_waited_too_long_is_a_replay_and_asks_nothing(site: Site, terminal: Terminal) -> None:
    site.link.go_down()
    terminal.say("qrcode_data", {"content": "4711"}, sequence=4)
    site.wait(40)
    site.link_up()
    (event,) = events(site, "qrcode")
    assert event.topic == "qyzn/SN1/event_replay/qrcode"
    assert (event.json["replay"], event.json["age_s"]) == (True, 40)
    assert "answer_topic" not in event.json
    assert event.publication.response_topic is None


def test_what_waited_too_long_is_a_replay_although_the_clock_was_set_back_meanwhile(site: Site, terminal: Terminal) -> None:
    site.link.go_down()
    terminal.recognise(sequence=9)
    site.wait(40)
    site.wall_step_s = -3600
    site.link_up()
    (event,) = events(site)
    assert (event.topic, event.json["age_s"]) == ("qyzn/SN1/event_replay/recognition", 41)


def test_what_waited_a_moment_is_no_replay(site: Site, terminal: Terminal) -> None:
    site.link.go_down()
    terminal.recognise(sequence=4)
    site.wait(20)
    site.link_up()
    (event,) = events(site)
    assert event.topic == "qyzn/SN1/event/recognition"
    assert event.json["replay"] is False
    assert "age_s" not in event.json


def test_nobody_is_asked_while_nobody_could_answer(site: Site, terminal: Terminal) -> None:
    site.link.go_down()
    (said,) = terminal.say("qrcode_data", {"content": "4711"}, sequence=4)
    assert (said.body["result"], said.body["data"]) == (0, {"opendoor": 0})


def test_what_would_be_too_much_for_the_link_waits_and_then_goes_to_the_disk_but_a_question_is_asked(
    site: Site, terminal: Terminal
) -> None:
    site.link.congested = site.link.holds = True
    terminal.recognise(sequence=1)
    assert events(site) == []
    assert site.outbox.size.events == 0
    site.clock.advance(ROOM_S)
    assert site.outbox.size.events == 1
    other = site.terminal("SN2")
    other.say("qrcode_data", {"content": "4711"}, sequence=4)
    assert [each.json["answer_topic"] for each in events(site, "qrcode", "SN2")] == ["qyzn/SN2/answer/qrcode"]
    assert terminal.is_read()
    site.link.drain()
    assert [each.json["sequence"] for each in events(site)] == [1]


def test_an_event_that_waited_for_the_link_never_sees_the_disk(site: Site, terminal: Terminal) -> None:
    site.link.congested = True
    said = terminal.recognise(sequence=1)
    site.clock.advance(ROOM_S / 2)
    assert heard_from(terminal, said) == []
    site.link.drain()
    assert [each.json["sequence"] for each in events(site)] == [1]
    assert answered(terminal) == [1]
    assert site.outbox.size.events == 0


def test_what_became_old_while_it_waited_for_the_link_is_a_replay(site: Site, terminal: Terminal) -> None:
    site.link.congested = True
    said = terminal.recognise(sequence=1, snaptime="2023-11-14 22:12:51")  # 29 s ago
    site.wait(1.5)
    assert heard_from(terminal, said) == []
    site.link.drain()
    (event,) = events(site)
    assert (event.topic, event.json["age_s"]) == ("qyzn/SN1/event_replay/recognition", 30)
    assert answered(terminal) == [1]


def test_a_question_takes_along_what_its_terminal_said_before(site: Site, terminal: Terminal) -> None:
    site.link.congested = True
    terminal.recognise(sequence=1)
    terminal.say("qrcode_data", {"content": "4711"}, sequence=2)
    assert [each.json["sequence"] for each in site.link.sent if "/event/" in each.topic] == [1, 2]


def test_of_a_terminal_that_does_not_wait_for_answers_all_goes_to_the_disk_in_order(site: Site, terminal: Terminal) -> None:
    site.link.congested = True
    for sequence in (1, 2, 3):
        terminal.recognise(sequence=sequence)
    assert site.outbox.size.events == 2  # the third waits for them
    site.link.drain()
    assert [each.json["sequence"] for each in events(site)] == [1, 2, 3]
    assert site.outbox.size.events == 0


def test_of_a_terminal_that_does_not_wait_for_answers_nothing_overtakes_on_the_way_to_the_disk(site: Site, terminal: Terminal) -> None:
    site.link.holds = True
    terminal.recognise(sequence=1)
    site.clock.advance(1)
    terminal.recognise(sequence=2)
    site.clock.advance(PUBACK_S - 1)  # the first goes to the disk; the second is with the link, and has time left
    said = terminal.recognise(sequence=3)
    assert heard_from(terminal, said) == [1, 2, 3]
    site.link.go_down()
    site.link.holds = False
    site.link_up()
    assert [each.json["sequence"] for each in events(site)] == [1, 2, 3]


def test_what_waits_for_the_link_does_not_overtake_what_is_lost_with_it(site: Site, terminal: Terminal) -> None:
    site.link.holds = True
    terminal.recognise(sequence=1)
    site.link.congested = True
    terminal.recognise(sequence=2)
    site.link.is_up = False
    site.link.drain()  # a link that goes down says first that it is not congested any more
    site.clock.advance(0.0)
    site.link.go_down()
    site.link.holds = False
    site.link_up()
    assert [each.json["sequence"] for each in events(site)] == [1, 2]


def test_what_waits_for_the_link_goes_to_the_disk_when_the_broker_is_lost(site: Site, terminal: Terminal) -> None:
    site.link.congested = True
    terminal.recognise(sequence=1)
    site.link.go_down()
    site.link.drain()
    assert site.outbox.size.events == 1
    assert answered(terminal) == [1]


def test_what_waits_for_the_link_goes_to_the_disk_at_the_end(site: Site, terminal: Terminal) -> None:
    site.link.congested = True
    terminal.recognise(sequence=1)
    site.relay.dispatch.hurry()
    assert site.outbox.size.events == 1
    assert answered(terminal) == [1]


def test_when_neither_takes_it_the_terminal_keeps_its_record(site: Site, terminal: Terminal) -> None:
    site.link.go_down()
    with site.broken_disk():
        assert heard_from(terminal, terminal.recognise(sequence=9)) == []
    assert heard_from(terminal, terminal.recognise(sequence=9)) == [9]


def test_a_copy_of_what_is_on_the_disk_is_not_kept_twice(site: Site, terminal: Terminal) -> None:
    site.link.go_down()
    terminal.recognise(sequence=9)
    site.directory.drop("SN1", "its memory is forgotten")
    again = terminal.again().log_in()
    assert heard_from(again, again.recognise(sequence=9)) == [9]
    assert site.outbox.size.events == 1


def test_always_the_disk_comes_first(make_site: MakeSite) -> None:
    site = make_site(outbox={"mode": "always"})
    terminal = site.terminal()
    site.link.taken()
    site.link.holds, site.disk.prompt = True, False
    said = terminal.recognise(sequence=9)
    (sent,) = events(site)
    assert heard_from(terminal, said) == []
    site.disk.prompt = True
    site.disk.run()
    assert answered(terminal) == [9]
    assert site.outbox.size.events == 1
    sent.acknowledge()
    site.note()
    assert site.outbox.size.events == 0
    assert len(events(site)) == 1


def test_what_was_acknowledged_on_an_earlier_connection_holds_up_what_is_newer_until_it_is_published_again(make_site: MakeSite) -> None:
    site = make_site(outbox={"mode": "always", "keep_s": 0})
    terminal = site.terminal()
    site.link.holds, site.disk.prompt = True, False
    terminal.recognise(sequence=1)
    (sent,) = events(site)
    sent.acknowledge()
    site.link.go_down()
    site.link_up()
    site.disk.prompt = True
    site.disk.run()  # committed only now
    terminal.recognise(sequence=2)
    (again,) = events(site)
    assert again.json["sequence"] == 1
    again.acknowledge()
    assert [each.json["sequence"] for each in events(site)] == [1, 2]
    events(site)[-1].acknowledge()
    assert site.outbox.size.events == 0


def test_at_the_end_what_is_not_acknowledged_is_committed(site: Site, terminal: Terminal) -> None:
    site.link.holds = True
    terminal.recognise(sequence=9)
    site.relay.shutting_down()
    assert answered(terminal) == []
    site.relay.dispatch.hurry()
    assert answered(terminal) == [9]
    assert site.outbox.size.events == 1
    assert heard_from(terminal, terminal.recognise(sequence=10)) == [10]
    assert site.outbox.size.events == 2


def test_a_picture_that_gave_way_is_not_promised(site: Site, terminal: Terminal) -> None:
    from bridge.mqtt.events import Kept, recompose
    from bridge.mqtt.topics import Topics

    event = json.dumps({"event_id": "e", "replay": False, "image": "t", "image_bytes": 3, "image_sha256": "x", "extra": {}}).encode()
    kept = Kept("SN1", "recognition", "e", site.wall(), event, (("t", None, False),))
    (publication,) = recompose(kept, Topics("qyzn"), site.relay.dispatch.rules_now(), site.wall())
    told = json.loads(publication.payload)
    assert (told["image"], told["image_bytes"], told["image_sha256"]) == (None, None, None)
    assert told["image_error"] == "dropped, to make room for newer events"


@pytest.mark.parametrize("up_for", [0, 1])
def test_health_tells_of_the_outbox(site: Site, terminal: Terminal, up_for: int) -> None:
    site.link.go_down()
    for sequence in range(3 + up_for):
        terminal.recognise(sequence=sequence)
    site.wait(5)
    health = site.relay.condition.health()["outbox"]
    assert (health["events"], health["oldest_age_s"], health["fault"]) == (3 + up_for, 5.0, None)
    assert health["bytes"] > 0


def test_a_link_that_was_lost_and_found_is_used_at_once(site: Site, terminal: Terminal) -> None:
    site.link.go_down()
    terminal.recognise(sequence=9)
    site.link.holds = True
    site.link_up()
    assert len(events(site)) == 1
    site.link.is_up = False
    site.link.is_up = True  # before anybody is told that what was on its way is lost
    lost, site.link.sent = site.link.sent, []
    for each in lost:
        if not each.done.called:
            each.refuse(BrokerAway("lost"))
    assert len(events(site)) == 1


def test_what_waits_for_long_at_a_slow_link_becomes_a_replay_and_is_published_once(make_site: MakeSite) -> None:
    site = make_site(events={"replay_after_s": 4})
    terminal = site.terminal()
    site.link.taken()
    site.link.holds, site.link.room = True, 3
    said = [terminal.recognise(sequence=number, snapPic=PICTURE) for number in (1, 2, 3)]  # the second has only begun
    site.wait(PUBACK_S)
    assert sorted(sequence for each in said for sequence in heard_from(terminal, each)) == [1, 2, 3]
    first = [each for each in site.link.sent if "/SN1/" in each.topic][:6]
    assert [each.done.called for each in first] == [False, False, False, False, True, True], "the third was withdrawn"
    site.link.room = 100
    for each in first[:4]:
        each.acknowledge()
    again = [each for each in site.link.sent if "/SN1/" in each.topic][6:]
    for each in again:
        each.acknowledge()
    assert [each.topic for each in again] == ["qyzn/SN1/image/recognition", "qyzn/SN1/event_replay/recognition"]
    assert again[-1].json["sequence"] == 3
    assert site.outbox.size.events == 0


def test_the_same_where_all_goes_to_the_disk_first(make_site: MakeSite) -> None:
    site = make_site(outbox={"mode": "always"}, events={"replay_after_s": 4})
    terminal = site.terminal()
    site.link.holds, site.link.room = True, len(site.link.sent)
    terminal.recognise(sequence=1)
    site.wait(PUBACK_S)
    site.link.room = 100
    live, replay = events(site)
    assert live.done.called
    replay.acknowledge()
    assert replay.topic == "qyzn/SN1/event_replay/recognition"
    assert site.outbox.size.events == 0


def test_the_newer_of_a_terminal_do_not_overtake_what_was_withdrawn(site: Site, terminal: Terminal) -> None:
    site.link.holds, site.link.room = True, len(site.link.sent)
    terminal.recognise(sequence=1)
    site.wait(PUBACK_S - 1)
    terminal.recognise(sequence=2)
    site.wait(1)
    assert [each.done.called for each in events(site)[:2]] == [True, True]
    while waiting := [each for each in events(site) if not each.done.called]:
        site.link.room = len(site.link.sent)
        for each in waiting:
            each.acknowledge()
    assert [each.json["sequence"] for each in events(site)[2:]] == [1, 2]
