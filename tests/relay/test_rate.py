from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.relay.rate import Rate, Ration


def test_so_many_and_no_more_until_the_first_is_long_ago() -> None:
    rate = Rate(2, 10.0)
    assert [rate.take("a", now) for now in (0.0, 4.0, 9.0)] == [0.0, 0.0, 1.0]
    assert rate.take("a", 10.0) == 0.0
    assert rate.take("a", 10.0) == 4.0
    assert rate.take("a", 14.0) == 0.0


def test_each_key_has_its_own() -> None:
    rate = Rate(1, 10.0)
    assert [rate.take("a", 0.0), rate.take("b", 0.0), rate.take("a", 0.0)] == [0.0, 0.0, 10.0]


def test_keys_that_are_not_asked_for_any_more_are_forgotten() -> None:
    rate = Rate(1, 10.0)
    for second in range(1_000):
        rate.take(f"key {second}", float(second))
    assert len(rate) <= 11


@given(st.lists(st.floats(0, 5), max_size=60))
def test_no_period_has_more(pauses: list[float]) -> None:
    rate, now, taken = Rate(3, 10.0), 0.0, list[float]()
    for pause in pauses:
        now += pause
        wait = rate.take("a", now)
        if wait == 0:
            taken.append(now)
        else:
            assert 0 < wait <= 10
    assert all(len([other for other in taken if start <= other < start + 10]) <= 3 for start in taken)


def test_what_is_left_out_is_counted_and_told_with_the_next() -> None:
    ration = Ration(2, 10.0)
    assert [ration.take("a", 0.0) for _ in range(5)] == [0, 0, None, None, None]
    assert [ration.take("a", 10.0) for _ in range(3)] == [3, 0, None]
    assert ration.take("b", 10.0) == 0
    assert ration.take("a", 25.0) == 1
