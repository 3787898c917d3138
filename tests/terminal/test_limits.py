from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.terminal.limits import Pace, Places, Rate, Rates

# Places.


def test_so_many_in_all_and_so_many_for_each_address() -> None:
    places = Places(3, 2)
    assert [places.take("192.0.2.1") for _ in range(3)] == [None, None, "connections_per_address"]
    assert places.take("192.0.2.2") is None
    assert places.take("192.0.2.3") == "connections"
    places.leave("192.0.2.1")
    assert len(places) == 2
    assert places.take("192.0.2.1") is None


def test_who_has_no_ip_address_counts_in_all_only() -> None:
    places = Places(3, 1)
    assert [places.take("local"), places.take("local"), places.take(None), places.take("local")] == [None, None, None, "connections"]


ADDRESSES = [None, "local", "192.0.2.1", "192.0.2.2", "2001:db8::1", "2001:db8::2", "2001:db8:0:1::1", "fe80::1%eth0", "fe80::2%eth0"]


@given(st.lists(st.tuples(st.booleans(), st.sampled_from(ADDRESSES))), st.integers(1, 8), st.integers(1, 4))
def test_no_place_is_lost_or_given_twice(moves: list[tuple[bool, str | None]], most: int, most_per_address: int) -> None:
    places, taken = Places(most, most_per_address), Counter[str | None]()
    for comes, address in moves:
        if comes and places.take(address) is None:
            taken[address] += 1
        elif not comes and taken[address]:
            taken[address] -= 1
            places.leave(address)
        assert len(places) == taken.total() <= most
    for address in taken.elements():
        places.leave(address)
    assert (len(places), places._by_network) == (0, {})


# Pace.


def test_a_burst_is_free_and_more_has_to_be_waited_for() -> None:
    pace = Pace(Rates(bytes=Rate(per_s=10, burst=5)))
    for _ in range(5):
        pace.read(1, 100.0)
        assert pace.wait_s(100.0) == 0
    pace.read(2, 100.0)
    assert pace.wait_s(100.0) == pytest.approx(0.2)
    assert pace.wait_s(100.15) == pytest.approx(0.05)
    assert pace.wait_s(101.0) == 0
    pace.read(5, 10_000.0)  # it is full again, and no fuller
    assert pace.wait_s(10_000.0) == 0
    pace.read(1, 10_000.0)
    assert pace.wait_s(10_000.0) == pytest.approx(0.1)


@given(st.lists(st.tuples(st.floats(0, 10), st.floats(0, 50))), st.floats(0.5, 100), st.floats(1, 100))
def test_whoever_waits_as_told_never_gets_more_than_the_rate_and_a_burst(
    moves: list[tuple[float, float]], per_s: float, burst: float
) -> None:
    pace, now, spent = Pace(Rates(bytes=Rate(per_s, burst))), 0.0, 0.0
    for pause_s, amount in moves:
        now += pause_s + pace.wait_s(now + pause_s)
        assert spent <= burst + per_s * now + 1e-6  # all that was spent before has been made up for
        pace.read(amount, now)
        spent += amount


def test_frames_and_bytes_are_each_limited() -> None:
    rates = Rates(Rate(1, 2), Rate(100, 1000))
    pace = Pace(rates)
    pace.read(1100, 0.0)
    pace.frame()
    pace.frame()
    assert pace.wait_s(0.0) == pytest.approx(1.0)
    pace.frame()
    pace.frame()
    assert pace.wait_s(0.0) == pytest.approx(2.0)


def test_before_login_it_is_a_tenth() -> None:
    before = Rates(Rate(100, 1000), Rate(2000, 10_000)).before_login()
    assert before == Rates(Rate(10, 100), Rate(200, 1000))
