"""One timer for the deadlines of all: each is woken at its own time."""

from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st
from twisted.internet.task import Clock

from bridge.terminal.deadlines import MOST_STALE, Deadlines


class Sleeper:
    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.wakes_at = inf
        self.woken_at: list[float] = []

    def woken(self) -> None:
        self.woken_at.append(self.clock.seconds())


def timers(clock: Clock) -> int:
    return len(clock.getDelayedCalls())


def test_each_is_woken_at_its_own_time_and_once() -> None:
    clock = Clock()
    deadlines, first, second = Deadlines(clock), Sleeper(clock), Sleeper(clock)
    deadlines.set(first, 3.0)
    deadlines.set(second, 1.5)
    assert timers(clock) == 1
    clock.pump([0.5] * 10)
    assert (first.woken_at, second.woken_at) == ([3.0], [1.5])
    assert first.wakes_at == inf
    assert timers(clock) == len(deadlines) == 0


def test_the_last_word_counts() -> None:
    clock = Clock()
    deadlines, sleeper = Deadlines(clock), Sleeper(clock)
    for at in (5.0, 2.0, 5.0, 4.0):
        deadlines.set(sleeper, at)
    assert len(deadlines) == 1
    clock.pump([0.5] * 20)
    assert sleeper.woken_at == [4.0]


def test_one_that_is_cancelled_sleeps_on_and_no_timer_is_left() -> None:
    clock = Clock()
    deadlines, sleeper = Deadlines(clock), Sleeper(clock)
    deadlines.cancel(sleeper)
    deadlines.set(sleeper, 1.0)
    deadlines.cancel(sleeper)
    assert timers(clock) == 0
    clock.advance(2)
    assert sleeper.woken_at == []


def test_a_sleeper_may_set_its_next_deadline_when_it_is_woken() -> None:
    clock = Clock()
    deadlines = Deadlines(clock)

    class Again(Sleeper):
        def woken(self) -> None:
            super().woken()
            if len(self.woken_at) < 3:
                deadlines.set(self, clock.seconds() + 1)

    sleeper = Again(clock)
    deadlines.set(sleeper, 1.0)
    clock.pump([0.5] * 10)
    assert sleeper.woken_at == [1.0, 2.0, 3.0]


def test_a_defect_of_one_does_not_keep_the_others_asleep() -> None:
    clock = Clock()
    deadlines, other = Deadlines(clock), Sleeper(clock)

    class Defective(Sleeper):
        def woken(self) -> None:
            raise ZeroDivisionError

    deadlines.set(Defective(clock), 1.0)
    deadlines.set(other, 1.0)
    try:
        clock.advance(1)
    except ZeroDivisionError:
        clock.advance(0)
    assert other.woken_at == [1.0]


def test_what_was_given_up_is_not_kept_without_a_bound() -> None:
    clock = Clock()
    deadlines, staying = Deadlines(clock), Sleeper(clock)
    deadlines.set(staying, 100.0)
    for _ in range(10_000):
        passing = Sleeper(clock)
        deadlines.set(passing, 30.0)
        deadlines.cancel(passing)
    assert len(deadlines._heap) <= MOST_STALE + 2
    clock.advance(100)
    assert staying.woken_at == [100.0]


@given(st.lists(st.tuples(st.integers(0, 4), st.sampled_from([0.0, 1.0, 2.0, 3.0, None]), st.sampled_from([0.0, 0.5, 1.0]))))
def test_all_are_woken_as_if_each_had_a_timer_of_its_own(acts: list[tuple[int, float | None, float]]) -> None:
    clock, plain = Clock(), Clock()
    deadlines, sleepers = Deadlines(clock), [Sleeper(clock) for _ in range(5)]
    woken: list[list[float]] = [[] for _ in sleepers]
    calls = [plain.callLater(0, lambda: None) for _ in sleepers]
    plain.advance(0)
    for which, after, pause in acts:
        if calls[which].active():
            calls[which].cancel()
        if after is None:
            deadlines.cancel(sleepers[which])
        else:
            deadlines.set(sleepers[which], clock.seconds() + after)
            calls[which] = plain.callLater(after, lambda which=which: woken[which].append(plain.seconds()))
        for each in (clock, plain):
            each.pump([pause / 2] * 2)
    for each in (clock, plain):
        each.pump([0.5] * 10)
    assert [sleeper.woken_at for sleeper in sleepers] == woken
    assert timers(clock) == 0


ACTS = st.tuples(st.sampled_from(["set", "set", "set", "cancel", "pass"]), st.integers(0, 2), st.integers(0, 3))


@given(st.lists(ACTS, max_size=60))
def test_it_knows_how_many_there_are_when_they_have_the_same_deadlines_again(acts: list[tuple[str, int, int]]) -> None:
    """As terminals have that were asked something: their silence is bounded by the same moment before and after."""
    clock = Clock()
    deadlines, sleepers = Deadlines(clock), [Sleeper(clock) for _ in range(3)]
    for index in range(MOST_STALE):  # from here on, what was given up is thrown away now and then
        deadlines.set(sleepers[0], 1000.0 + index % 2)
    for what, who, after in acts * 3:
        if what == "set":
            deadlines.set(sleepers[who], clock.seconds() + after)
        elif what == "cancel":
            deadlines.cancel(sleepers[who])
        else:
            clock.advance(after)
        assert len(deadlines) == sum(each.wakes_at < inf for each in sleepers)
    for each in sleepers:
        deadlines.cancel(each)
    assert timers(clock) == 0
