"""Bytes that were published and were not seen are pictures."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.tally import Tally


@given(seen=st.lists(st.binary(max_size=50)), pictures=st.integers(0, 9), answered=st.integers(0, 9))
def test_what_was_not_seen_and_not_answered_is_too_much(seen: list[bytes], pictures: int, answered: int) -> None:
    tally = Tally()
    for payload in seen:
        tally.was_seen(payload)
    tally.broker_told(sum(map(len, seen)) + 1000 * pictures)
    assert tally.surplus_bytes(1000 * answered) == 1000 * (pictures - answered)


def test_pictures_of_an_earlier_run_of_the_broker_are_not_looked_for_in_this_one() -> None:
    tally = Tally()
    tally.was_seen(b"event")
    tally.broker_told(5 + 1000)
    tally.broker_stopped(1000)
    assert tally.surplus_bytes(1000) == 0
    assert tally.surplus_bytes(3000) == -2000
    tally.broker_told(2000)
    assert tally.surplus_bytes(3000) == 0
