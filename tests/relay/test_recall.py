"""What the broker has acknowledged, and then forgot, it is told again."""

from __future__ import annotations

import base64
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from bridge.errors import BrokerRefused, TooLarge
from bridge.outbox.rows import Rows
from bridge.relay.drain import REFUSED_PAUSE_S
from bridge.relay.flights import PUBACK_S
from bridge.relay.recall import AGAIN_S
from tests.relay.conftest import MakeSite
from tests.relay.site import Sent, Site, Terminal

PICTURE = base64.b64encode(b"\xff\xd8\xff\xe0 a face").decode()
ALWAYS: dict[str, Any] = {"outbox": {"mode": "always", "keep_s": 600}}


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    site = make_site(**ALWAYS)
    site.link_up()
    return site


def published(site: Site, device: str = "SN1") -> list[Sent]:
    """What was published of a terminal's events and pictures since the broker was last there."""
    return [each for each in site.link.sent if each.topic.startswith((f"qyzn/{device}/event", f"qyzn/{device}/image"))]


def sequences(site: Site, device: str = "SN1") -> list[int]:
    return [each.json["sequence"] for each in published(site, device) if "/event" in each.topic]


def outage(site: Site) -> None:
    site.link.go_down()
    site.relay.link_down()


def finish(site: Site) -> None:
    """Let the disk do what it was asked for, one thing after the other."""
    while site.disk.calls:
        site.disk.run()
    site.disk.prompt = True


def test_what_was_acknowledged_is_published_again_as_it_was(site: Site, terminal: Terminal) -> None:
    terminal.recognise(sequence=1, snapPic=PICTURE)
    first = [each.publication for each in published(site)]
    site.note()
    assert (site.outbox.size.events, site.outbox.copies.events) == (0, 1)
    outage(site)
    site.link_up()
    assert [each.publication for each in published(site)] == first
    site.note()
    assert (site.outbox.size.events, site.outbox.copies.events) == (0, 1)


def test_each_time_the_broker_is_back(site: Site, terminal: Terminal) -> None:
    for number in range(3):
        terminal.recognise(sequence=number)
        outage(site)
        site.link_up()
        assert sequences(site) == list(range(number + 1))


def test_what_is_old_is_published_again_as_a_replay(site: Site, terminal: Terminal) -> None:
    terminal.recognise(sequence=1)
    (live,) = published(site)
    site.wait(100)
    outage(site)
    site.link_up()
    (replay,) = published(site)
    assert (live.topic, replay.topic) == ("qyzn/SN1/event/recognition", "qyzn/SN1/event_replay/recognition")
    assert replay.json == {**live.json, "replay": True, "age_s": 101}


def test_only_for_so_long(site: Site, terminal: Terminal) -> None:
    terminal.recognise(sequence=1)
    site.wait(500)
    terminal.again().log_in().recognise(sequence=2)
    site.wait(300)
    outage(site)
    site.link_up()
    assert sequences(site) == [2]


def test_however_long_the_broker_was_away(site: Site, terminal: Terminal) -> None:
    terminal.recognise(sequence=1)
    outage(site)
    site.wait(2000)
    site.link_up()
    assert sequences(site) == [1]


def test_in_order_with_what_came_while_the_broker_was_away(site: Site, terminal: Terminal) -> None:
    terminal.recognise(sequence=1)
    terminal.recognise(sequence=2)
    outage(site)
    terminal.recognise(sequence=3)
    site.link_up()
    assert sequences(site) == [1, 2, 3]


def test_nothing_newer_overtakes_it(site: Site, terminal: Terminal) -> None:
    other = site.terminal("SN2")
    terminal.recognise(sequence=1)
    outage(site)
    site.disk.prompt = False
    site.link_up()
    terminal.recognise(sequence=2)
    other.recognise(sequence=7)
    assert (sequences(site), sequences(site, "SN2")) == ([], [])
    site.disk.prompt = True
    site.disk.run()
    assert (sequences(site), sequences(site, "SN2")) == ([1, 2], [7])


