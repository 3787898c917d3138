"""The entries as rows of the database, and what they come to. Used by one thread; whoever writes begins and ends the transaction."""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Iterator
from itertools import accumulate, pairwise
from typing import Any, Final

import msgspec

from .copies import Copies
from .schema import Damaged
from .values import Entry, Picture, Stored

ENTRY_OVERHEAD_BYTES: Final = 256
"""What an entry takes beside its event and pictures: terminal, key, times, and its places in the indexes."""

_SLACK_PAGES: Final = 1024  # 4 MiB
_VACUUM_PAGES: Final = 16_384  # 64 MiB given back at once, so that it does not take long
_RUNS_KNOWN: Final = 100  # openings of the file; a broker that remembers none of them is told everything again
_INSERT: Final = "INSERT INTO entry VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_TALLY: Final = "SELECT terminal, id, event_bytes + picture_bytes FROM entry"
_SIZE: Final = "SELECT terminal, event_bytes + picture_bytes, pictures, picture_bytes FROM entry WHERE id = ?"
_READ: Final = """
    SELECT terminal, key, kind, recorded_at, added_at, added_at_service_s, event, entry.pictures, payloads
    FROM entry LEFT JOIN picture ON picture.entry = id WHERE id = ?
"""
_SERVICE: Final = """
    SELECT max(seconds, coalesce((SELECT added_at_service_s FROM entry ORDER BY id DESC LIMIT 1), 0)) FROM service
"""


class _PictureHead(msgspec.Struct, array_like=True):
    """A picture beside its event; the bytes of all pictures of an entry lie in one row of their own, one after the other."""

    topic: str
    retain: bool
    size: int


_heads_decoder = msgspec.json.Decoder(list[_PictureHead])


