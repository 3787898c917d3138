"""Which terminals are live, and what each was answered lately."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from ..session.memory import AnswerMemory
from .limits import Pace

if TYPE_CHECKING:
    from .protocol import TerminalProtocol


class Directory:
    """Live terminals by serial: one connection each, the newest. The memory of answers outlives the connections, and so does the pace:
    nobody gets a new one by connecting again."""

    def __init__(self) -> None:
        self._live: dict[str, TerminalProtocol] = {}
        self._memories: dict[str, AnswerMemory] = {}
        self._paces: dict[str, Pace] = {}

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[TerminalProtocol]:
        return iter(list(self._live.values()))

    def __contains__(self, serial: str) -> bool:
        return serial in self._live

    def find(self, serial: str) -> TerminalProtocol | None:
        """The live connection of this terminal."""
        return self._live.get(serial)

    def memory_of(self, serial: str) -> AnswerMemory:
        """What this terminal was answered, on this connection and on those before."""
        return self._memories.setdefault(serial, AnswerMemory())

    def pace_of(self, serial: str, fresh: Callable[[], Pace]) -> Pace:
        """How fast this terminal has been lately; `fresh` when it is seen for the first time."""
        return self._paces.get(serial) or self._paces.setdefault(serial, fresh())

    def enter(self, terminal: TerminalProtocol) -> bool:
        """A connection now speaks for its terminal. Returns whether it took the place of an older one, which is ended."""
        old = self._live.get(terminal.serial)
        self._live[terminal.serial] = terminal
        if old is not None:
            old.close("replaced by a new connection of the same terminal")
        return old is not None

    def leave(self, terminal: TerminalProtocol) -> bool:
        """A connection has ended. Returns whether its terminal is gone with it: not if it had been replaced."""
        if self._live.get(terminal.serial) is not terminal:
            return False
        del self._live[terminal.serial]
        return True

    def drop(self, serial: str, reason: str) -> None:
        """The terminal was removed or blocked: end its connection, forget what it was answered."""
        terminal = self._live.get(serial)
        if terminal is not None:
            terminal.close(reason)
        self._memories.pop(serial, None)
        self._paces.pop(serial, None)
