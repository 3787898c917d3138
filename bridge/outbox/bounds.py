"""Room for what is new: what is dropped for it, and in which order (copies of what was acknowledged, then pictures, then events; the oldest
first)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from shutil import disk_usage
from typing import Final

from ..errors import StorageFault
from .rows import Rows, size_of
from .values import Cause, Dropped, Entry, Limits

SPARE_DISK_BYTES: Final = 256 << 20
"""What copies leave free for others, the broker's own file among them."""


class Bounds:
    """Keeps rows within limits. `spared` are ids and bytes of entries that are on their way to the broker: those are not dropped."""

    def __init__(self, rows: Rows, limits: Limits, spared: Mapping[int, int]) -> None:
        self._rows = rows
        self._limits = limits
        self._spared = spared
        self._events: Counter[Cause] = Counter()
        self._pictures: Counter[Cause] = Counter()
        self.copies_dropped = 0
        """How many copies gave way before their time. Nothing is lost by that, as long as the broker is there."""

    @property
    def dropped(self) -> list[Dropped]:
        """What has been dropped so far."""
        causes = self._events.keys() | self._pictures.keys()
        return [Dropped(cause, self._events[cause], self._pictures[cause]) for cause in sorted(causes)]

    def make_room(self, entry: Entry) -> None:
        """Drop what an entry needs to fit. Raises StorageFault when it never will, or not now; then nothing has been dropped."""
        size = size_of(entry)
        if len(self._spared) >= self._limits.max_events or size + sum(self._spared.values()) > self._limits.max_bytes:
            raise StorageFault(f"the outbox is full: {size} bytes do not fit")
        self.drop_copies(self._rows.bytes + size - self._limits.max_bytes, self._rows.events + 1 - self._limits.max_events)
        while self._rows.events >= self._limits.max_events:
            self.drop(next(entry_id for entry_id, _, _ in self._droppable()), "rows")
        self._free(self._rows.bytes + size - self._limits.max_bytes)

    def drop_copies(self, size: int, events: int = 0) -> None:
        """Drop copies until so many bytes and so many events are free, or there are no more."""
        bytes_wanted, events_wanted = self._rows.bytes - size, self._rows.events - events
        while self._rows.copies and (self._rows.bytes > bytes_wanted or self._rows.events > events_wanted):
            self._rows.delete(self._rows.copies.oldest())
            self.copies_dropped += 1

    def expire(self, service_s: float, most: int) -> None:
        """Delete the copies that were kept for long enough, or so many of them."""
        for entry_id in islice(self._rows.copies.acknowledged_by(service_s - self._limits.keep_s), most):
            self._rows.delete(entry_id)

    def drop_aged(self, service_s: float) -> None:
        """Drop what has been here for too long."""
        aged = []
        for entry_id, _, added_at_service_s in self._droppable():
            if service_s - added_at_service_s <= self._limits.max_age_s:
                break
            aged.append(entry_id)
        for entry_id in aged:
            self.drop(entry_id, "age")

    def drop(self, entry_id: int, cause: Cause) -> None:
        """Drop one entry, if it is there."""
        pictures = self._rows.delete(entry_id)
        if pictures is not None:
            self._events[cause] += 1
            self._pictures[cause] += pictures

    def _free(self, needed: int) -> None:
        for entry_id in _first(needed, self._with_pictures()):
            before = self._rows.bytes
            self._pictures["bytes"] += self._rows.strip(entry_id)
            needed -= before - self._rows.bytes
        for entry_id in _first(needed, ((entry_id, size) for entry_id, size, _ in self._droppable())):
            self.drop(entry_id, "bytes")

    def _droppable(self) -> Iterator[tuple[int, int, float]]:
        return (each for each in self._rows.oldest() if each[0] not in self._spared)

    def _with_pictures(self) -> Iterator[tuple[int, int]]:
        return (each for each in self._rows.oldest_with_pictures() if each[0] not in self._spared)


def is_nearly_full(directory: Path) -> bool:
    """Whether copies should take no more of the disk."""
    try:
        return disk_usage(directory).free < SPARE_DISK_BYTES
    except OSError:  # the next write tells what is the matter
        return False


def _first(needed: int, sizes: Iterator[tuple[int, int]]) -> list[int]:
    """The ids of the first whose bytes come to what is needed; of all when those do not."""
    ids = []
    while needed > 0 and (each := next(sizes, None)) is not None:
        ids.append(each[0])
        needed -= each[1]
    return ids
