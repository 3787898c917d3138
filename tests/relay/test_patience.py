from __future__ import annotations

import pytest
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock

from bridge.relay.patience import Patience

LASTS_S = 5.0


class Waiting:
    """Things that are waited for, by name, and which of them are waited for no more."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.patience = Patience(self.clock, LASTS_S)
        self.over: list[str] = []

    def begin(self, name: str, then: str | None = None) -> Deferred[None]:
        """`then` is what is waited for next, as soon as this is over."""
        awaited: Deferred[None] = Deferred()
        Deferred.fromCoroutine(self.wait(name, awaited, then))
        return awaited

    async def wait(self, name: str, awaited: Deferred[None], then: str | None = None) -> None:
        await self.patience.wait(awaited)
        self.over.append(name)
        if then is not None:
            self.begin(then)

    @property
    def timers(self) -> list[float]:
        return [call.getTime() for call in self.clock.getDelayedCalls()]


@pytest.fixture
def waiting() -> Waiting:
    return Waiting()


def test_what_fires_is_waited_for_no_more_and_its_timer_serves_others(waiting: Waiting) -> None:
    waiting.begin("a").callback(None)
    assert (waiting.over, waiting.timers) == (["a"], [LASTS_S])
    waiting.clock.advance(1)
    waiting.begin("b")
    assert waiting.timers == [LASTS_S]
    waiting.clock.advance(LASTS_S - 1)
    assert (waiting.over, waiting.timers) == (["a"], [LASTS_S + 1])
    waiting.clock.advance(1)
    assert (waiting.over, waiting.timers) == (["a", "b"], [])


def test_when_nothing_is_waited_for_the_timer_ends(waiting: Waiting) -> None:
    waiting.begin("a").callback(None)
    waiting.clock.advance(LASTS_S)
    assert waiting.timers == []


def test_what_has_fired_is_not_waited_for(waiting: Waiting) -> None:
    awaited: Deferred[None] = Deferred()
    awaited.callback(None)
    Deferred.fromCoroutine(waiting.wait("a", awaited))
    assert waiting.over == ["a"]


def test_each_is_waited_for_as_long_with_one_timer_for_all(waiting: Waiting) -> None:
    for name in "abc":
        waiting.begin(name)
        assert len(waiting.timers) == 1
        waiting.clock.advance(1)
    waiting.clock.advance(LASTS_S - 3.1)
    assert waiting.over == []
    for over in ("a", "ab", "abc"):
        waiting.clock.advance(0.1 if over == "a" else 1)
        assert "".join(waiting.over) == over
    assert waiting.timers == []


def test_the_first_may_fire_before_the_timer(waiting: Waiting) -> None:
    first = waiting.begin("a")
    waiting.clock.advance(2)
    waiting.begin("b")
    first.callback(None)
    waiting.clock.advance(LASTS_S - 0.1)
    assert waiting.over == ["a"]
    waiting.clock.advance(0.1)
    assert waiting.over == ["a", "b"]


def test_what_begins_when_the_time_of_another_is_up_does_not_make_a_third_wait(waiting: Waiting) -> None:
    waiting.begin("a", then="c")
    waiting.clock.advance(1)
    waiting.begin("b")
    waiting.clock.advance(LASTS_S - 1)
    assert waiting.over == ["a"]
    waiting.clock.advance(1)
    assert waiting.over == ["a", "b"]
    waiting.clock.advance(LASTS_S - 1)
    assert (waiting.over, waiting.timers) == (["a", "b", "c"], [])


def test_the_end_leaves_no_timer(waiting: Waiting) -> None:
    waiting.begin("a").callback(None)
    waiting.patience.end()
    assert waiting.timers == []


def test_the_end_ends_what_is_waited_for_now(waiting: Waiting) -> None:
    waiting.begin("a")
    waiting.patience.end()
    assert (waiting.over, waiting.timers) == (["a"], [])
    waiting.begin("b")
    assert waiting.over == ["a"]
    waiting.clock.advance(LASTS_S)
    assert waiting.over == ["a", "b"]
