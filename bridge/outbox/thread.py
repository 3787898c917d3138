"""The thread that waits for the disk, so that the reactor does not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThreadPool
from twisted.python.threadpool import ThreadPool

T = TypeVar("T")


class Thread(Protocol):
    """Does one thing after the other, elsewhere."""

    def call(self, work: Callable[[], T]) -> Deferred[T]:
        """Fires, where the reactor runs, with what `work` returns; fails with what it raises."""

    def stop(self) -> None:
        """End when all is done that was called for."""


class WorkerThread:
    """One real thread. It is a daemon: a disk that never answers must not keep the process from ending.

    Not to be made before a process forks.
    """

    def __init__(self, reactor: Any, name: str = "outbox") -> None:
        """`reactor` is an IReactorFromThreads."""
        self._reactor = reactor
        self._pool = ThreadPool(1, 1, name)
        self._pool.threadFactory = partial(threading.Thread, daemon=True)  # type: ignore[assignment]
        self._pool.start()

    def call(self, work: Callable[[], T]) -> Deferred[T]:
        """Fires in the reactor's thread with what `work` returns; fails with what it raises."""
        return deferToThreadPool(self._reactor, self._pool, work)

    def stop(self) -> None:
        """End the thread, and wait for it: to be called when nothing is under way."""
        self._pool.stop()
