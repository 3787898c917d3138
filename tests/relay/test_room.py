"""Where events wait for the link: in order, not for long, and not always before everybody else."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from bridge.relay.room import ROOM_S, Room
from tests.relay.site import FakeLink


class Waiting:
    """A room before a congested link, and who was let in or turned away, in order."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.link = FakeLink(congested=True)
        self.room = Room(self.link, self.clock)
        self.came: list[tuple[str, bool]] = []
        self.fills_after = 0
        """So many fill the link again; 0: however many."""

    def wait(self, *terminals: str) -> None:
        for terminal in terminals:
            Deferred.fromCoroutine(self._wait(terminal))

    async def _wait(self, terminal: str) -> None:
        is_in = await self.room.wait(terminal)
        self.came.append((terminal, is_in))
        self.link.congested = bool(self.fills_after) and len(self.came) % self.fills_after == 0


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


def test_all_are_let_in_in_their_order_when_there_is_room(waiting: Waiting) -> None:
    waiting.wait("a", "b", "c")
    waiting.link.drain()
    assert waiting.came == [("a", True), ("b", True), ("c", True)]
    waiting.clock.advance(ROOM_S)
    assert waiting.clock.getDelayedCalls() == []


def test_no_more_than_there_is_room_for(waiting: Waiting) -> None:
    waiting.fills_after = 2
    waiting.wait("a", "b", "c")
    waiting.link.drain()
    assert waiting.came == [("a", True), ("b", True)]
    assert "c" in waiting.room


def test_who_waits_too_long_is_turned_away(waiting: Waiting) -> None:
    waiting.wait("a")
    waiting.clock.advance(ROOM_S / 2)
    waiting.wait("b")
    waiting.clock.advance(ROOM_S / 2)
    assert waiting.came == [("a", False)]
    waiting.link.drain()
    assert waiting.came == [("a", False), ("b", True)]


def test_every_second_time_others_are_first(waiting: Waiting) -> None:
    firsts = []
    waiting.fills_after = 1
    waiting.wait(*"abcd")
    for _ in range(4):
        waiting.link.when_drained().addCallback(lambda _: firsts.append("others" if not waiting.link.congested else "events"))
        waiting.link.drain()
        waiting.clock.advance(0)
    assert firsts == ["events", "others", "events", "others"]
    assert [terminal for terminal, _ in waiting.came] == [*"abcd"]


def test_one_may_be_let_in_or_turned_away_before_its_turn(waiting: Waiting) -> None:
    waiting.wait("a", "b")
    waiting.room.let_in("b")
    waiting.room.turn_away("a")
    assert waiting.came == [("b", True), ("a", False)]
    assert "a" not in waiting.room
    assert "b" not in waiting.room


def test_when_it_is_closed_nobody_waits_and_no_timer_is_left(waiting: Waiting) -> None:
    waiting.fills_after = 1
    waiting.wait(*"abc")
    waiting.link.drain()
    waiting.link.drain()  # now it is the others' turn first
    waiting.room.close()
    assert [is_in for _, is_in in waiting.came] == [True, False, False]
    assert waiting.clock.getDelayedCalls() == []


def test_when_the_link_goes_after_that_no_timer_is_made(waiting: Waiting) -> None:
    waiting.fills_after = 1
    waiting.wait(*"abc")
    waiting.link.drain()
    waiting.room.close()
    waiting.link.drain()  # a link that goes down is not congested any more
    assert waiting.clock.getDelayedCalls() == []
    waiting.link.congested = True
    waiting.wait("d")
    waiting.link.drain()
    waiting.clock.advance(0)
    assert waiting.came[-1] == ("d", True)