def test_copies_hold_nothing_up_while_the_broker_is_there(site: Site, terminal: Terminal) -> None:
    terminal.recognise(sequence=1)
    site.disk.prompt, site.link.holds = False, True
    terminal.recognise(sequence=2)
    assert sequences(site) == [1, 2]
    site.disk.prompt = True
    site.disk.run()


def test_an_acknowledgement_that_the_disk_was_too_slow_for_counts_for_nothing_on_the_next_connection(
    site: Site, terminal: Terminal
) -> None:
    site.disk.prompt = False
    terminal.recognise(sequence=1)
    assert sequences(site) == [1]
    outage(site)
    site.link_up()
    assert sequences(site) == []
    finish(site)
    assert sequences(site) == [1]
    site.note()
    assert (site.outbox.size.events, site.outbox.copies.events) == (0, 1)


def test_a_batch_that_was_read_for_the_last_connection_waits_for_what_is_older(site: Site, terminal: Terminal) -> None:
    terminal.recognise(sequence=1)
    outage(site)
    terminal.recognise(sequence=2)
    site.disk.prompt = False
    site.link.is_up = True  # before anybody is told
    site.relay.dispatch.drain.empty()
    outage(site)
    site.link_up()
    finish(site)
    assert sequences(site) == [1, 2]


def test_a_connection_that_is_lost_meanwhile(site: Site, terminal: Terminal) -> None:
    terminal.recognise(sequence=1)
    outage(site)
    site.disk.prompt = False
    site.link_up()
    outage(site)
    site.disk.prompt = True
    site.disk.run()
    assert sequences(site) == []
    site.link.holds = True
    site.link_up()
    (asked,) = site.link.on("qyzn/bridge/checkpoint")
    asked.acknowledge()
    assert sequences(site) == [1]
    outage(site)
    site.link.holds = False
    site.link_up()
    assert sequences(site) == [1]
    assert site.outbox.copies.events == 1


