"""Remembers what was answered, so that a record re-sent is answered again and acted on once (protocol section 3.2, item 5).

A terminal re-sends what got no answer in 20 s, with the same sequence, three times, and may do so on a new connection. So the
memory belongs to the terminal, not to the connection, and knows which connection asked last.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

Key = tuple[str, int, bytes]
"""Message, sequence, digest of the body."""
Send = Callable[[bytes], None]

REMEMBERED_S = 600.0
"""Longer than a terminal's re-sends (80 s) with a reconnect in between."""
MOST_REMEMBERED = 256
"""A terminal has one record under way at a time; this is for floods."""


@dataclass(slots=True)
class _Entry:
    since: float
    send: Send
    answer: bytes | None = None


class AnswerMemory:
    """The answers given to one terminal. `now` is monotonic seconds."""

    __slots__ = ("_entries",)

    def __init__(self) -> None:
        self._entries: OrderedDict[Key, _Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def is_new(self, key: Key, send: Send, now: float) -> bool:
        """Whether this record is to be acted on. If not, it is a copy: its answer is sent now, or once there is one, through `send`."""
        self._drop_old(now)
        entry = self._entries.get(key)
        if entry is None:
            self._entries[key] = _Entry(now, send)
            return True
        entry.send = send
        if entry.answer is not None:
            send(entry.answer)
        return False

    def settle(self, key: Key, answer: bytes, send: Send) -> None:
        """The answer is this frame: send it to whoever asked last (`send` when nobody remembers), and to whoever asks again."""
        entry = self._entries.get(key)
        if entry is None:
            send(answer)
            return
        entry.answer = answer
        entry.send(answer)

    def forget(self, key: Key) -> None:
        """The record could not be made safe: its next copy is to be acted on as if it were the first."""
        self._entries.pop(key, None)

    def _drop_old(self, now: float) -> None:
        """Oldest first; a record still being made safe is kept whatever its age, or its copy would be acted on as well."""
        while self._entries:
            key, entry = next(iter(self._entries.items()))
            if entry.answer is None or (now - entry.since < REMEMBERED_S and len(self._entries) <= MOST_REMEMBERED):
                return
            del self._entries[key]