class Rows:
    """What is in one database. After a transaction that was undone, `recount`. Raises sqlite3.Error, and Damaged from what reads."""

    def __init__(self, connection: sqlite3.Connection, copies: Copies, last_id: int = 0) -> None:
        """`copies` are those of the entries that do not wait any more. `last_id` is the last that was given: none is given twice, for what
        was handed out may still be on its way."""
        self.connection = connection
        self.copies = copies
        self.events = 0
        """All there are, copies among them, and their bytes."""
        self.bytes = 0
        self.copies_bytes = 0
        self.held: dict[str, int] = {}
        """How many entries of each terminal wait."""
        self.last_id = last_id
        self._none_waits_below = 0
        self.recount()

    def recount(self) -> None:
        """Take what there is from the database: with 100,000 entries, a tenth of a second."""
        tally = self.connection.execute(_TALLY).fetchall()
        self.copies.retain(entry_id for _, entry_id, _ in tally)
        self.events = len(tally)
        self.bytes = sum(size for _, _, size in tally)
        self.copies_bytes = sum(size for _, entry_id, size in tally if entry_id in self.copies)
        self.held = dict(Counter(terminal for terminal, entry_id, _ in tally if entry_id not in self.copies))
        self.last_id = max(self.last_id, max((entry_id for _, entry_id, _ in tally), default=0))
        self._none_waits_below = 0

    def find(self, key: str) -> int | None:
        """The id of the entry with this key."""
        row = self.connection.execute("SELECT id FROM entry WHERE key = ?", (key,)).fetchone()
        return None if row is None else int(row[0])

    def insert(self, entry: Entry, added_at: float, service_s: float) -> int:
        """Add an entry behind all others; returns its id."""
        entry_id = self.last_id + 1
        heads, picture_bytes = _heads(entry), picture_bytes_of(entry)
        head_bytes = size_of(entry) - picture_bytes
        self.connection.execute(
            _INSERT,
            (entry_id, entry.terminal, entry.key, entry.kind, entry.recorded_at, added_at, service_s, head_bytes, picture_bytes, heads, entry.event),
        )  # fmt: skip
        if picture_bytes:
            payloads = b"".join(picture.payload or b"" for picture in entry.pictures)
            self.connection.execute("INSERT INTO picture VALUES (?, ?)", (entry_id, payloads))
        self.last_id = entry_id
        self.events += 1
        self.bytes += head_bytes + picture_bytes
        self.held[entry.terminal] = self.held.get(entry.terminal, 0) + 1
        return entry_id

    def acknowledge(self, entry_id: int, service_s: float) -> None:
        """An entry does not wait any more, and is kept as a copy; one that is not there is ignored. Nothing is written."""
        row = self.connection.execute(_SIZE, (entry_id,)).fetchone()
        if row is None or entry_id in self.copies:
            return
        terminal, size, _, _ = row
        self.copies.add(entry_id, service_s)
        self.copies_bytes += size
        self._waits_no_more(terminal)

    def wait_again(self, entry_id: int) -> None:
        """If this is a copy, it waits again, in its old place."""
        if self.copies.take(entry_id):
            terminal, size, _, _ = self.connection.execute(_SIZE, (entry_id,)).fetchone()
            self.copies_bytes -= size
            self.held[terminal] = self.held.get(terminal, 0) + 1
            self._none_waits_below = min(self._none_waits_below, entry_id)

    def recall(self, below: int, service_s: float) -> None:
        """What has an id below this is a copy, and everything else waits, each in its old place. Nothing is written."""
        ids = self.connection.execute("SELECT id FROM entry WHERE id < ? ORDER BY id", (below,))
        self.copies.become([entry_id for (entry_id,) in ids], service_s)
        self.recount()

    def note(self) -> None:
        """Write down which entries are copies for certain: those before the first that waits."""
        self.connection.execute("UPDATE service SET acknowledged_below = ?", (self.acknowledged_below,))

    def read_note(self, *, is_believed: bool) -> None:
        """Take as copies, if the note is to be believed, what it tells; no id below it is given again either way."""
        (below,) = self.connection.execute("SELECT acknowledged_below FROM service").fetchone()
        self.last_id = max(self.last_id, below - 1)
        if is_believed:
            self.recall(below, self.service_s)

    def begin_run(self, name: str, last_id: int) -> list[tuple[str, int]]:
        """Write down, once, by what name this opening of the file is known, and the last id before it; returns that of the last openings,
        this one first."""
        runs = self.connection.execute("SELECT name, last_id FROM run ORDER BY number DESC LIMIT ?", (_RUNS_KNOWN,)).fetchall()
        if not runs or runs[0][0] != name:
            runs.insert(0, (name, last_id))
            self.connection.execute("INSERT INTO run (name, last_id) VALUES (?, ?)", (name, last_id))
            self.connection.execute("DELETE FROM run WHERE number <= (SELECT max(number) FROM run) - ?", (_RUNS_KNOWN,))
        return runs

    def delete(self, entry_id: int) -> int | None:
        """Remove an entry, or a copy; returns how many pictures went with it, or None when it is not there."""
        row = self.connection.execute(_SIZE, (entry_id,)).fetchone()
        if row is None:
            return None
        terminal, size, heads, picture_bytes = row
        self.connection.execute("DELETE FROM picture WHERE entry = ?", (entry_id,))
        self.connection.execute("DELETE FROM entry WHERE id = ?", (entry_id,))
        self.events -= 1
        self.bytes -= size
        if self.copies.take(entry_id):
            self.copies_bytes -= size
        else:
            self._waits_no_more(terminal)
        return len(_decoded(heads)) if picture_bytes else 0

    def _waits_no_more(self, terminal: str) -> None:
        self.held[terminal] -= 1
        if not self.held[terminal]:
            del self.held[terminal]

    def strip(self, entry_id: int) -> int:
        """Remove the pictures of an entry that has some; returns how many they were."""
        _, _, heads, picture_bytes = self.connection.execute(_SIZE, (entry_id,)).fetchone()
        self.connection.execute("DELETE FROM picture WHERE entry = ?", (entry_id,))
        self.connection.execute("UPDATE entry SET picture_bytes = 0 WHERE id = ?", (entry_id,))
        self.bytes -= picture_bytes
        return len(_decoded(heads))

    def oldest(self) -> Iterator[tuple[int, int, float]]:
        """Of those that wait, id, bytes, and when it was added (seconds of service), oldest first."""
        statement = "SELECT id, event_bytes + picture_bytes, added_at_service_s FROM entry WHERE id >= ? ORDER BY id"
        return self._waiting(statement, self._none_waits_below)

    def oldest_with_pictures(self) -> Iterator[tuple[int, int]]:
        """Of those that wait, id, and bytes of its pictures, oldest first."""
        return self._waiting("SELECT id, picture_bytes FROM entry WHERE picture_bytes > 0 AND id >= ? ORDER BY id", self._none_waits_below)

    def oldest_added_at(self) -> float | None:
        """When the first of those that wait was added, UNIX seconds."""
        statement = "SELECT id, added_at FROM entry WHERE id >= ? ORDER BY id"
        first, added_at = next(self._waiting(statement, self._none_waits_below), (self.last_id + 1, None))
        self._none_waits_below = first  # so that nobody looks through the same copies twice
        return added_at

    @property
    def acknowledged_below(self) -> int:
        """No entry with an id below this waits."""
        self.oldest_added_at()
        return self._none_waits_below

    def of_terminal(self, terminal: str) -> Iterator[tuple[int, int]]:
        """Of those of a terminal that wait, id and bytes, oldest first."""
        statement = "SELECT id, event_bytes + picture_bytes FROM entry WHERE terminal = ? AND id >= ? ORDER BY id"
        return self._waiting(statement, terminal, self._none_waits_below)

    def _waiting(self, statement: str, *parameters: object) -> Iterator[Any]:
        return (row for row in self.connection.execute(statement, parameters) if row[0] not in self.copies)

    def is_slack(self) -> bool:
        """Whether there is nothing, in a file that could be much smaller."""
        if self.events:
            return False
        (pages,) = self.connection.execute("PRAGMA freelist_count").fetchone()
        return bool(pages > _SLACK_PAGES)

    def shrink(self) -> None:
        """Give some of what is free back to the system; outside of a transaction."""
        # A script, for `execute` takes one step, and each frees one page; the file itself shrinks when the WAL is copied into it.
        self.connection.executescript(f"PRAGMA incremental_vacuum({_VACUUM_PAGES}); PRAGMA wal_checkpoint(PASSIVE)")

    def read(self, entry_id: int, service_s: float) -> Stored:
        """An entry that is there, after so many seconds of service."""
        row = self.connection.execute(_READ, (entry_id,)).fetchone()
        if row is None:
            raise Damaged(f"entry {entry_id} is in an index, but not in the table")
        terminal, key, kind, recorded_at, added_at, added_at_service_s, event, heads, payloads = row
        pictures = _pictures(_decoded(heads), payloads)
        entry = Entry(terminal, key, kind, recorded_at, event, pictures)
        return Stored(entry_id, added_at, entry, max(0.0, service_s - added_at_service_s))

    @property
    def service_s(self) -> float:
        """For how long this file has been in use, as far as it tells."""
        (seconds,) = self.connection.execute(_SERVICE).fetchone()
        return float(seconds)

    @service_s.setter
    def service_s(self, seconds: float) -> None:
        self.connection.execute("UPDATE service SET seconds = ?", (seconds,))