def test_a_file_that_cannot_be_read_is_tried_again(site: Site, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(*arguments: object) -> None:
        raise sqlite3.OperationalError("interrupted")

    terminal.recognise(sequence=1)
    outage(site)
    with monkeypatch.context() as patch:
        patch.setattr(Rows, "recall", failing)
        site.link_up()
        site.clock.advance(AGAIN_S)
        terminal.recognise(sequence=2)
        assert sequences(site) == []
    site.clock.advance(AGAIN_S)
    assert sequences(site) == [1, 2]


def test_the_end_comes_meanwhile(site: Site, terminal: Terminal) -> None:
    terminal.recognise(sequence=1)
    outage(site)
    site.disk.prompt = False
    site.link_up()
    site.relay.shutting_down()
    site.relay.dispatch.hurry()
    site.disk.prompt = True
    site.disk.run()
    assert sequences(site) == []


def test_a_connection_that_was_lost_takes_back_what_it_had_not_acknowledged(site: Site, terminal: Terminal) -> None:
    terminal.recognise(sequence=1)
    site.link.holds = True
    terminal.recognise(sequence=2)
    outage(site)
    site.link.holds = False
    site.link_up()
    assert sequences(site) == [1, 2]


@pytest.mark.parametrize("outbox", [{"mode": "auto"}, {"mode": "always", "keep_s": 0}])
def test_where_nothing_is_kept_nothing_is_published_again(make_site: MakeSite, outbox: dict[str, Any]) -> None:
    site = make_site(outbox=outbox)
    terminal = site.terminal()
    terminal.recognise(sequence=1)
    assert (site.outbox.size.events, site.outbox.copies.events) == (0, 0)
    outage(site)
    site.link_up()
    assert sequences(site) == []


def test_after_the_bridge_was_started_anew(tmp_path: Path) -> None:
    first = Site(tmp_path / "state", ALWAYS)
    first.link_up()
    terminal = first.terminal()
    terminal.recognise(sequence=1)
    terminal.recognise(sequence=2)
    first.stop()
    second = Site(tmp_path / "state", ALWAYS)
    second.link.is_up = False
    assert second.outbox.size.events == 0
    second.link_up()
    assert sequences(second) == [1, 2]
    second.stop()


# In the mode always, what is with the link as well holds nothing newer up.


def test_nothing_queues_behind_what_the_broker_is_about_to_acknowledge(site: Site, terminal: Terminal) -> None:
    site.link.holds = True
    said = terminal.recognise(sequence=1) + terminal.recognise(sequence=2)
    assert [each.sequence for each in said if each.type == 4] == [1, 2]
    assert sequences(site) == [1, 2]
    terminal.say("qrcode_data", {"content": "4711"}, sequence=3)
    assert [each.json["sequence"] for each in site.link.sent if "answer_topic" in each.json] == [3]
    assert site.outbox.held("SN1") == 3
    for each in published(site):
        each.acknowledge()
    terminal.recognise(sequence=4)
    assert sequences(site) == [1, 2, 3, 4]
    published(site)[-1].acknowledge()
    site.note()
    assert (site.outbox.held("SN1"), site.outbox.copies.events) == (0, 4)
    assert site.relay.dispatch.flights.airborne._keys == {}


def test_nor_behind_what_the_disk_has_yet_to_learn_of(site: Site, terminal: Terminal) -> None:
    site.disk.prompt = False
    terminal.recognise(sequence=1)
    terminal.recognise(sequence=2)
    assert sequences(site) == [1, 2]
    finish(site)
    terminal.recognise(sequence=3)
    assert sequences(site) == [1, 2, 3]
    site.note()
    assert site.relay.dispatch.flights.airborne._keys == {}


def test_but_behind_what_the_broker_did_not_take(site: Site, terminal: Terminal) -> None:
    site.link.holds = True
    terminal.recognise(sequence=1)
    for _ in range(2):
        published(site)[-1].refuse(BrokerRefused("quota exceeded", 0x97))
    terminal.recognise(sequence=2)
    assert sequences(site) == [1, 1]
    site.link.holds = False
    site.clock.advance(REFUSED_PAUSE_S)
    assert sequences(site) == [1, 1, 1, 2]
    terminal.recognise(sequence=3)
    assert sequences(site) == [1, 1, 1, 2, 3]


def test_although_the_disk_has_yet_to_learn_of_it(site: Site, terminal: Terminal) -> None:
    site.link.holds, site.disk.prompt = True, False
    terminal.recognise(sequence=1)
    published(site)[0].refuse(BrokerRefused("quota exceeded", 0x97))
    terminal.recognise(sequence=2)
    assert sequences(site) == [1]
    finish(site)


def test_and_behind_what_was_taken_back_from_a_slow_link(site: Site, terminal: Terminal) -> None:
    site.link.holds, site.link.room = True, len(site.link.sent)
    terminal.recognise(sequence=1)
    terminal.recognise(sequence=2)
    site.wait(PUBACK_S)
    site.disk.prompt = False
    terminal.recognise(sequence=3)
    finish(site)
    site.link.room = 1000
    acknowledged: list[int] = []
    while waiting := [each for each in published(site) if not each.done.called]:
        for each in waiting:
            each.acknowledge()
        acknowledged += [each.json["sequence"] for each in waiting]
    assert acknowledged == [1, 2, 3]


def test_an_event_that_the_disk_did_not_take_holds_nothing_up(site: Site, terminal: Terminal) -> None:
    site.link.holds = True
    with site.broken_disk():
        terminal.recognise(sequence=1)
    assert site.relay.dispatch.flights.airborne._keys == {}
    assert site.outbox.held("SN1") == 0


def test_what_can_never_be_published_holds_nothing_up(site: Site, terminal: Terminal) -> None:
    site.link.holds = True
    terminal.recognise(sequence=1)
    published(site)[0].refuse(TooLarge(10, 5))
    assert (site.outbox.held("SN1"), site.relay.dispatch.flights.airborne._keys) == (0, {})


def test_a_record_that_comes_again_after_it_was_acknowledged(site: Site, terminal: Terminal) -> None:
    terminal.recognise(sequence=1)
    site.directory.drop("SN1", "its memory is forgotten")
    site.link.holds = True
    terminal.again().log_in().recognise(sequence=1)
    assert site.outbox.held("SN1") == 1
    published(site)[-1].acknowledge()
    site.note()
    assert (sequences(site), site.outbox.held("SN1"), site.outbox.copies.events) == ([1, 1], 0, 1)
