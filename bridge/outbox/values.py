"""What goes into the outbox, what comes out of it, and what it tells of itself: values, and no MQTT."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Cause = Literal["rows", "bytes", "age", "undeliverable"]
"""Why something was dropped: the bound that was reached, or that the broker will never take it."""


@dataclass(frozen=True, slots=True)
class Picture:
    """A JPEG, not empty, to be published before its event. `payload` is None once it was dropped to make room: then the event, which names
    its topic, must not promise it."""

    topic: str
    payload: bytes | None = field(repr=False)
    retain: bool = False


@dataclass(frozen=True, slots=True)
class Entry:
    """An event and its pictures, which are kept and delivered together.

    `key` is the event's id: what has the same key is the same event. `event` is its JSON, in which whoever publishes it writes anew what
    depends on when that is (`replay`, `age_s`), for which `recorded_at` is kept: UNIX seconds by the bridge's clock.
    """

    terminal: str
    key: str
    kind: str
    recorded_at: float
    event: bytes = field(repr=False)
    pictures: tuple[Picture, ...] = ()


@dataclass(frozen=True, slots=True)
class Stored:
    """An entry that was handed out; `added_at` is when it was committed, UNIX seconds. `waited_s` is for how long the bridge has been
    running since, as far as the file tells."""

    id: int
    added_at: float
    entry: Entry
    waited_s: float = 0.0

    @property
    def least_age_s(self) -> float:
        """How old the event is at least, whatever has become of the clock on the wall."""
        return max(0.0, self.added_at - self.entry.recorded_at) + self.waited_s

    @property
    def pictures_left(self) -> int:
        """How many of its pictures were not dropped."""
        return sum(picture.payload is not None for picture in self.entry.pictures)


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is kept, and for how long.

    Two GiB hold 100,000 events (a twentieth of it) and 38,000 pictures of 50 KB beside them: what a hundred doors record on a busy day,
    and no more than a small machine has to spare. The file is about as large, and its WAL has up to 32 MiB. An entry's age is how long
    the bridge has been running since it came: neither a clock that is set nor a bridge that was off makes it older.

    For `keep_s` a copy is kept of what the broker has acknowledged; 0: none. Copies count towards the bounds, and are the first to give way.
    """

    max_events: int = 100_000
    max_bytes: int = 2 << 30
    max_age_s: float = 604_800.0
    keep_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """Up to where the broker had acknowledged everything at some time: each entry with an id below `below`, in the file's opening `run`."""

    run: str
    below: int


@dataclass(frozen=True, slots=True)
class Size:
    """What waits in the outbox. `oldest_age_s` is how long the first of it has been waiting by the wall clock; None when nothing waits."""

    events: int
    bytes: int
    oldest_age_s: float | None


@dataclass(frozen=True, slots=True)
class CopiesSize:
    """The copies of what the broker has acknowledged, which wait for nothing. `dropped`: how many gave way to others before `keep_s`, since
    the start."""

    events: int
    bytes: int
    dropped: int


@dataclass(frozen=True, slots=True)
class Dropped:
    """Events, with the pictures that went with them, or pictures alone, that will never be published. One report for each transaction
    and cause."""

    cause: Cause
    events: int
    pictures: int


@dataclass(frozen=True, slots=True)
class SetAside:
    """The file was damaged, and is kept as `moved_to` with what was in it: `events` entries, or, None, nobody knows how many. An empty
    one has taken its place."""

    reason: str
    moved_to: Path
    events: int | None


@dataclass(frozen=True, slots=True)
class Failing:
    """Nothing can be written, so what is added fails, until `Working`. Not told again while it lasts."""

    reason: str


@dataclass(frozen=True, slots=True)
class Working:
    """It can be written again."""


Report = Dropped | SetAside | Failing | Working


@dataclass(slots=True)
class Counters:
    """What was lost since the start: how many events and pictures by cause, and how many files were set aside."""

    events_dropped: Counter[Cause] = field(default_factory=Counter)
    pictures_dropped: Counter[Cause] = field(default_factory=Counter)
    files_set_aside: int = 0

    def count(self, report: Report) -> None:
        """Add what a report tells."""
        if isinstance(report, Dropped):
            self.events_dropped[report.cause] += report.events
            self.pictures_dropped[report.cause] += report.pictures
        elif isinstance(report, SetAside):
            self.files_set_aside += 1
