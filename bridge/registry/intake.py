"""Lets terminals in by the batch: one commit of SQLite's for all that register meanwhile, and none of them is told before it. Where the disk is
slow, a thread waits for it, so that nobody else does."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

from twisted.internet.defer import Deferred, execute
from twisted.logger import Logger

from ..errors import StorageFault
from .store import Registry
from .terminal import KnownTerminal

Stored = Callable[[StorageFault | None], None]
"""Called once the terminal is on the disk, or with why it could not be put there. Must not raise."""
Soon = Callable[[Callable[[], None]], object]
"""Calls a function a moment later, when what has arrived meanwhile has been read."""
Elsewhere = Callable[[Callable[[], None]], Deferred[None]]
"""Calls a function in a thread; fires here when that is over."""

QUICK_S = 0.005
"""A commit that takes no longer is not worth a thread: to go there and back takes a fifth of a registration."""


class _Batch:
    """What is stored with one commit. Whoever comes first writes it, the thread or whoever cannot wait for it; the other waits until it is done."""

    def __init__(self, registry: Registry, waiting: dict[str, tuple[KnownTerminal, Stored]]) -> None:
        self.waiting = waiting
        self.fault: StorageFault | None = StorageFault("a defect of the bridge, of which its log says more")
        """Until it is known to be on the disk."""
        self.took_s = 0.0
        self._registry = registry
        self._turn = threading.Lock()
        self._is_written = False

    def write(self, seconds: Callable[[], float]) -> None:
        """Put it on the disk, in whatever thread this is."""
        with self._turn:
            if self._is_written:
                return
            self._is_written = True
            began = seconds()
            try:
                self._registry.write_ahead([terminal for terminal, _ in self.waiting.values()])
                self.fault = None
            except StorageFault as fault:
                self.fault = fault
            self.took_s = seconds() - began


class Intake:
    """What is to be put into the registry, by serial: those that wait, and the batch that is being written. `seconds` are monotonic."""

    _log = Logger()

    def __init__(self, registry: Registry, soon: Soon, elsewhere: Elsewhere, seconds: Callable[[], float]) -> None:
        self._registry = registry
        self._soon = soon
        self._elsewhere = elsewhere
        self._seconds = seconds
        self._is_slow = False
        self._waiting: dict[str, tuple[KnownTerminal, Stored]] = {}
        self._under_way: _Batch | None = None

    def __len__(self) -> int:
        return len(self._waiting) + (len(self._under_way.waiting) if self._under_way is not None else 0)

    def __contains__(self, serial: str) -> bool:
        return serial in self._waiting or (self._under_way is not None and serial in self._under_way.waiting)

    def put(self, terminal: KnownTerminal, stored: Stored) -> None:
        """Keep a terminal. There must be none with its serial in here."""
        self._waiting[terminal.serial] = (terminal, stored)
        if len(self._waiting) == 1 and self._under_way is None:
            self._soon(self._begin)

    def commit(self) -> None:
        """Put all of them on the disk now, and say so. Does nothing when none waits."""
        for batch in (self._under_way, self._take()):
            if batch is not None:
                batch.write(self._seconds)
                self._settle(batch)

    def _begin(self) -> None:
        if self._under_way is None:
            batch = self._under_way = self._take()
            if batch is not None:
                written = (self._elsewhere if self._is_slow else execute)(partial(batch.write, self._seconds))
                written.addErrback(lambda failure: self._log.failure("defect while storing terminals", failure))
                written.addCallback(self._over, batch)

    def _over(self, _: None, batch: _Batch) -> None:
        if batch is self._under_way:
            self._settle(batch)
        self._begin()

    def _take(self) -> _Batch | None:
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return None
        self._registry.hold(waiting)
        return _Batch(self._registry, waiting)

    def _settle(self, batch: _Batch) -> None:
        """It is known what came of it, which those in it are told."""
        if batch is self._under_way:
            self._under_way = None
        self._is_slow = batch.took_s > QUICK_S
        self._registry.settle([terminal for terminal, _ in batch.waiting.values()], is_written=batch.fault is None)
        for _, stored in batch.waiting.values():
            stored(batch.fault)
