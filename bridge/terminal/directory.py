"""Which terminals are live, and what each was answered lately."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from ..session.memory import AnswerMemory
from .limits import Pace

if TYPE_CHECKING:
    from .protocol import TerminalProtocol


class _Entry(Struct, gc=False):
    """Of one terminal: its live connection, what it was answered lately, and how fast it has been."""

    live: TerminalProtocol | None = None
    memory: AnswerMemory | None = None
    pace: Pace | None = None


class Directory:
    """Live terminals by serial: one connection each, the newest. The memory of answers outlives the connections, and so does the pace:
    nobody gets a new one by connecting again."""

    def __init__(self) -> None:
        self._entries: dict[str, _Entry] = {}
        self._live = 0

    def __len__(self) -> int:
        return self._live

    def __iter__(self) -> Iterator[TerminalProtocol]:
        return iter([entry.live for entry in self._entries.values() if entry.live is not None])

    def __contains__(self, serial: str) -> bool:
        return self.find(serial) is not None

    def find(self, serial: str) -> TerminalProtocol | None:
        """The live connection of this terminal."""
        entry = self._entries.get(serial)
        return None if entry is None else entry.live

    def memory_of(self, serial: str) -> AnswerMemory:
        """What this terminal was answered, on this connection and on those before."""
        entry = self._of(serial)
        if entry.memory is None:
            entry.memory = AnswerMemory()
        return entry.memory

    def pace_of(self, serial: str, fresh: Callable[[], Pace]) -> Pace:
        """How fast this terminal has been lately; `fresh` when it is seen for the first time."""
        entry = self._of(serial)
        if entry.pace is None:
            entry.pace = fresh()
        return entry.pace

    def enter(self, terminal: TerminalProtocol) -> bool:
        """A connection now speaks for its terminal. Returns whether it took the place of an older one, which is ended."""
        entry = self._of(terminal.serial)
        old, entry.live = entry.live, terminal
        if old is None:
            self._live += 1
        else:
            old.close("replaced by a new connection of the same terminal")
        return old is not None

    def leave(self, terminal: TerminalProtocol) -> bool:
        """A connection has ended. Returns whether its terminal is gone with it: not if it had been replaced."""
        if self.find(terminal.serial) is not terminal:
            return False
        entry = self._entries[terminal.serial]
        entry.live = None
        self._live -= 1
        self._tidy(terminal.serial, entry)
        return True

    def drop(self, serial: str, reason: str) -> None:
        """The terminal was removed or blocked: end its connection, forget what it was answered."""
        terminal = self.find(serial)
        if terminal is not None:
            terminal.close(reason)
        entry = self._entries.get(serial)
        if entry is not None:
            entry.memory = entry.pace = None
            self._tidy(serial, entry)

    def _tidy(self, serial: str, entry: _Entry) -> None:
        if entry.live is None and entry.memory is None and entry.pace is None:
            del self._entries[serial]

    def _of(self, serial: str) -> _Entry:
        entry = self._entries.get(serial)
        if entry is None:
            entry = self._entries[serial] = _Entry()
        return entry
