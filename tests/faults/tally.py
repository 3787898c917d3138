"""What came of it: the terminals' records of what was answered against the recorder's of what was seen."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from tests.faults.fleet import Fleet
from tests.faults.recorder import Sight
from tests.faults.scale import REPLAY_AFTER_S

LATE_S = 2 * REPLAY_AFTER_S
"""A live event that is seen at this age is certainly late."""


@dataclass(slots=True)
class Tally:
    """`lost`: answered and never seen. `again`: seen more than once, with the same event id. `doubles`: records that are left more than once
    when the consumer drops what has an id it knows. `disordered`: first seen after a newer one of the same terminal. `pictures`: not as the
    camera took it, or not before its event. `late`: old, and on event/ all the same."""

    fault: str
    times: int = 0
    made: int = 0
    answered: int = 0
    resent: int = 0
    lost: list[tuple[str, int]] = field(default_factory=list)
    again: int = 0
    doubles: int = 0
    disordered: int = 0
    pictures: int = 0
    late: int = 0
    replays: int = 0
    slowest_beat_s: float = 0.0
    peak_mb: float = 0.0

    HEAD = (
        "fault",
        "times",
        "answered",
        "re-sent",
        "lost",
        "again, same id",
        "doubles",
        "out of order",
        "pictures wrong",
        "late",
        "beat, s",
    )

    def row(self) -> tuple[str, ...]:
        """As in the table."""
        numbers = (
            self.times,
            self.answered,
            self.resent,
            len(self.lost),
            self.again,
            self.doubles,
            self.disordered,
            self.pictures,
            self.late,
        )
        return (self.fault, *map(str, numbers), f"{self.slowest_beat_s:.2f}")


def tally(fault: str, times: int, fleet: Fleet, sights: Sequence[Sight]) -> Tally:
    """Compare."""
    result = Tally(fault, times)
    ids: dict[tuple[str, int], set[str]] = defaultdict(set)
    first: dict[tuple[str, int], tuple[int, Sight]] = {}
    for index, sight in enumerate(sights):
        ids[sight.serial, sight.sequence].add(sight.event_id)
        first.setdefault((sight.serial, sight.sequence), (index, sight))
    positions: dict[str, list[int]] = defaultdict(list)
    for terminal, record in fleet.records():
        key = (terminal.serial, record.sequence)
        result.made += 1
        result.answered += record.answered_at is not None
        result.resent += max(0, record.sent - 1)
        if key not in first:
            result.lost += [key] if record.answered_at is not None else []
            continue
        index, sight = first[key]
        positions[terminal.serial].append(index)
        result.pictures += not (sight.is_whole and sight.picture_sha256 == record.picture_sha256)
        result.late += not sight.is_replay and sight.seen_at - record.made_at > LATE_S
        result.replays += sight.is_replay
    result.again = sum(count - 1 for count in Counter(each.event_id for each in sights).values())
    result.doubles = sum(len(each) - 1 for each in ids.values())
    result.disordered = sum(_inversions(each) for each in positions.values())
    result.slowest_beat_s = max((took_s for terminal in fleet.terminals for _, took_s in terminal.beats), default=0.0)
    return result


def _inversions(positions: Sequence[int]) -> int:
    return sum(later < earlier for earlier, later in pairwise(positions))


def table(tallies: Iterable[Tally]) -> list[str]:
    """In Markdown."""
    rows = [Tally.HEAD, tuple("---" for _ in Tally.HEAD), *(each.row() for each in tallies)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(Tally.HEAD))]
    return ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in rows]
