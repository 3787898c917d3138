from __future__ import annotations

import pytest

from bridge.errors import Invalid
from bridge.registry.window import JoinWindow


class Clocks:
    now = 500.0
    wall = 1_700_000_000.0


@pytest.fixture
def clocks() -> Clocks:
    return Clocks()


@pytest.fixture
def window(clocks: Clocks) -> JoinWindow:
    return JoinWindow(lambda: clocks.wall, lambda: clocks.now)


def test_it_is_closed_until_opened_and_closes_by_itself(window: JoinWindow, clocks: Clocks) -> None:
    assert (window.is_open, window.until) == (False, None)
    assert window.open_for(60) == clocks.wall + 60
    clocks.now += 59.9
    assert window.is_open
    clocks.now += 0.2
    assert (window.is_open, window.until) == (False, None)


def test_a_step_of_the_wall_clock_does_not_move_it(window: JoinWindow, clocks: Clocks) -> None:
    window.open_for(60)
    clocks.wall -= 86_400
    clocks.now += 60
    assert not window.is_open


def test_it_can_be_closed_and_moved(window: JoinWindow, clocks: Clocks) -> None:
    window.open_for(3600)
    assert window.open_for(0) is None
    assert not window.is_open
    window.open_for(3600)
    assert window.open_for(10.5) == clocks.wall + 10.5


@pytest.mark.parametrize("seconds", [-1, 3601, True, "60", None, float("nan"), float("inf"), [60]])
def test_what_is_no_time(window: JoinWindow, seconds: object) -> None:
    with pytest.raises(Invalid, match=r"^time: expected a number of seconds, 0 to 3600, got "):
        window.open_for(seconds)
    assert not window.is_open
