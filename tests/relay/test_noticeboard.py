from __future__ import annotations

from collections.abc import Iterator

import pytest

from bridge.errors import BrokerAway
from bridge.relay.noticeboard import LARGE_BYTES, MOST_UNDER_WAY, MOST_UNTOLD, Noticeboard
from tests.relay.site import FakeLink


class Bench:
    def __init__(self) -> None:
        self.link = FakeLink()
        self.board = Noticeboard(self.link)

    def published(self) -> list[tuple[str, bytes]]:
        sent = [each.publication for each in self.link.taken()]
        assert all(each.retain and each.qos == 1 for each in sent)
        return [(each.topic, each.payload) for each in sent]

    def link_up(self) -> list[tuple[str, bytes]]:
        self.link.is_up = True
        self.board.link_up()
        return self.published()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_only_changes_are_published(bench: Bench) -> None:
    for payload in (b"1", b"1", b"2", b"2", b"1"):
        bench.board.post("a", payload)
    assert bench.published() == [("a", b"1"), ("a", b"2"), ("a", b"1")]
    assert bench.board.read("a") == b"1"
    assert bench.board.read("b") is None


def test_all_are_published_when_the_broker_is_back_the_first_first(bench: Bench) -> None:
    bench.board.post("state", b"online")
    bench.link.go_down()
    bench.board.post("z", b"1")
    bench.board.post("a", b"1")
    bench.board.post("a", b"2")
    assert bench.published() == []
    bench.board.clear("gone")
    assert bench.link_up() == [("state", b"online"), ("z", b"1"), ("a", b"2"), ("gone", b"")]
    assert bench.link_up() == [("state", b"online"), ("z", b"1"), ("a", b"2")]


def test_what_is_cleared_is_forgotten_by_the_broker(bench: Bench) -> None:
    bench.board.post("a", b"1")
    bench.board.clear("a")
    assert bench.published() == [("a", b"1"), ("a", b"")]
    assert bench.board.read("a") is None
    assert bench.link_up() == []


def test_what_was_to_be_cleared_when_the_connection_was_lost_is_cleared_later(bench: Bench) -> None:
    bench.link.holds = True
    bench.board.clear("a")
    bench.link.taken()[0].refuse(BrokerAway("lost"))
    assert bench.link_up() == [("a", b"")]


def test_what_is_posted_anew_is_not_cleared(bench: Bench) -> None:
    bench.link.go_down()
    bench.board.clear("a")
    bench.board.post("a", b"1")
    assert bench.link_up() == [("a", b"1")]


def test_a_congested_link_is_told_the_rest_when_it_has_drained() -> None:
    link = FakeLink(is_up=False)
    board = Noticeboard(link)
    for number in range(3):
        board.post(f"t/{number}", b"old")
    link.is_up = True
    link.congested = True
    board.link_up()
    board.post("t/1", b"new")
    assert link.taken() == []
    link.drain()
    assert [(each.topic, each.publication.payload) for each in link.taken()] == [("t/0", b"old"), ("t/1", b"new"), ("t/2", b"old")]


def test_what_waits_when_the_link_goes_down_is_told_once_to_the_next() -> None:
    link = FakeLink(congested=True)
    board = Noticeboard(link)
    board.post("t", b"1")
    link.go_down()
    board.link_down()
    link.drain()
    assert link.taken() == []
    link.is_up = True
    board.link_up()
    assert [each.topic for each in link.taken()] == ["t"]


def test_what_is_drawn_is_made_each_time_it_is_told(bench: Bench) -> None:
    drawings = iter([b"1", b"2", b"3"])
    bench.board.post("a", lambda: next(drawings))
    assert bench.published() == [("a", b"1")]
    assert bench.link_up() == [("a", b"2")]
    assert bench.board.read("a") == b"3"


def test_what_stands_can_be_told_again_in_another_order(bench: Bench) -> None:
    bench.board.post("a", b"1")
    bench.board.post("b", b"2")
    bench.published()
    bench.board.again(["b", "nothing", "a"])
    assert bench.published() == [("b", b"2"), ("a", b"1")]


def test_a_storm_waits_here_and_what_changes_meanwhile_is_told_once(bench: Bench) -> None:
    bench.link.holds = True
    for number in range(2 * MOST_UNDER_WAY):
        bench.board.post(f"t/{number}", b"old")
    first = bench.link.taken()
    assert len(first) == MOST_UNDER_WAY
    bench.board.post(f"t/{MOST_UNDER_WAY}", b"new")
    first[0].acknowledge()
    assert [each.publication.payload for each in bench.link.taken()] == [b"new"]
    bench.link.holds = False
    for each in first[1:]:
        each.acknowledge()
    assert len(bench.link.taken()) == MOST_UNDER_WAY - 1


