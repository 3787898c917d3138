"""Lets terminals in by the batch: one commit of SQLite's for all that register at the same moment, and none of them is told before it."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import StorageFault
from .store import Registry
from .terminal import KnownTerminal

Stored = Callable[[StorageFault | None], None]
"""Called once the terminal is on the disk, or with why it could not be put there. Must not raise."""
Soon = Callable[[Callable[[], None]], object]
"""Calls a function a moment later, when what has arrived meanwhile has been read."""


class Intake:
    """What is to be put into the registry, by serial."""

    def __init__(self, registry: Registry, soon: Soon) -> None:
        self._registry = registry
        self._soon = soon
        self._waiting: dict[str, tuple[KnownTerminal, Stored]] = {}

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, serial: str) -> bool:
        return serial in self._waiting

    def put(self, terminal: KnownTerminal, stored: Stored) -> None:
        """Keep a terminal. There must be none with its serial in here."""
        self._waiting[terminal.serial] = (terminal, stored)
        if len(self._waiting) == 1:
            self._soon(self.commit)

    def commit(self) -> None:
        """Put all of them on the disk now, and say so. Does nothing when none waits."""
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        fault: StorageFault | None = None
        try:
            self._registry.put_all([terminal for terminal, _ in waiting.values()])
        except StorageFault as error:
            fault = error
        for _, stored in waiting.values():
            stored(fault)
