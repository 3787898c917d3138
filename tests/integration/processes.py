"""Other processes, as /proc shows them."""

from __future__ import annotations

from pathlib import Path

import pytest

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="needs /proc to see other processes")


def state_and_parent(pid: int) -> tuple[str, int]:
    """As in ("S", 1); ("Z", 0) for one that has ended, whether or not somebody has asked for its exit status."""
    try:
        state, parent = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[:2]
    except OSError:
        return "Z", 0
    return (state, int(parent)) if state != "Z" else ("Z", 0)


def children(parent: int) -> list[int]:
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if state_and_parent(int(path.name))[1] == parent]


def descendants(ancestor: int) -> list[int]:
    return [each for child in children(ancestor) for each in (child, *descendants(child))]


def is_alive(pid: int) -> bool:
    return state_and_parent(pid)[0] != "Z"


def is_named(pid: int, name: str) -> bool:
    """Whether this is the program that it runs."""
    return Path(f"/proc/{pid}/comm").read_text().strip() == name
