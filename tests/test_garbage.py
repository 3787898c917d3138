from __future__ import annotations

import ctypes
import gc
import weakref
from collections.abc import Callable, Iterator

import pytest

from bridge import garbage
from bridge.garbage import MIDDLE, OLD, YOUNG, give_back_what_is_free, leave_alone_what_is_there
from bridge.relay.condition import resident_bytes


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


@pytest.mark.skipif(not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="another C library")
def test_what_large_things_took_is_given_back() -> None:
    large = [ctypes.create_string_buffer(100_000) for _ in range(400)]  # below what is mapped by itself, so that it comes from the heap
    for each in large:
        ctypes.memset(each, 1, 100_000)
    keep = large[::40]
    before = resident_bytes()
    del large, each
    give_back_what_is_free()
    assert len(keep) == 10
    assert resident_bytes() < before - 20_000_000


def nothing_to_load(_: None) -> ctypes.CDLL:
    raise OSError("Dynamic loading not supported")


def another_library(_: None) -> ctypes.CDLL:
    return object()  # type: ignore[return-value]  # without malloc_trim


@pytest.mark.parametrize("load", [nothing_to_load, another_library])
def test_another_c_library_keeps_what_it_has(load: Callable[[None], ctypes.CDLL], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(garbage, "_trim", garbage._trim_of(load))
    assert garbage._trim is None
    give_back_what_is_free()
