"""An outbox whose thread works when a test says so, on a clock that stands still."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from bridge.errors import StorageFault
from bridge.outbox import Entry, Limits, Outbox, Picture, Report, Stored
from bridge.outbox.outbox import ACKNOWLEDGED_AFTER_S

T = TypeVar("T")
WALL = 1_700_000_000.0
JPEG = b"\xff\xd8\xff" + b"j" * 997
MANY_BYTES = 1 << 30


class ManualThread:
    """Works in the test's own thread: what is called for waits for `run`, unless it is `prompt`."""

    def __init__(self) -> None:
        self.calls: deque[tuple[Callable[[], Any], Deferred[Any]]] = deque()
        self.prompt = True
        self.is_stopped = False

    def call(self, work: Callable[[], T]) -> Deferred[T]:
        assert not self.is_stopped
        done: Deferred[T] = Deferred()
        self.calls.append((work, done))
        if self.prompt:
            self.run()
        return done

    def run(self) -> None:
        """Do the one thing that was called for: there is never more than one."""
        work, done = self.calls.popleft()
        try:
            result = work()
        except BaseException:  # noqa: BLE001
            done.errback(Failure())
        else:
            done.callback(result)

    def stop(self) -> None:
        assert not self.calls
        self.is_stopped = True


def entry(number: int, terminal: str = "SN1", pictures: int = 0, event: bytes = b'{"event_id": 1}') -> Entry:
    shots = tuple(Picture(f"qyzn/{terminal}/image/{n}", JPEG, retain=bool(n % 2)) for n in range(pictures))
    return Entry(terminal, f"key-{number}", "recognition", WALL - number, event, shots)


@dataclass
class Site:
    directory: Path
    limits: Limits = field(default_factory=Limits)
    clock: Clock = field(default_factory=Clock)
    wall_offset: float = WALL
    thread: ManualThread = field(default_factory=ManualThread)
    reports: list[Report] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outbox = self.open()

    def open(self) -> Outbox:
        return Outbox.open(self.directory, self.limits, self.clock, self.wall, self.thread, self.reports.append)

    def wall(self) -> float:
        return self.wall_offset + self.clock.seconds()

    @property
    def path(self) -> Path:
        return self.directory / "outbox.sqlite3"

    @property
    def connection(self) -> Any:
        """What the store writes through."""
        rows = self.outbox._store._rows
        assert rows is not None
        return rows.connection

    def fault(self) -> str | None:
        return self.outbox.fault

    def add(self, *entries: Entry) -> list[int]:
        return [result_of(self.outbox.add(each)) for each in entries]

    def delivered(self, ids: Iterable[int]) -> None:
        """The broker has acknowledged these, and all has come of it that comes of it."""
        done = self.outbox.delivered(ids)
        self.clock.advance(ACKNOWLEDGED_AFTER_S)
        assert succeeds(done)

    def batch(self, most_bytes: int = MANY_BYTES) -> list[Stored]:
        return result_of(self.outbox.next_batch(most_bytes))

    def keys(self, most_bytes: int = MANY_BYTES) -> list[str]:
        return [stored.entry.key.removeprefix("key-") for stored in self.batch(most_bytes)]

    def reopen(self) -> None:
        """Close it and open it again."""
        assert succeeds(self.outbox.close())
        self.open_again()

    def crash(self) -> None:
        """Let go of the file as a process does that is killed, and open it again."""
        self.outbox._sweeping.stop()
        self.outbox._store._let_go()
        self.open_again()

    def open_again(self) -> None:
        self.thread = ManualThread()
        self.outbox = self.open()

    def end(self) -> None:
        if not self.outbox._is_closing:
            self.thread.prompt = True
            if self.thread.calls:
                self.thread.run()
            self.outbox.close()
        assert not self.clock.getDelayedCalls()


@contextmanager
def defects() -> Iterator[list[str]]:
    """The names of the exceptions that were logged as defects meanwhile."""
    found: list[str] = []

    @implementer(ILogObserver)
    def observe(event: LogEvent) -> None:
        if "log_failure" in event:
            found.append(event["log_failure"].type.__name__)

    globalLogPublisher.addObserver(observe)
    try:
        yield found
    finally:
        globalLogPublisher.removeObserver(observe)


def result_of(done: Deferred[T]) -> T:
    """What it fired with; raises what it failed with."""
    results: list[T] = []
    failures: list[Failure] = []
    done.addCallbacks(results.append, failures.append)
    if failures:
        failures[0].raiseException()
    assert results, "has not fired"
    return results[0]


def succeeds(done: Deferred[Any]) -> bool:
    result_of(done)
    return True


def fault_of(done: Deferred[Any]) -> str:
    """The reason of the StorageFault with which it failed."""
    try:
        result_of(done)
    except StorageFault as fault:
        return fault.reason
    raise AssertionError("did not fail")
