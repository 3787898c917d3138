"""The table of requests that wait for their answers."""

from __future__ import annotations

from math import inf

from bridge.session.inflight import MOST_WAITING, AnswerTo, InFlight, Request


def request(sequence: int, due_at: float = 20.0) -> Request:
    made = Request(sequence, "m", 2, b"", resends_left=3, first_wait_s=0, queued_at=0, timeout_at=80)
    made.sequence, made.due_at = sequence, due_at
    return made


def test_one_way_in_and_one_way_out() -> None:
    table, first = InFlight(), request(1)
    table.add(first)
    assert 1 in table
    assert len(table) == 1
    assert table.take(1) is first
    assert 1 not in table
    assert len(table) == 0


def test_late_is_told_from_bogus() -> None:
    table = InFlight()
    table.add(request(1))
    table.take(1)
    assert table.take(1) is AnswerTo.LATE
    assert table.take(2) is AnswerTo.BOGUS


def test_late_is_known_for_as_many_as_could_wait_at_once() -> None:
    table = InFlight()
    for sequence in range(MOST_WAITING):
        table.add(request(sequence))
    assert table.is_full
    for each in table.due(20):
        table.take(each.sequence)
    assert {table.take(sequence) for sequence in range(MOST_WAITING)} == {AnswerTo.LATE}


def test_what_is_remembered_of_the_finished_is_bounded() -> None:
    table = InFlight()
    for sequence in range(10 * MOST_WAITING):
        table.add(request(sequence))
        table.take(sequence)
    assert table.take(0) is AnswerTo.BOGUS
    assert table.take(10 * MOST_WAITING - 1) is AnswerTo.LATE


def test_due() -> None:
    table = InFlight()
    assert table.next_due_at() == inf
    for sequence, due_at in ((1, 20.0), (2, 10.0), (3, 30.0)):
        table.add(request(sequence, due_at))
    assert table.next_due_at() == 10.0
    assert [each.sequence for each in table.due(9.9)] == []
    assert [each.sequence for each in table.due(20)] == [1, 2]
    assert len(table) == 3


def test_clear_gives_all_back() -> None:
    table = InFlight()
    for sequence in (1, 2):
        table.add(request(sequence))
    assert [each.sequence for each in table.clear()] == [1, 2]
    assert len(table) == 0
    assert table.clear() == []
