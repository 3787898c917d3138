"""Python's collector of cycles, set for a process that runs for months: what is there when it is ready stays."""

from __future__ import annotations

import gc

YOUNG, MIDDLE, OLD = 10_000, 20, 50
"""After how many new objects it looks at those, and how many such looks are between those at older ones. Python's own 700, 10 and 10 are
met by a hundred events on their way, of which none is garbage."""


def leave_alone_what_is_there() -> None:
    """To be called once, when all is loaded and put together. The collector then looks at 60,000 objects less each time, which took 10 of the
    110 µs of an event, and 30 ms at a stretch."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG, MIDDLE, OLD)
