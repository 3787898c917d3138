from __future__ import annotations

from math import inf

from hypothesis import given
from hypothesis import strategies as st

from bridge.relay.digest import MOST_SUBJECTS, Digest, Summary


def test_the_first_is_told_at_once_and_the_others_in_a_while() -> None:
    digest: Digest[str] = Digest(60)
    assert digest.next_at() == inf
    assert digest.note("fault", "a", "first", 100.0)
    assert [digest.note("fault", "a", thing, 110.0, 0.5) for thing in ("second", "third")] == [False, False]
    assert digest.note("fault", "b", "another's", 130.0)
    assert digest.next_at() == 160.0
    assert digest.due(159.0) == []
    assert digest.due(160.0) == [Summary("third", False, 2, 1.0)]
    digest.note("fault", "a", "fourth", 170.0)
    assert digest.due(220.0) == [Summary("fourth", False, 1, 0.0)]
    assert digest.due(280.0) == []
    assert digest.next_at() == inf
    assert digest.note("fault", "a", "long after", 300.0)


def test_what_was_told_elsewhere_is_only_counted() -> None:
    digest: Digest[str] = Digest(60)
    digest.count("refusal", "a", "again", 0.0)
    assert digest.due(60.0) == [Summary("again", False, 1, 0.0)]


def test_many_subjects_are_told_of_together() -> None:
    digest: Digest[int] = Digest(60)
    assert [digest.note("fault", subject, subject, 0.0) for subject in range(1000)] == [True] * MOST_SUBJECTS + [False] * (
        1000 - MOST_SUBJECTS
    )
    assert len(digest._counts) == MOST_SUBJECTS + 1
    assert digest.due(60.0) == [Summary(999, True, 1000 - MOST_SUBJECTS, 0.0)]


@given(st.lists(st.tuples(st.floats(0, 100), st.sampled_from("abc"), st.integers(0, 40), st.booleans())))
def test_every_one_is_told_of_once(moves: list[tuple[float, str, int, bool]]) -> None:
    digest: Digest[int] = Digest(60)
    now, told = 0.0, 0
    for pause_s, group, subject, is_told in moves:
        now += pause_s
        if is_told:
            told += digest.note(group, subject, 0, now)
        else:
            digest.count(group, subject, 0, now)
        told += sum(summary.count for summary in digest.due(now))
        assert len(digest._counts) <= MOST_SUBJECTS + 3
    assert told + sum(summary.count for summary in digest.due(inf)) == len(moves)
