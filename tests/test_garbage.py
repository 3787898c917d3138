from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from bridge.garbage import MIDDLE, OLD, YOUNG, leave_alone_what_is_there


@pytest.fixture(autouse=True)
def collector_as_it_was() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*thresholds)


class Cycle:
    """Something that only the collector can free."""

    def __init__(self) -> None:
        self.me = self


def test_what_is_there_is_left_alone_and_what_comes_is_not() -> None:
    leave_alone_what_is_there()
    assert gc.get_freeze_count() > 1000
    assert gc.get_threshold() == (YOUNG, MIDDLE, OLD)
    gone = weakref.ref(Cycle())
    gc.collect()
    assert gone() is None


def test_garbage_that_is_there_is_freed_first() -> None:
    gone = weakref.ref(Cycle())
    leave_alone_what_is_there()
    assert gone() is None
