"""A broker that is known to have forgotten nothing is told nothing again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.defer import Deferred

from bridge.errors import BrokerRefused
from bridge.mqtt.message import Message
from bridge.mqtt.topics import BROKER_VERSION
from bridge.relay.checkpoints import EVERY_S
from tests.outbox.site import succeeds
from tests.relay.conftest import MakeSite
from tests.relay.site import Site, Terminal

ALWAYS: dict[str, Any] = {"outbox": {"mode": "always", "keep_s": 600}}
TOPIC = "qyzn/bridge/checkpoint"


class Memory:
    """What a broker remembers: a test has it lose some of it."""

    def __init__(self, site: Site, version: bytes = b"mosquitto version 2.0.11") -> None:
        self.site = site
        self.retained = {BROKER_VERSION: version}

    def notice(self) -> list[dict[str, Any]]:
        """Remember what was retained on the topic since last asked; returns that."""
        said = [each for each in self.site.link.on(TOPIC) if each.publication.retain]
        self.site.link.sent = [each for each in self.site.link.sent if each not in said]
        for each in said:
            self.retained[TOPIC] = each.publication.payload
        return [each.json for each in said]

    def settle(self) -> list[dict[str, Any]]:
        """So long that a checkpoint is due; returns those that came."""
        self.site.wait(EVERY_S)
        return self.notice()

    def come(self) -> None:
        """Accept the bridge, send what is retained, and acknowledge its question."""
        self.site.link.holds = True
        self.site.link_up()
        (asked,) = self.site.link.on(TOPIC)
        assert (asked.publication.payload, asked.publication.retain) == (b"", False)
        for topic, payload in self.retained.items():
            self.site.relay.message(Message(topic, payload, qos=0, retain=True))
        self.site.link.holds = False
        asked.acknowledge()

    def go(self) -> None:
        """Be gone; what it has said by then it remembers."""
        self.notice()
        self.site.link.go_down()
        self.site.relay.link_down()

    def end(self) -> None:
        """End the bridge in the regular way."""
        settled = Deferred.fromCoroutine(self.site.relay.dispatch.settle())
        assert succeeds(settled)
        self.site.relay.stop()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site(**ALWAYS)


@pytest.fixture
def memory(site: Site) -> Memory:
    memory = Memory(site)
    memory.come()
    return memory


@pytest.fixture
def terminal(memory: Memory) -> Terminal:
    return memory.site.terminal()


def sequences(site: Site) -> list[int]:
    """What was published since the broker was last there."""
    return [each.json["sequence"] for each in site.link.sent if each.topic.startswith("qyzn/SN1/event")]


def test_a_connection_that_was_lost_repeats_nothing(memory: Memory, terminal: Terminal) -> None:
    for number in range(3):
        terminal.recognise(sequence=number)
        memory.settle()
        memory.go()
        memory.come()
        assert sequences(memory.site) == []
    assert memory.site.outbox.copies.events == 3


def test_what_was_acknowledged_since_the_checkpoint_is_published_again(memory: Memory, terminal: Terminal) -> None:
    terminal.recognise(sequence=1)
    memory.settle()
    terminal.recognise(sequence=2)
    memory.go()
    memory.come()
    assert sequences(memory.site) == [2]


def test_a_broker_that_fell_back_is_told_what_came_after_that(memory: Memory, terminal: Terminal) -> None:
    terminal.recognise(sequence=1)
    memory.settle()
    saved = dict(memory.retained)
    terminal.recognise(sequence=2)
    memory.settle()
    memory.go()
    memory.retained = saved
    memory.come()
    assert sequences(memory.site) == [2]
    memory.settle()
    memory.go()
    memory.come()
    assert sequences(memory.site) == []


def test_a_broker_that_fell_back_and_is_lost_again_before_all_is_told(memory: Memory, terminal: Terminal) -> None:
    terminal.recognise(sequence=1)
    memory.settle()
    saved = dict(memory.retained)
    terminal.recognise(sequence=2)
    terminal.recognise(sequence=3)
    memory.settle()
    memory.go()
    memory.retained = dict(saved)
    memory.come()
    memory.site.link.go_down()
    memory.site.relay.link_down()
    memory.retained = dict(saved)
    memory.come()
    assert sequences(memory.site) == [2, 3]


def test_no_checkpoint_passes_what_waits(memory: Memory, terminal: Terminal) -> None:
    site = memory.site
    terminal.recognise(sequence=1)
    memory.settle()
    site.link.holds = True
    terminal.recognise(sequence=2)
    other = site.terminal("SN2")
    other.recognise(sequence=7)
    for each in site.link.sent:
        if each.topic.startswith("qyzn/SN2/event"):
            each.acknowledge()
    assert memory.settle() == []
    assert json.loads(memory.retained[TOPIC])["below"] == 2
    memory.go()
    memory.come()
    assert sequences(site) == [2]
    assert [each.json["sequence"] for each in site.link.sent if each.topic.startswith("qyzn/SN2/event")] == [7]


def test_a_broker_that_has_forgotten_everything(memory: Memory, terminal: Terminal) -> None:
    terminal.recognise(sequence=1)
    memory.settle()
    memory.go()
    del memory.retained[TOPIC]
    memory.come()
    assert sequences(memory.site) == [1]


@pytest.mark.parametrize("version", [b"EMQX 5.8.0", b"2.4.1", b"", b"mosquittish"])
def test_no_other_broker_is_believed(make_site: MakeSite, version: bytes) -> None:
    site = make_site(**ALWAYS)
    memory = Memory(site, version)
    memory.come()
    site.terminal().recognise(sequence=1)
    assert memory.settle() == []
    memory.go()
    memory.retained[TOPIC] = json.dumps({"run": site.outbox.checkpoint.run, "below": 2}).encode()
    memory.come()
    assert sequences(site) == [1]


def test_a_broker_that_does_not_say_what_it_is(memory: Memory, terminal: Terminal) -> None:
    terminal.recognise(sequence=1)
    memory.settle()
    memory.go()
    del memory.retained[BROKER_VERSION]
    memory.come()
    assert sequences(memory.site) == [1]


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b'{"run": 1, "below": 2}', b'{"run": "x", "below": "2"}', b"\xff", b"[" * 5000])
def test_what_is_no_checkpoint(memory: Memory, terminal: Terminal, payload: bytes) -> None:
    terminal.recognise(sequence=1)
    memory.settle()
    memory.go()
    memory.retained[TOPIC] = payload
    memory.come()
    assert sequences(memory.site) == [1]


def test_what_is_not_retained_says_nothing(memory: Memory, terminal: Terminal) -> None:
    """On MQTT 3.1.1 the bridge hears what it publishes itself."""
    site = memory.site
    terminal.recognise(sequence=1)
    memory.settle()
    checkpoint = memory.retained.pop(TOPIC)
    memory.go()
    site.link.holds = True
    site.link_up()
    site.relay.message(Message(BROKER_VERSION, b"mosquitto version 2.0.11", retain=True))
    site.relay.message(Message(TOPIC, checkpoint, retain=False))
    site.link.on(TOPIC)[0].acknowledge()
    assert sequences(site) == [1]


def test_a_broker_that_does_not_let_the_bridge_ask(memory: Memory, terminal: Terminal) -> None:
    site = memory.site
    terminal.recognise(sequence=1)
    memory.settle()
    memory.go()
    site.link.holds = True
    site.link_up()
    for topic, payload in memory.retained.items():
        site.relay.message(Message(topic, payload, retain=True))
    site.link.on(TOPIC)[0].refuse(BrokerRefused("Not authorized", 0x87))
    assert sequences(site) == [1]
    for each in site.link.sent:
        if not each.done.called:
            each.acknowledge()
    site.wait(EVERY_S)
    assert len(site.link.on(TOPIC)) == 1


def test_checkpoints_are_few(memory: Memory, terminal: Terminal) -> None:
    run = memory.site.outbox.checkpoint.run
    assert memory.settle() == [{"run": run, "below": 1}], "the first, once it is known what the broker has forgotten"
    for number in range(5):
        terminal.recognise(sequence=number)
    assert memory.notice() == []
    (checkpoint,) = memory.settle()
    assert checkpoint == {"run": run, "below": 6}
    memory.site.wait(10 * EVERY_S)
    assert memory.notice() == []


def test_none_comes_on_the_next_connection_of_what_was_acknowledged_on_the_last(memory: Memory, terminal: Terminal) -> None:
    site = memory.site
    terminal.recognise(sequence=1)
    memory.go()
    del memory.retained[BROKER_VERSION]
    memory.come()
    site.wait(2 * EVERY_S)
    assert memory.notice() == []


def test_none_comes_before_it_is_known_what_the_broker_has_forgotten(memory: Memory, terminal: Terminal) -> None:
    site = memory.site
    terminal.recognise(sequence=1)
    memory.settle()
    terminal.recognise(sequence=2)
    memory.go()
    site.disk.prompt = False
    memory.come()
    assert site.relay.dispatch.recall.is_under_way
    site.relay.dispatch.recall.acknowledged()
    assert memory.settle() == []
    site.disk.prompt = True
    site.disk.run()
    assert sequences(site) == [2]


def test_the_last_word_is_said_at_the_end(memory: Memory, terminal: Terminal) -> None:
    memory.notice()
    terminal.recognise(sequence=1)
    memory.end()
    (last,) = memory.notice()
    assert last["below"] == 2
    memory.site.relay.stop()
    assert memory.notice() == []


def test_a_bridge_that_was_restarted_in_the_regular_way_repeats_nothing(tmp_path: Path) -> None:
    first = Site(tmp_path / "state", ALWAYS)
    memory = Memory(first)
    memory.come()
    first.terminal().recognise(sequence=1)
    memory.end()
    memory.notice()
    first.stop()

    second = Site(tmp_path / "state", ALWAYS)
    memory.site = second
    memory.come()
    assert sequences(second) == []
    assert second.outbox.copies.events == 1
    memory.go()
    del memory.retained[TOPIC]
    memory.come()
    assert sequences(second) == [1]
    second.stop()


def test_a_bridge_that_is_started_again_and_again_repeats_nothing(tmp_path: Path) -> None:
    """However short its runs are, and though nothing happens in them."""
    first = Site(tmp_path / "state", ALWAYS)
    memory = Memory(first)
    memory.come()
    first.terminal().recognise(sequence=1)
    memory.settle()
    first.stop()
    for _ in range(3):
        again = Site(tmp_path / "state", ALWAYS)
        memory.site = again
        memory.come()
        assert sequences(again) == []
        memory.notice()
        again.stop()


def test_both_killed(tmp_path: Path) -> None:
    first = Site(tmp_path / "state", ALWAYS)
    memory = Memory(first)
    memory.come()
    terminal = first.terminal()
    terminal.recognise(sequence=1)
    memory.settle()
    saved = dict(memory.retained)
    terminal.recognise(sequence=2)
    memory.settle()
    first.stop()

    second = Site(tmp_path / "state", ALWAYS)
    memory.site, memory.retained = second, saved
    second.link.is_up = False
    memory.come()
    assert sequences(second) == [2]
    second.stop()
