"""What a terminal has seen and nobody has acknowledged yet: its own store, the last buffer on the way."""

from __future__ import annotations

from collections import deque
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


class RecordStore:
    """Records in the order they were made, bounded by number and by bytes; the oldest give way."""

    def __init__(self, most: int = MOST_RECORDS, most_bytes: int = MOST_BYTES) -> None:
        self._most = most
        self._most_bytes = most_bytes
        self._records: deque[Record] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._records)

    def add(self, record: Record) -> int:
        """Keep it. Returns how many old ones had to go."""
        self._records.append(record)
        self._bytes += len(record.body)
        dropped = 0
        while len(self._records) > self._most or (self._bytes > self._most_bytes and len(self._records) > 1):
            self.remove(self._records[0])
            dropped += 1
        return dropped

    def oldest(self) -> Record | None:
        """The one that is to be sent next."""
        return self._records[0] if self._records else None

    def remove(self, record: Record) -> None:
        """It was acknowledged, or is given up. Does nothing when it is gone already."""
        if record in self._records:
            self._records.remove(record)
            self._bytes -= len(record.body)
