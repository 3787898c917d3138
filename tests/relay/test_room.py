"""Where events wait for the link: in order, not for long, and not always before everybody else."""

from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from bridge.relay.room import ROOM_BYTES, ROOM_S, Room
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

    def wait(self, *terminals: str, size: int = 1000, behind: bool = False) -> None:
        for terminal in terminals:
            Deferred.fromCoroutine(self._wait(terminal, size, behind=behind))

    async def _wait(self, terminal: str, size: int, *, behind: bool) -> None:
        is_in = await self.room.wait(terminal, size, behind=behind)
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


def test_there_is_a_bound_in_bytes(waiting: Waiting) -> None:
    assert waiting.room.fits(ROOM_BYTES)
    waiting.wait("a", "b", size=ROOM_BYTES // 2)
    assert not waiting.room.fits(1)
    waiting.room.turn_away("a")
    assert waiting.room.fits(ROOM_BYTES // 2)
    waiting.link.drain()
    assert waiting.room.fits(ROOM_BYTES)


def test_who_waits_for_older_ones_is_let_in_when_they_are_gone(waiting: Waiting) -> None:
    waiting.link.congested = False
    waiting.wait("a", "b", behind=True)
    assert waiting.came == []
    waiting.room.freed("b")
    waiting.room.freed("c")
    assert waiting.came == [("b", True)]


def test_and_not_before_those_who_wait_for_the_link(waiting: Waiting) -> None:
    waiting.wait("a", behind=True)
    waiting.wait("b")
    waiting.room.freed("a")
    assert waiting.came == []
    waiting.link.drain()
    assert waiting.came == [("b", True), ("a", True)]


def test_nobody_waits_for_older_ones_when_the_link_is_down(waiting: Waiting) -> None:
    waiting.wait("a", behind=True)
    waiting.wait("b")
    waiting.room.link_down()
    assert waiting.came == [("a", False)]
    assert "b" in waiting.room
