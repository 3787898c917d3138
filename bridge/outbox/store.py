"""The side of the outbox that its thread is on: one round of work at a time, in one transaction, on a file that may be full, broken or gone.

An error for want of space undoes the transaction, and the connection is used on. After any other error the file is opened anew, which
makes SQLite recover what was committed. When it is still damaged then, it is set aside, and an empty one takes its place.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from ..errors import ConfigError, StorageFault
from ..registry.database import transaction
from .bounds import Bounds, is_nearly_full
from .copies import Copies
from .rows import Rows, size_of
from .runs import Runs
from .schema import Damaged, is_clean, is_damage, open_database, remove, set_aside
from .values import Dropped, Entry, Limits, Report, SetAside, Stored
from .work import Holdings, Outcome, Work

T = TypeVar("T")

MOST_IN_A_BATCH: Final = 100  # entries: as many as the link has on its way at once
MOST_EXPIRED: Final = 200  # copies deleted in one transaction, so that whoever adds meanwhile does not wait for long
_ATTEMPTS: Final = 3  # as it is, opened anew, and on an empty file


class Store:
    """The entries of one file. One thread at a time may call it."""

    def __init__(self, path: Path, limits: Limits) -> None:
        self._path = path
        self._limits = limits
        self._rows: Rows | None = None
        self.runs = Runs()
        self._last_id = 0
        self._opened_at: tuple[float, float] | None = None
        """Monotonic seconds, and seconds of service by then."""
        self._handed_out: dict[int, int] = {}
        """Bytes of each entry that is on its way, or that is done with and not deleted yet."""
        self._delivered: set[int] = set()
        self._undeliverable: set[int] = set()
        self._copies = Copies()
        self._copies_dropped = 0
        self._is_full = False
        """Whether the last error was for want of space."""
        self._reports: list[Report] = []
        self._holdings: Holdings | None = None
        """As last known; None while the file could never be read."""

    def open(self, wall: float, now: float) -> Outcome:
        """Open the file; `wall` and `now` as in Work. A full disk and a damaged file are survived.

        Raises ConfigError for what only people can mend.
        """
        outcome = Outcome()
        with suppress(sqlite3.Error):
            self._opened()
        try:
            self._attempt(wall, lambda rows: self._service_s(rows, now))
        except StorageFault as fault:
            outcome.fault = fault
        return self._completed(outcome, now)

    def perform(self, work: Work) -> Outcome:
        """One round: all that is to be written in one transaction, then the batches. Raises nothing but defects."""
        outcome = Outcome()
        for entry_id in set(work.given_back) - self._delivered - self._undeliverable:
            self._handed_out.pop(entry_id, None)
        if work.acknowledged:
            self._acknowledge(work, outcome)
        if work.writes:
            self._write(work, outcome)
        if work.is_recall:
            self._recall(work, outcome)
        for most_bytes in work.batches:
            outcome.batches.append(self._batch(work, most_bytes))
        return self._completed(outcome, work.now)

    def close(self, now: float) -> None:
        """Let go of the file. Raises nothing but defects."""
        with suppress(sqlite3.Error):
            if self._rows is not None:
                with transaction(self._rows.connection):
                    self._rows.service_s = self._service_s(self._rows, now)
                    self._rows.note()
        self._let_go()

    def _acknowledge(self, work: Work, outcome: Outcome) -> None:
        def acknowledge(rows: Rows) -> None:
            service_s = self._service_s(rows, work.now)
            for entry_id in work.acknowledged:
                rows.acknowledge(entry_id, service_s)

        try:
            self._attempt(work.wall, acknowledge)
        except StorageFault as fault:
            outcome.undeleted = fault
        for entry_id in work.acknowledged:
            self._handed_out.pop(entry_id, None)

    def _recall(self, work: Work, outcome: Outcome) -> None:
        def recall(rows: Rows) -> None:
            rows.recall(self.runs.acknowledged_below(work.checkpoint, rows.last_id), self._service_s(rows, work.now))

        try:
            self._attempt(work.wall, recall)
        except StorageFault as fault:
            outcome.unrecalled = fault
            return
        with suppress(StorageFault):  # it is known in memory, and at the worst a bridge that is killed now takes them for copies once more
            self._attempt(work.wall, _noted)

    def _write(self, work: Work, outcome: Outcome) -> None:
        self._delivered.update(work.delivered)
        self._undeliverable.update(work.undeliverable)
        try:
            outcome.added = self._attempt(work.wall, lambda rows: self._transact(rows, work, work.entries))
        except StorageFault as fault:
            outcome.fault = outcome.undeleted = fault
            outcome.added = [fault] * len(work.entries)
            if work.entries:
                outcome.undeleted = self._delete(work)
            if self._begin_anew():
                outcome.undeleted = None

    def _delete(self, work: Work) -> StorageFault | None:
        """What is to be deleted may fit alone: it frees what the entries lacked."""
        try:
            self._attempt(work.wall, lambda rows: self._transact(rows, work, []))
        except StorageFault as fault:
            return fault
        return None

    def _begin_anew(self) -> bool:
        """Even to delete takes space, which a full disk does not have; but when all that waits is done with, the file can go, with what
        copies there are."""
        rows, gone = self._rows, self._delivered | self._undeliverable
        if rows is None or not 0 < rows.events <= len(gone) + len(rows.copies) or (rows.copies and not self._is_full):
            return False
        try:
            ids = {entry_id for entry_id, _, _ in rows.oldest()}
            if ids - gone:
                return False
            lost = [rows.read(entry_id, 0.0) for entry_id in ids & self._undeliverable - self._delivered]
            self._let_go()
            remove(self._path)
        except (sqlite3.Error, Damaged, OSError):
            return False
        self._copies_dropped += len(self._copies)
        self._copies.clear()
        self._holdings = Holdings()
        self._done_with([Dropped("undeliverable", len(lost), sum(stored.pictures_left for stored in lost))] if lost else [])
        return True

    def _transact(self, rows: Rows, work: Work, entries: list[Entry]) -> list[int | StorageFault]:
        bounds = Bounds(rows, self._limits, self._handed_out)
        service_s = self._service_s(rows, work.now)
        with transaction(rows.connection):
            for entry_id in self._delivered:
                rows.delete(entry_id)
            for entry_id in self._undeliverable - self._delivered:
                bounds.drop(entry_id, "undeliverable")
            if work.is_sweep:
                bounds.drop_aged(service_s)
                rows.service_s = service_s
                rows.note()
            if rows.copies:
                self._give_way(bounds, work, service_s)
            added = [_added(rows, bounds, entry, work.wall, service_s) for entry in entries]
        rows.copies.committed()
        self._copies_dropped += bounds.copies_dropped
        self._done_with(bounds.dropped)
        if work.is_sweep and rows.is_slack():
            rows.shrink()
        return added

    def _give_way(self, bounds: Bounds, work: Work, service_s: float) -> None:
        """Delete the copies that were kept for long enough, and, where the disk is small, as much as is about to be added."""
        if work.may_expire:
            bounds.expire(service_s, MOST_EXPIRED + 2 * len(work.entries))
        if is_nearly_full(self._path.parent):
            bounds.drop_copies(sum(map(size_of, work.entries)))

    def _done_with(self, dropped: list[Dropped]) -> None:
        for entry_id in self._delivered | self._undeliverable:
            self._handed_out.pop(entry_id, None)
        self._delivered.clear()
        self._undeliverable.clear()
        self._reports.extend(dropped)

    def _service_s(self, rows: Rows, now: float) -> float:
        if self._opened_at is None:
            self._opened_at = (now, rows.service_s)
        opened_at, service_s = self._opened_at
        return service_s + now - opened_at

    def _batch(self, work: Work, most_bytes: int) -> list[Stored] | StorageFault:
        try:
            batch = self._attempt(work.wall, lambda rows: self._next(rows, most_bytes, self._service_s(rows, work.now)))
        except StorageFault as fault:
            return fault
        return batch

    def _next(self, rows: Rows, most_bytes: int, service_s: float) -> list[Stored]:
        """The next entries of each terminal in turn; the first is handed out however large it is."""
        sizes: dict[int, int] = {}
        for entry_id, size in islice(_in_turn([self._waiting(rows, terminal) for terminal in rows.held]), MOST_IN_A_BATCH):
            if sizes and sum(sizes.values()) + size > most_bytes:
                break
            sizes[entry_id] = size
        batch = [rows.read(entry_id, service_s) for entry_id in sizes]
        for terminal in dict.fromkeys(stored.entry.terminal for stored in batch):
            rows.held[terminal] = rows.held.pop(terminal)  # who had a turn stands behind the others
        self._handed_out.update(sizes)
        return batch

    def _waiting(self, rows: Rows, terminal: str) -> Iterator[tuple[int, int]]:
        for entry_id, size in rows.of_terminal(terminal):  # a generator: nothing is read before its turn
            if entry_id not in self._handed_out:
                yield entry_id, size

    def _attempt(self, wall: float, action: Callable[[Rows], T]) -> T:
        """Do something with the rows, with each remedy that there is if it fails. Raises StorageFault."""
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return action(self._opened())
            except ConfigError as error:
                raise StorageFault(str(error)) from None
            except (sqlite3.Error, Damaged) as error:
                self._undo(error)
                if attempt == _ATTEMPTS or not is_damage(error):
                    raise StorageFault(f"{self._path}: {error}") from None
                if attempt == _ATTEMPTS - 1:
                    self._set_aside(wall, str(error))
            except Exception:  # a defect: the transaction was undone, and the rows do not know
                self._copies.undone()
                self._let_go()
                raise
        raise AssertionError

    def _opened(self) -> Rows:
        """Raises ConfigError and sqlite3.Error."""
        if self._rows is None:
            connection = open_database(self._path)
            try:
                rows = Rows(connection, self._copies, self._last_id)
                if self._opened_at is None:  # later, memory knows better
                    rows.read_note(is_believed=self._limits.keep_s > 0)
                self.runs.begin(rows)
            except BaseException:
                connection.close()
                raise
            self._rows = rows
        return self._rows

    def _undo(self, error: sqlite3.Error | Damaged) -> None:
        self._is_full = is_clean(error)
        self._copies.undone()
        if self._rows is None:
            return
        try:
            if not is_clean(error):
                self._let_go()
            else:
                self._rows.recount()
        except sqlite3.Error:
            self._let_go()

    def _let_go(self) -> None:
        if self._rows is not None:
            self._last_id = self._rows.last_id
            self._rows.connection.close()
            self._rows = None

    def _set_aside(self, wall: float, reason: str) -> None:
        """Raises StorageFault."""
        try:
            moved_to = set_aside(self._path, wall)
        except OSError as error:
            raise StorageFault(f"{self._path}: {reason}; it cannot be set aside: {error.strerror}") from None
        self._reports.append(SetAside(reason, moved_to, None if self._holdings is None else self._holdings.events))
        self._handed_out.clear()
        self._copies.clear()
        self._holdings = Holdings()

    def _completed(self, outcome: Outcome, now: float) -> Outcome:
        rows = self._rows
        if rows is not None:
            with suppress(sqlite3.Error):
                self._holdings = self._held(rows, now)
        outcome.holdings = self._holdings or Holdings()
        outcome.reports, self._reports = self._reports, []
        return outcome

    def _held(self, rows: Rows, now: float) -> Holdings:
        return Holdings(
            events=rows.events - len(rows.copies),
            bytes=rows.bytes - rows.copies_bytes,
            oldest_added_at=rows.oldest_added_at(),
            held=dict(rows.held),
            acknowledged_below=rows.acknowledged_below,
            copies=len(rows.copies),
            copies_bytes=rows.copies_bytes,
            copies_dropped=self._copies_dropped,
            has_overdue=rows.copies.have_until(self._service_s(rows, now) - self._limits.keep_s),
            is_slack=rows.is_slack(),
        )


def _noted(rows: Rows) -> None:
    with transaction(rows.connection):
        rows.note()


def _added(rows: Rows, bounds: Bounds, entry: Entry, wall: float, service_s: float) -> int | StorageFault:
    known = rows.find(entry.key)
    if known is not None:
        rows.wait_again(known)
        return known
    try:
        bounds.make_room(entry)
    except StorageFault as fault:
        return fault
    return rows.insert(entry, wall, service_s)


def _in_turn(queues: Iterable[Iterator[T]]) -> Iterator[T]:
    """One of each, then the next of each, until all are at their end."""
    left = list(queues)
    while left:
        for queue in list(left):
            each = next(queue, None)
            if each is None:
                left.remove(queue)
            else:
                yield each
