"""How old a record is, when the clock that it was made by may have been wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.session.terminal_clock import TerminalClock, age_s, least_age_s

WALL = 1_564_731_768.0
HOUR = 3600.0
YEARS = 50 * 365 * 86_400.0  # back to 1970, where a clock without a battery begins


@pytest.mark.parametrize(
    ("synced_ago", "was_ahead", "behind", "age"),
    [
        # By the clock as it was set.
        (60, 0, 0, 0),
        (60, 0, 50, 50),
        (60, 0, -3, 0),
        (60, HOUR, 0, 0),
        (60, HOUR, 50, 50),
        (60, -YEARS, 50, 50),
        (60, 0.4, 100, 100),
        # By the clock as it was before.
        (5, HOUR, 5 + 600 - HOUR, 605),
        (5, HOUR, 15, HOUR + 15),  # it says ten seconds before the sync, and was made an hour before that
        (5, -HOUR, HOUR + 7, 7),
        (5, -HOUR, HOUR + 600, 600),
        (5, -YEARS, YEARS + 7, 7),
        # It says that it is older than the sync, so it is.
        (240, -HOUR, HOUR, 240),
        (240, -HOUR, HOUR + 7, 240),
        (240, -HOUR, HOUR - 100, HOUR - 100),  # later than the clock showed then: another one, that was right
        # By a clock that was right, and then lost.
        (240, -YEARS, 2 * HOUR, 2 * HOUR),
        # By a clock that was not set although it was told.
        (240, HOUR, -HOUR, 0),
        (240, HOUR, 20 - HOUR, 20),
    ],
)
def test_age(synced_ago: float, was_ahead: float, behind: float, age: float) -> None:
    assert TerminalClock(WALL - synced_ago, was_ahead).age_s(WALL - behind, WALL) == pytest.approx(age, abs=0.5)


@pytest.mark.parametrize(("behind", "age"), [(0, 0.0), (100, 100.0), (-3, 0.0), (-4000, None)])
def test_age_where_nothing_is_known_of_the_clock(behind: float, age: float | None) -> None:
    assert age_s(WALL - behind, None, WALL) == age


@given(synced_ago=st.floats(0, 600), was_ahead=st.floats(-7200, 7200), made_ago=st.floats(0, 7200), was_right=st.booleans())
def test_what_was_made_before_the_sync_is_never_younger_than_it_unless_it_says_it_is(
    synced_ago: float, was_ahead: float, made_ago: float, was_right: bool
) -> None:
    clock = TerminalClock(WALL - synced_ago, was_ahead)
    shown = WALL - synced_ago - made_ago + (0.0 if was_right else was_ahead)
    age = clock.age_s(shown, WALL)
    assert age is not None
    assert age >= synced_ago - 1e-3 or shown > clock.synced_at - 1.001


@given(synced_ago=st.floats(0, 600), was_ahead=st.floats(-7200, 7200), made_ago=st.floats(0, 600), step=st.floats(-86_400, 86_400))
def test_what_was_made_since_is_as_old_as_it_is_although_the_bridges_clock_was_set(
    synced_ago: float, was_ahead: float, made_ago: float, step: float
) -> None:
    clock = TerminalClock(WALL - synced_ago, was_ahead)
    shown = WALL - min(made_ago, synced_ago)
    assert clock.stepped(step).age_s(shown, WALL + step) == pytest.approx(min(made_ago, synced_ago), abs=1e-3)


def test_a_terminal_that_does_not_set_its_clock() -> None:
    clock = TerminalClock(WALL, -HOUR).synced_again(WALL + 300, -HOUR + 1)
    assert clock.age_s(WALL + 540 - HOUR, WALL + 540) == pytest.approx(0, abs=1)
    assert clock.synced_again(WALL + 600, 0.0) == TerminalClock(WALL + 600, 0.0)


@pytest.mark.parametrize(
    ("clock", "ahead", "age"),
    [
        (None, YEARS, 0),
        (TerminalClock(WALL - 240, 0), 20, 0),  # it may have drifted
        (TerminalClock(WALL - 240, 0), 100, 240),
        (TerminalClock(WALL - 240, HOUR), YEARS, 240),
        (TerminalClock(WALL - 240, 0).stepped(-HOUR), HOUR + 20, 0),
    ],
)
def test_the_least_age_of_a_record_of_the_future(clock: TerminalClock | None, ahead: float, age: float) -> None:
    assert least_age_s(WALL + ahead, clock, WALL) == age
