"""What is told at once the first time, and then counted and told once in a while: a flood of one thing is neither a flood of lines nor of
messages. No I/O; time comes in as `now`, monotonic seconds."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass
from math import inf
from typing import Generic, TypeVar

T = TypeVar("T")

MOST_SUBJECTS = 20
"""So many are told of on their own; what others do meanwhile is counted together."""
_OTHERS = object()


@dataclass(slots=True)
class _Count(Generic[T]):
    until: float
    last: T
    count: int = 0
    amount: float = 0.0


@dataclass(frozen=True, slots=True)
class Summary(Generic[T]):
    """What came since it was told of last: `count` things, whose amounts add up to `amount`, and the last of them. `is_several`: they are
    about several subjects."""

    last: T
    is_several: bool
    count: int
    amount: float


class Digest(Generic[T]):
    """Counts things by group and subject, to be told of every `every_s`."""

    def __init__(self, every_s: float) -> None:
        self.every_s = every_s
        self._counts: dict[tuple[str, Hashable], _Count[T]] = {}

    def next_at(self) -> float:
        """When `due` is to be called; infinity when nothing has been noted."""
        return min((count.until for count in self._counts.values()), default=inf)

    def note(self, group: str, subject: Hashable, thing: T, now: float, amount: float = 0.0) -> bool:
        """Whether to tell of it now, as it is the first. Otherwise it is counted."""
        if (group, subject) not in self._counts and len(self._counts) < MOST_SUBJECTS:
            self._counts[group, subject] = _Count(now + self.every_s, thing)
            return True
        self.count(group, subject, thing, now, amount)
        return False

    def count(self, group: str, subject: Hashable, thing: T, now: float, amount: float = 0.0) -> None:
        """Count it."""
        key: tuple[str, Hashable] = (group, subject)
        if key not in self._counts and len(self._counts) >= MOST_SUBJECTS:
            key = (group, _OTHERS)
        count = self._counts.setdefault(key, _Count(now + self.every_s, thing))
        count.last = thing
        count.count += 1
        count.amount += amount

    def due(self, now: float) -> list[Summary[T]]:
        """What has been counted for long enough; a subject of which there was nothing for as long is forgotten."""
        summaries = []
        for key, count in list(self._counts.items()):
            if now < count.until:
                continue
            if count.count:
                summaries.append(Summary(count.last, key[1] is _OTHERS, count.count, count.amount))
                self._counts[key] = _Count(now + self.every_s, count.last)
            else:
                del self._counts[key]
        return summaries
