from __future__ import annotations

import pytest

from bridge.registry import limits
from bridge.registry.limits import FORGOTTEN_AFTER_S, MAX_ADDRESSES, MAX_DETAILS, MAX_SUBJECTS, AddressLimit, Novelties
from tests.registry.site import ELSEWHERE, HERE


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_an_address_has_a_limit_of_its_own_for_a_while(clock: Clock) -> None:
    limit = AddressLimit(3, 60.0, clock)
    assert [limit.admits(HERE) for _ in range(5)] == [True, True, True, False, False]
    assert limit.admits(ELSEWHERE)
    clock.now = 59.9
    assert not limit.admits(HERE)
    clock.now = 60.0
    assert limit.admits(HERE)


def test_whoever_has_an_ipv6_network_has_one_limit(clock: Clock) -> None:
    limit = AddressLimit(3, 60.0, clock)
    assert [limit.admits(f"2001:db8::{number:x}") for number in range(1, 6)] == [True, True, True, False, False]
    assert limit.admits("2001:db8:0:1::1")


def test_addresses_are_bounded(clock: Clock) -> None:
    limit = AddressLimit(1, 60.0, clock)
    for number in range(MAX_ADDRESSES + 10):
        limit.admits(str(number))
    assert len(limit._counts) == MAX_ADDRESSES


def test_nothing_is_told_twice_until_it_has_been_away_for_long(clock: Clock) -> None:
    novelties = Novelties(clock)
    assert novelties.is_new("SN1", "pending", HERE)
    for clock.now in range(10, 20_000, 10):
        assert not novelties.is_new("SN1", "pending", HERE)
    clock.now += FORGOTTEN_AFTER_S
    assert novelties.is_new("SN1", "pending", HERE)


def test_another_subject_or_detail_is_news(clock: Clock) -> None:
    novelties = Novelties(clock)
    assert novelties.is_new("SN1", "pending", HERE)
    assert novelties.is_new("SN2", "pending", HERE)
    assert novelties.is_new("SN1", "blocked", HERE)
    novelties.forget("SN1")
    assert novelties.is_new("SN1", "pending", HERE)
    assert not novelties.is_new("SN2", "pending", HERE)


def test_ever_new_details_are_told_up_to_a_limit(clock: Clock) -> None:
    novelties = Novelties(clock)
    assert sum(novelties.is_new("SN1", number, HERE) for number in range(20)) == MAX_DETAILS


def test_what_one_address_makes_known_is_limited_and_put_off(clock: Clock) -> None:
    novelties = Novelties(clock)

    def told() -> int:
        return sum(novelties.is_new(f"SN{number}", "pending", HERE) for number in range(70))

    assert told() == 30
    assert novelties.is_new("SN69", "pending", ELSEWHERE)
    clock.now = 60.0
    assert told() == 30
    clock.now = 120.0
    assert told() == 9


def test_subjects_are_bounded(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "MAX_SUBJECTS", 10)
    novelties = Novelties(clock)
    for number in range(25):
        novelties.is_new(str(number), "pending", HERE)
    assert len(novelties._told) == 10
    assert MAX_SUBJECTS > 1000