def test_what_failed_makes_room_too(bench: Bench) -> None:
    bench.link.holds = True
    for number in range(2 * MOST_UNDER_WAY):
        bench.board.post(f"t/{number}", b"1")
    bench.link.go_down()
    bench.board.link_down()
    for each in bench.link.taken():
        each.refuse(BrokerAway("lost"))
    bench.link.holds = False
    assert len(bench.link_up()) == 2 * MOST_UNDER_WAY


def test_what_is_cleared_twice_is_not_forgotten_with_the_first_acknowledgement(bench: Bench) -> None:
    bench.link.holds = True
    for number in range(MOST_UNDER_WAY):
        bench.board.clear(f"t/{number}")
    bench.board.clear("t/0")
    first, *_ = bench.link.taken()
    first.acknowledge()
    (again,) = bench.link.taken()
    assert (again.topic, again.publication.payload) == ("t/0", b"")
    again.refuse(BrokerAway("lost"))
    bench.link.holds = False
    assert ("t/0", b"") in bench.link_up()


class Shelf:
    """A keeper of two notices."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {"k/1": b"1", "k/2": b"2"}

    def topics_kept(self) -> Iterator[str]:
        yield from list(self.kept)

    def notice(self, topic: str) -> bytes | None:
        return self.kept.get(topic)


def test_what_others_keep_is_part_of_the_board(bench: Bench) -> None:
    shelf = Shelf()
    bench.board.keep(shelf)
    bench.board.post("a", b"0")
    assert bench.published() == [("a", b"0")]
    bench.board.changed("k/2")
    assert bench.published() == [("k/2", b"2")]
    assert bench.board.read("k/1") == b"1"
    bench.board.again(["k/1", "k/3"])
    assert bench.published() == [("k/1", b"1")]
    assert bench.link_up() == [("a", b"0"), ("k/1", b"1"), ("k/2", b"2")]
    del shelf.kept["k/1"]
    bench.board.clear("k/1")
    assert bench.published() == [("k/1", b"")]
    assert bench.link_up() == [("a", b"0"), ("k/2", b"2")]


def test_whoever_has_much_to_say_waits_until_the_broker_has_caught_up_or_is_away(bench: Bench) -> None:
    caught_up: list[int] = []

    def ask(number: int) -> list[int]:
        bench.board.when_caught_up().addCallback(lambda _: caught_up.append(number))
        return caught_up

    assert ask(0) == [0]
    bench.link.holds = True
    for number in range(MOST_UNDER_WAY + MOST_UNTOLD):
        bench.board.post(f"t/{number}", b"1")
    assert [*ask(1), *ask(2)] == [0, 0]
    sent, *others = bench.link.taken()
    sent.acknowledge()
    assert caught_up == [0, 1, 2]
    for number in range(MOST_UNTOLD):
        bench.board.post(f"more/{number}", b"1")
    assert ask(3) == [0, 1, 2]
    bench.link.go_down()
    bench.board.link_down()
    assert caught_up == [0, 1, 2, 3]
    for each in others:
        each.refuse(BrokerAway("lost"))


def test_it_is_at_rest_when_all_is_told_after_much() -> None:
    link, rests = FakeLink(holds=True), list[int]()
    board = Noticeboard(link, at_rest=lambda: rests.append(len(link.sent)))

    def tell(what: str, count: int) -> None:
        for number in range(count):
            board.post(f"{what}/{number}", b"1")
        while under_way := link.taken():
            assert len(rests) < 2
            for each in under_way:
                each.acknowledge()

    tell("a few", MOST_UNTOLD)
    assert rests == []
    tell("many", 2 * MOST_UNTOLD)
    assert rests == [0]
    tell("one", 1)
    assert rests == [0], "once after each storm"
    tell("many more", 2 * MOST_UNTOLD)
    assert rests == [0, 0]


def test_it_is_at_rest_when_a_large_notice_has_been_told() -> None:
    link, rests = FakeLink(holds=True), list[int]()
    board = Noticeboard(link, at_rest=lambda: rests.append(1))
    board.post("list", b"1" * LARGE_BYTES)
    link.taken()[0].acknowledge()
    assert rests == []
    board.post("list", b"2" * (LARGE_BYTES + 1))
    assert rests == []
    link.taken()[0].acknowledge()
    assert rests == [1]


def test_what_the_broker_will_never_be_told_is_no_rest() -> None:
    link, rests = FakeLink(holds=True), list[int]()
    board = Noticeboard(link, at_rest=lambda: rests.append(1))
    for number in range(2 * MOST_UNTOLD):
        board.post(f"t/{number}", b"1")
    link.go_down()
    board.link_down()
    assert rests == []
