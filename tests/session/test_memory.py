"""The answers given to a terminal: copies are answered again, and acted on once."""

from __future__ import annotations

import gc
import weakref

from hypothesis import given
from hypothesis import strategies as st

from bridge.session.memory import MOST_REMEMBERED, REMEMBERED_S, AnswerMemory, Key, LastAnswer, Stale


def key(number: int) -> Key:
    return ("snapshot_face", number, b"digest")


class Line:
    """A connection that keeps what it is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def send(self, frame: bytes) -> None:
        self.sent.append(frame)


def test_a_copy_of_what_was_answered_gets_the_answer_on_the_line_it_came_by() -> None:
    memory, old, new = AnswerMemory(), Line(), Line()
    assert memory.is_new(key(1), old.send, 0)
    memory.settle(key(1), b"done", old.send)
    assert not memory.is_new(key(1), new.send, 100)
    assert (old.sent, new.sent) == ([b"done"], [b"done"])


def test_a_copy_of_what_is_not_yet_answered_moves_the_answer_to_its_line() -> None:
    memory, old, new = AnswerMemory(), Line(), Line()
    assert memory.is_new(key(1), old.send, 0)
    assert not memory.is_new(key(1), new.send, 1)
    memory.settle(key(1), b"done", old.send)
    assert (old.sent, new.sent) == ([], [b"done"])


def test_what_was_forgotten_is_new() -> None:
    memory, line = AnswerMemory(), Line()
    assert memory.is_new(key(1), line.send, 0)
    memory.forget(key(1))
    memory.forget(key(2))
    assert memory.is_new(key(1), line.send, 1)
    assert len(memory) == 1


def test_an_answer_nobody_remembers_is_sent_all_the_same() -> None:
    memory, line = AnswerMemory(), Line()
    memory.settle(key(1), b"done", line.send)
    assert line.sent == [b"done"]
    assert len(memory) == 0


def test_message_sequence_and_body_make_a_record() -> None:
    memory, line = AnswerMemory(), Line()
    assert all(memory.is_new(each, line.send, 0) for each in [("a", 1, b"x"), ("b", 1, b"x"), ("a", 2, b"x"), ("a", 1, b"y")])


def test_an_answer_that_has_become_stale_is_another_one() -> None:
    memory, line = AnswerMemory(), Line()
    memory.is_new(key(1), line.send, 0.0)
    memory.settle(key(1), b"open", line.send, Stale(30.0, b"shut"))
    for now in (29.9, 30.0, 31.0):
        memory.is_new(key(1), line.send, now)
    assert line.sent == [b"open", b"open", b"shut", b"shut"]


def test_answers_are_forgotten_in_time() -> None:
    memory, line = AnswerMemory(), Line()
    memory.is_new(key(1), line.send, 0)
    memory.settle(key(1), b"done", line.send)
    assert not memory.is_new(key(1), line.send, REMEMBERED_S - 0.1)
    assert memory.is_new(key(1), line.send, REMEMBERED_S)


def test_what_is_under_way_is_remembered_whatever_its_age() -> None:
    memory, line = AnswerMemory(), Line()
    memory.is_new(key(1), line.send, 0)
    assert not memory.is_new(key(1), line.send, 10 * REMEMBERED_S)
    memory.settle(key(1), b"done", line.send)
    assert not memory.is_new(key(1), line.send, 10 * REMEMBERED_S + 1)


def test_a_record_stuck_under_way_does_not_keep_the_others() -> None:
    memory, line = AnswerMemory(), Line()
    memory.is_new(key(0), line.send, 0)
    for number in range(1, 5 * MOST_REMEMBERED):
        memory.is_new(key(number), line.send, number / 1000)
        memory.settle(key(number), b"done", line.send)
    assert len(memory) <= MOST_REMEMBERED + 1
    assert not memory.is_new(key(0), line.send, 10)
    assert memory.is_new(key(1), line.send, 10), "the oldest goes first"
    assert not memory.is_new(key(5 * MOST_REMEMBERED - 1), line.send, 10)


def test_a_connection_is_let_go_once_its_answer_is_sent() -> None:
    memory, line = AnswerMemory(), Line()
    alive = weakref.ref(line)
    memory.is_new(key(1), line.send, 0)
    memory.settle(key(1), b"done", line.send)
    del line
    gc.collect()
    assert alive() is None


@given(st.lists(st.tuples(st.sampled_from(["copy", "settle", "forget"]), st.integers(0, 3), st.integers(0, 400)), max_size=40))
def test_each_record_is_acted_on_once_until_forgotten_or_old(steps: list[tuple[str, int, int]]) -> None:
    memory, line, now = AnswerMemory(), Line(), 0.0
    under_way: set[int] = set()
    answered: dict[int, float] = {}
    for step, number, later in steps:
        now += later
        if step == "settle" and number in under_way:
            memory.settle(key(number), b"%d" % number, line.send)
            under_way.remove(number)
            answered[number] = now
        elif step == "forget" and number in under_way:
            memory.forget(key(number))
            under_way.discard(number)
        elif step == "copy":
            before = len(line.sent)
            if memory.is_new(key(number), line.send, now):
                assert number not in under_way
                assert now - answered.pop(number, -1e9) > REMEMBERED_S - 400 * len(steps)
                under_way.add(number)
            else:
                assert line.sent[before:] == ([] if number in under_way else [b"%d" % number])


def test_a_copy_of_the_last_message_gets_its_answer_again() -> None:
    last, line = LastAnswer(), Line()
    assert last.is_new(1, b"login", line.send, 0)
    last.settle(1, b"login", b"welcome")
    assert not last.is_new(1, b"login", line.send, REMEMBERED_S - 1)
    assert line.sent == [b"welcome"]
    assert last.is_new(1, b"login", line.send, REMEMBERED_S)


def test_a_copy_of_what_is_being_decided_waits_for_the_answer() -> None:
    last, line = LastAnswer(), Line()
    assert last.is_new(1, b"register", line.send, 0)
    last.drop_old(2 * REMEMBERED_S)
    assert not last.is_new(1, b"register", line.send, 2 * REMEMBERED_S)
    assert line.sent == []


def test_another_sequence_or_another_body_is_another_message() -> None:
    last, line = LastAnswer(), Line()
    assert last.is_new(1, b"register", line.send, 0)
    assert last.is_new(1, b"login", line.send, 0)
    assert last.is_new(2, b"login", line.send, 0)
    last.settle(1, b"register", b"too late to be of use")
    assert not last.is_new(2, b"login", line.send, 0)
    assert line.sent == []


def test_what_is_to_be_judged_anew_is_new() -> None:
    last, line = LastAnswer(), Line()
    assert last.is_new(1, b"register", line.send, 0)
    last.settle(1, b"register", b"wait")
    last.forget(1, b"login")
    assert not last.is_new(1, b"register", line.send, 1)
    last.forget(1, b"register")
    assert last.is_new(1, b"register", line.send, 1)
