from __future__ import annotations

from twisted.internet.defer import Deferred, fail

from bridge.relay.turns import Turns, start
from tests.terminal.lobby import logged


class Work:
    """Things to be done, each until its Deferred is fired."""

    def __init__(self) -> None:
        self.begun: list[Deferred[None]] = []

    def start(self) -> Deferred[None]:
        self.begun.append(Deferred())
        return self.begun[-1]


def test_no_more_at_once_than_may_be() -> None:
    turns, work = Turns(2, start), Work()
    for _ in range(5):
        turns.take(work.start)
    assert (len(work.begun), turns.waiting) == (2, 3)
    work.begun[1].callback(None)
    assert (len(work.begun), turns.waiting) == (3, 2)


def test_first_come_first_served() -> None:
    turns, begun = Turns(1, start), []
    first: Deferred[None] = Deferred()
    turns.take(lambda: first)
    for number in range(3):
        turns.take(lambda number=number: begun.append(number))  # type: ignore[misc]
    assert begun == []
    first.callback(None)
    assert begun == [0, 1, 2]


def test_thousands_may_be_over_at_once() -> None:
    turns, begun = Turns(1, start), []
    first: Deferred[None] = Deferred()
    turns.take(lambda: first)
    for number in range(5_000):
        turns.take(lambda number=number: begun.append(number))  # type: ignore[misc]
    first.callback(None)
    assert len(begun) == 5_000


def test_what_takes_a_turn_while_another_begins_waits_for_its_own() -> None:
    turns, begun = Turns(1, start), []

    def outer() -> None:
        turns.take(lambda: begun.append("inner"))
        begun.append("outer")

    turns.take(outer)
    assert begun == ["outer", "inner"]


def test_a_defect_ends_its_turn_and_is_logged() -> None:
    turns, begun = Turns(1, start), []

    def breaks() -> None:
        raise ZeroDivisionError

    with logged() as events:
        turns.take(breaks)
        turns.take(lambda: fail(ZeroDivisionError()))
        turns.take(lambda: begun.append("next"))
    assert begun == ["next"]
    assert len(events) == 2
