"""Waits that double, with jitter."""

from __future__ import annotations

from random import Random

from bridge.simulator.backoff import LONGEST_S, Backoff


def test_waits_double_up_to_the_longest_and_are_jittered() -> None:
    backoff, bound, waits = Backoff(Random(1)), 1.0, []
    for _ in range(12):
        wait = backoff.next_s()
        assert 0.1 * bound <= wait <= bound
        waits.append(wait / bound)
        bound = min(2 * bound, LONGEST_S)
    assert bound == LONGEST_S
    assert len(set(waits)) == len(waits)


def test_after_a_good_connection_they_are_short_again() -> None:
    backoff = Backoff(Random(1))
    for _ in range(8):
        backoff.next_s()
    backoff.reset()
    assert backoff.next_s() <= 1.0
