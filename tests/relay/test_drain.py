"""What waits in the outbox goes to the broker: in order, each entry once, and at its share of the link, however much is new."""

from __future__ import annotations

import base64

import pytest
from twisted.internet.defer import fail

from bridge.errors import BrokerRefused, StorageFault
from bridge.mqtt.message import Publication
from bridge.mqtt.window import Done
from bridge.outbox import store
from bridge.outbox.store import MOST_IN_A_BATCH
from bridge.relay.drain import REFUSED_PAUSE_S
from bridge.relay.flights import PUBACK_S
from bridge.relay.room import ROOM_S
from tests.relay.conftest import MakeSite
from tests.relay.site import Sent, Site, Terminal
from tests.relay.test_dispatch import events, heard_from

JPEG = b"\xff\xd8\xff\xe0 a face"
PICTURE = base64.b64encode(JPEG).decode()
MORE_THAN_A_BATCH = MOST_IN_A_BATCH + 20


def sequences(site: Site, device: str = "SN1") -> list[int]:
    return [each.json["sequence"] for each in events(site, device=device)]


def wait_in_the_outbox(site: Site, terminal: Terminal, count: int) -> None:
    """So many events of a terminal, numbered from 1; then the broker is there."""
    site.link.go_down()
    for sequence in range(1, count + 1):
        terminal.recognise(sequence=sequence)
    site.link.holds = True
    site.link_up()


def under_way(site: Site) -> list[Sent]:
    return [each for each in events(site) if not each.done.called]


def test_the_next_batch_is_read_while_one_is_on_its_way(site: Site, terminal: Terminal) -> None:
    wait_in_the_outbox(site, terminal, MORE_THAN_A_BATCH)
    assert sequences(site) == list(range(1, MOST_IN_A_BATCH + 1))
    site.disk.prompt = False
    for each in under_way(site):
        each.acknowledge()
    assert sequences(site) == list(range(1, MORE_THAN_A_BATCH + 1))
    site.disk.prompt = True
    site.disk.run()


def test_what_the_broker_did_not_take_goes_before_what_was_read_ahead(site: Site, terminal: Terminal) -> None:
    wait_in_the_outbox(site, terminal, MORE_THAN_A_BATCH)
    *others, last = under_way(site)
    for each in others:
        each.acknowledge()
    last.refuse(BrokerRefused("quota exceeded", 0x97))
    assert len(events(site)) == MOST_IN_A_BATCH
    site.clock.advance(REFUSED_PAUSE_S)
    assert sequences(site)[MOST_IN_A_BATCH:] == list(range(MOST_IN_A_BATCH, MORE_THAN_A_BATCH + 1))


def test_and_so_does_what_is_lost_with_the_connection(site: Site, terminal: Terminal) -> None:
    wait_in_the_outbox(site, terminal, MORE_THAN_A_BATCH)
    site.link.go_down()
    site.link_up()
    assert sequences(site) == list(range(1, MOST_IN_A_BATCH + 1))
    for each in under_way(site):
        each.acknowledge()
    assert sequences(site) == list(range(1, MORE_THAN_A_BATCH + 1))


def test_however_much_is_new_the_outbox_has_its_turn_whenever_there_is_room(
    site: Site, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The link is never without somebody who waits for it; each time it has room for a batch of four, and two more."""
    monkeypatch.setattr(store, "MOST_IN_A_BATCH", 4)
    live = [site.terminal(f"LIVE{number}") for number in range(20)]
    site.link.congested = True
    wait_in_the_outbox(site, terminal, 9)
    for each in live:
        each.recognise()
    given = 0

    def send(publication: Publication, done: Done) -> Sent | None:
        nonlocal given
        given += 1
        site.link.congested = given >= 6
        return link_send(publication, done)

    link_send = site.link.send
    monkeypatch.setattr(site.link, "send", send)
    came: list[tuple[int, int]] = []
    for _ in range(4):
        given = 0
        site.link.drain()
        site.clock.advance(0)  # who is polite comes then
        came.append((len(events(site)), sum(len(events(site, device=each.serial)) for each in live)))
        for waiting in under_way(site):
            waiting.acknowledge()
    assert came == [(4, 2), (8, 4), (9, 10), (9, 16)]


def test_what_the_broker_refuses_is_tried_again_after_a_while(site: Site, terminal: Terminal) -> None:
    site.link.holds = True
    terminal.recognise(sequence=9)
    for _ in range(2):
        events(site)[-1].refuse(BrokerRefused("quota exceeded", 0x97))
    site.link.taken()
    assert heard_from(terminal, []) == [9]
    site.clock.advance(REFUSED_PAUSE_S - 1)
    assert events(site) == []
    site.clock.advance(2)
    (again,) = events(site)
    again.acknowledge()
    assert site.outbox.size.events == 0


def test_an_outbox_that_cannot_be_read_is_tried_again(site: Site, terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    site.link.go_down()
    terminal.recognise(sequence=9)
    with monkeypatch.context() as patch:
        patch.setattr(site.outbox, "next_batch", lambda: fail(StorageFault("an I/O error")))
        site.link_up()
        assert events(site) == []
    site.clock.advance(REFUSED_PAUSE_S)
    assert len(events(site)) == 1


def test_what_is_being_deleted_is_not_published_again_by_a_batch_that_was_asked_for_before(site: Site, terminal: Terminal) -> None:
    other = site.terminal("SN2")
    site.link.holds = True
    terminal.recognise(sequence=1)
    site.wait(PUBACK_S)  # now it stands in the outbox as well
    (sent,) = events(site)
    site.link.congested, site.disk.prompt = True, False
    other.recognise(sequence=2)
    site.wait(ROOM_S)
    site.disk.run()  # the other's event goes to the disk, and a batch is asked for
    site.link.drain()
    sent.acknowledge()
    while site.disk.calls:
        site.disk.run()
    site.disk.prompt = True
    assert [each.json["sequence"] for each in events(site)] == [1]
    assert [each.json["sequence"] for each in events(site, device="SN2")] == [2]
    assert site.outbox.held("SN1") == 0


def test_what_is_acknowledged_and_deleted_after_it_was_read_ahead_is_not_published_again(
    make_site: MakeSite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "MOST_IN_A_BATCH", 1)
    site = make_site(outbox={"mode": "always", "keep_s": 0})
    terminal, other = site.terminal(), site.terminal("SN2")
    wait_in_the_outbox(site, terminal, 3)
    other.recognise(sequence=9)  # with the link, and on the disk
    for _ in range(2):
        under_way(site)[0].acknowledge()
    assert sequences(site) == [1, 2, 3]  # and the other's has been read, to be the next
    (sent,) = events(site, device="SN2")
    sent.acknowledge()
    assert site.outbox.held("SN2") == 0
    while waiting := under_way(site):
        waiting[0].acknowledge()
    assert sequences(site) == [1, 2, 3]
    assert sequences(site, "SN2") == [9]


@pytest.mark.parametrize("comes_back", [False, True])
def test_of_a_terminal_that_was_removed_what_was_answered_is_published_and_nothing_is_retained(
    make_site: MakeSite, comes_back: bool
) -> None:
    site = make_site(images={"retain": True})
    terminal = site.terminal()
    site.link.go_down()
    assert heard_from(terminal, terminal.recognise(sequence=9, snapPic=PICTURE)) == [9]
    site.admission.remove("SN1")
    if comes_back:
        site.terminal()
    site.link_up()
    (event,) = events(site)
    (picture,) = [each for each in site.link.on(event.json["image"]) if each.publication.payload]
    assert (picture.publication.payload, picture.publication.retain) == (JPEG, comes_back)
