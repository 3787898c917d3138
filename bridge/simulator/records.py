"""What a terminal has seen and nobody has acknowledged yet: its own store, the last buffer on the way."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

MOST_RECORDS = 1000
MOST_BYTES = 32 << 20
"""A store full of large pictures, for a load of many terminals, must not eat the machine."""


@dataclass(frozen=True, slots=True)
class Record:
    """A REQUEST as it will go on the wire, on this connection or a later one: sequence and body stay, so that a copy is known as one."""

    sequence: int
    name: str
    version: int
    body: bytes = field(repr=False)


Key = tuple[str, str | int]
Maker = Callable[[], Record | None]
"""Makes a record when its turn has come; None when there is nothing to say any more."""


class RecordStore:
    """Records in the order they were made, bounded by number and by bytes; the oldest give way. What was put off waits unmade beside them,
    once for each key: of many large records no more than one is in memory."""

    def __init__(self, most: int = MOST_RECORDS, most_bytes: int = MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._records: deque[Record] = deque()
        self._bytes = 0
        self._put_off: dict[Key, Maker] = {}
        self._made: Record | None = None
        """The one of the records that had been put off."""

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: Record) -> int:
        """Keep it. Returns how many old ones had to go."""
        self._append(record)
        dropped = 0
        while len(self._records) > self._most or (self._bytes > self._most_bytes and len(self._records) > 1):
            self.remove(self._records[0])
            dropped += 1
        return dropped

    def put_off(self, makers: Mapping[Key, Maker]) -> None:
        """Records to be made and sent one at a time, between the others."""
        self._put_off.update(makers)

    def oldest(self) -> Record | None:
        """The one that is to be sent next."""
        self._make_one()
        return self._records[0] if self._records else None

    def sequences(self) -> set[int]:
        """Of the records that nobody has acknowledged."""
        return {record.sequence for record in self._records}

    def remove(self, record: Record) -> None:
        """It was acknowledged, or is given up. Does nothing when it is gone already."""
        if record in self._records:
            self._records.remove(record)
            self._bytes -= len(record.body)
        if record == self._made:
            self._made = None

    def clear(self) -> None:
        """Forget them, but for what was put off: the terminal was asked for that."""
        self._records.clear()
        self._bytes = 0
        if self._made is not None:
            self._append(self._made)

    def _append(self, record: Record) -> None:
        self._records.append(record)
        self._bytes += len(record.body)

    def _make_one(self) -> None:
        while self._made is None and self._put_off:
            key = next(iter(self._put_off))
            self._made = self._put_off.pop(key)()
            if self._made is not None:
                self._append(self._made)