def size_of(entry: Entry) -> int:
    """What an entry counts towards the bound in bytes."""
    return ENTRY_OVERHEAD_BYTES + len(entry.event) + picture_bytes_of(entry) + sum(len(picture.topic) + 16 for picture in entry.pictures)


def picture_bytes_of(entry: Entry) -> int:
    """The bytes of its pictures alone."""
    return sum(len(picture.payload or b"") for picture in entry.pictures)


def _heads(entry: Entry) -> bytes:
    return msgspec.json.encode([_PictureHead(each.topic, each.retain, len(each.payload or b"")) for each in entry.pictures])


def _decoded(heads: bytes) -> list[_PictureHead]:
    try:
        return _heads_decoder.decode(heads)
    except msgspec.MsgspecError as error:
        raise Damaged(f"what is said of an entry's pictures: {error}") from None


def _pictures(heads: list[_PictureHead], payloads: bytes | None) -> tuple[Picture, ...]:
    ends = [0, *accumulate(head.size for head in heads)]
    if payloads is not None and len(payloads) != ends[-1]:
        raise Damaged(f"the pictures of an entry are {len(payloads)} bytes instead of {ends[-1]}")
    parts = [None if payloads is None else payloads[start:end] for start, end in pairwise(ends)]
    return tuple(Picture(head.topic, part, head.retain) for head, part in zip(heads, parts, strict=True))
