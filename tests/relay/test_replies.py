from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogLevel, formatEvent

from bridge.errors import BrokerAway, BrokerRefused, TooLarge
from bridge.mqtt.message import Publication
from bridge.relay.replies import KEPT, KEPT_BYTES, KEPT_S, LOGGED_WITHIN_S, MOST_LOGGED, Replies
from tests.relay.site import FakeLink
from tests.terminal.lobby import logged


class Bench:
    def __init__(self) -> None:
        self.clock = Clock()
        self.link = FakeLink()
        self.replies = Replies(self.link, self.clock.seconds)

    def send(self, *topics: str, payload: bytes = b"") -> None:
        for topic in topics:
            self.replies.send(Publication(topic, payload))

    def link_up(self) -> list[str]:
        self.link.is_up = True
        self.replies.link_up()
        return [each.topic for each in self.link.taken()]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_response_is_published_at_once_and_once(bench: Bench) -> None:
    bench.send("a")
    assert [each.topic for each in bench.link.taken()] == ["a"]
    assert bench.link_up() == []


def test_what_is_said_while_the_broker_is_away_is_published_once_in_order(bench: Bench) -> None:
    bench.link.go_down()
    bench.send("a", "b", "c")
    assert bench.link_up() == ["a", "b", "c"]
    assert bench.link_up() == []


def test_what_was_not_acknowledged_is_published_again(bench: Bench) -> None:
    bench.link.holds = True
    bench.send("a", "b")
    bench.link.sent[0].acknowledge()
    bench.link.sent[1].refuse(BrokerAway("lost"))
    bench.link.taken()
    assert bench.link_up() == ["b"]


def test_an_answer_that_nobody_waits_for_any_more_is_dropped(bench: Bench) -> None:
    bench.link.go_down()
    bench.send("old")
    bench.clock.advance(1)
    bench.send("new")
    bench.clock.advance(KEPT_S - 1)
    assert bench.link_up() == ["new"]


def test_waiting_twice_does_not_make_it_younger(bench: Bench) -> None:
    bench.link.go_down()
    bench.send("a")
    bench.clock.advance(KEPT_S - 1)
    bench.replies.link_up()  # which is gone again at once
    bench.clock.advance(1)
    assert bench.link_up() == []


def test_the_oldest_give_way(bench: Bench) -> None:
    bench.link.go_down()
    bench.send(*(str(number) for number in range(KEPT + 2)))
    assert bench.link_up() == [str(number) for number in range(2, KEPT + 2)]
    bench.link.go_down()
    bench.send("a", "b", "c", payload=bytes(KEPT_BYTES // 2))
    assert bench.link_up() == ["b", "c"]
    bench.link.go_down()
    bench.send("d", payload=bytes(KEPT_BYTES))
    assert bench.link_up() == ["d"]


def test_what_the_broker_refuses_is_not_tried_again(bench: Bench) -> None:
    bench.link.holds = True
    bench.send("a")
    bench.link.taken()[0].refuse(TooLarge(2, 1))
    assert bench.link_up() == []


def test_a_flood_of_responses_that_the_broker_refuses_is_a_few_lines(bench: Bench) -> None:
    bench.link.holds = True
    with logged(LogLevel.error) as lines:
        for number in range(1_000):
            bench.send(f"somebody/elses/{number}")
        for sent in bench.link.taken():
            sent.refuse(BrokerRefused("Not authorized", 0x87))
        bench.clock.advance(LOGGED_WITHIN_S)
        bench.send("somebody/elses")
        bench.link.taken()[0].refuse(BrokerRefused("Not authorized", 0x87))
    told = [formatEvent(each) for each in lines]
    assert len(told) == MOST_LOGGED + 1
    assert told[0] == "cannot respond on somebody/elses/0: Not authorized"
    assert told[-1] == f"cannot respond on somebody/elses: Not authorized (and {1_000 - MOST_LOGGED} more before that)"
