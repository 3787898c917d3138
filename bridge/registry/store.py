"""The terminals known, in SQLite. Reads come from memory; what a terminal was promised is on the disk before it is told."""

from __future__ import annotations

import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from operator import attrgetter
from pathlib import Path

import msgspec
from msgspec.structs import replace

from ..errors import ConfigError, StorageFault
from .database import transaction
from .files import DirectoryLock, private_database, private_directory, shut_out_others
from .schema import open_database
from .terminal import KnownTerminal

FILE_NAME = "registry.sqlite3"
MAX_PENDING = 1000
"""Anybody can invent serials, so the pending terminals are bounded."""

_COLUMNS = KnownTerminal.__struct_fields__
_UPSERT = f"INSERT OR REPLACE INTO terminal ({', '.join(_COLUMNS)}) VALUES ({', '.join('?' * len(_COLUMNS))})"  # noqa: S608
_DELETE = "DELETE FROM terminal WHERE serial = ?"
_SELECT = f"SELECT {', '.join(_COLUMNS)} FROM terminal ORDER BY last_seen, serial"  # noqa: S608

_row = attrgetter(*_COLUMNS)


class Registry:
    """The terminals known, by serial (case matters) and by uuid. Used by one thread, the one that opened it, but for `write_ahead`."""

    def __init__(self, connection: sqlite3.Connection, path: Path, lock: DirectoryLock) -> None:
        self._connection = connection
        self._turn = threading.Lock()
        """Whose turn it is to write."""
        self._path = path
        self._lock = lock
        self._by_serial: dict[str, KnownTerminal] = {}
        self._serial_of: dict[str, str] = {}
        self._pending: OrderedDict[str, None] = OrderedDict()
        """Serials, the one not heard from for longest first."""
        self._held: set[str] = set()
        """Serials whose rows on the disk may be newer than in memory."""
        self._dirty: dict[str, None] = {}
        """Serials whose rows on the disk are not as in memory; those no longer in memory are to be deleted. A set would take thrice the room."""

    @classmethod
    def open(cls, state_dir: Path) -> Registry:
        """The registry of a state directory, which is created, and locked until `close`. Not to be called before a process forks.

        Raises ConfigError when the directory or the file cannot be used, or another process uses them.
        """
        private_directory(state_dir)
        lock = DirectoryLock(state_dir)
        shut_out_others(state_dir)
        path = state_dir / FILE_NAME
        connection: sqlite3.Connection | None = None
        try:
            private_database(path)
            connection = open_database(path)
            registry = cls(connection, path, lock)
            registry._load()
        except ConfigError:
            if connection is not None:
                connection.close()
            lock.release()
            raise
        return registry

    @property
    def count(self) -> int:
        """How many terminals are known, pending and blocked ones among them."""
        return len(self._by_serial)

    def get(self, serial: str) -> KnownTerminal | None:
        """The terminal with this serial."""
        return self._by_serial.get(serial)

    def by_uuid(self, uuid: str) -> KnownTerminal | None:
        """The terminal that was given this uuid."""
        serial = self._serial_of.get(uuid)
        return None if serial is None else self._by_serial[serial]

    def terminals(self) -> list[KnownTerminal]:
        """All of them, by serial."""
        return sorted(self._by_serial.values(), key=lambda terminal: terminal.serial)

    def put(self, terminal: KnownTerminal) -> None:
        """Keep a terminal, in place of what was known of it; it is on the disk when this returns. Raises StorageFault, and then
        nothing has changed."""
        self.put_all([terminal])

    def put_all(self, terminals: Iterable[KnownTerminal]) -> None:
        """The same for several, in one transaction: all of them, or none."""
        rows: dict[str, KnownTerminal | None] = {terminal.serial: terminal for terminal in terminals}
        self._write_now(rows)
        for terminal in rows.values():
            if terminal is not None:
                self._remember(terminal)

    def hold(self, serials: Iterable[str]) -> None:
        """Leave the rows of these alone until they are settled: newer ones are about to be written."""
        self._held.update(serials)

    def write_ahead(self, terminals: Iterable[KnownTerminal]) -> None:
        """Put terminals on the disk that are held, in one transaction, from whatever thread. Raises StorageFault, and then the disk is as before."""
        self._write({terminal.serial: terminal for terminal in terminals})

    def settle(self, terminals: Iterable[KnownTerminal], *, is_written: bool) -> None:
        """Terminals that were held are on the disk, and known from now on; or they are not."""
        for terminal in terminals:
            self._held.discard(terminal.serial)
            if is_written:
                self._clean(terminal.serial)
                self._remember(terminal)

    def put_later(self, terminal: KnownTerminal) -> None:
        """The same, but written by the next `flush`: for what may be lost. The pending terminals that have not been heard from
        for longest make room for this one."""
        self._remember(terminal)
        self._dirty[terminal.serial] = None
        while len(self._pending) > MAX_PENDING:
            oldest = next(iter(self._pending))
            self._forget(oldest)
            self._dirty[oldest] = None

    def remove(self, serial: str) -> None:
        """Know this terminal no longer; so says the disk when this returns. Raises StorageFault, and then nothing has changed."""
        self._write_now({serial: None})
        self._forget(serial)

    def touch(self, serial: str, wall: float, address: str = "", firmware: str = "") -> KnownTerminal:
        """A known terminal was heard from at `wall`, UNIX seconds. Written by the next `flush`; what is empty is left as it was.

        Raises KeyError when it is not known.
        """
        known = self._by_serial[serial]
        heard = replace(known, last_seen=wall, address=address or known.address, firmware=firmware or known.firmware)
        self.put_later(heard)
        return heard

    def flush(self) -> None:
        """Write what has been put off, in one transaction. Raises StorageFault; then it is written by the next flush."""
        rows = {serial: self._by_serial.get(serial) for serial in self._dirty if serial not in self._held}
        if rows:
            self._write_now(rows)

    def close(self) -> None:
        """Flush and let go of the file and the directory. Does nothing the second time. Raises StorageFault when the flush failed."""
        try:
            self.flush()
        finally:
            self._dirty.clear()
            with self._turn:
                self._connection.close()
            self._lock.release()

    def _write_now(self, rows: Mapping[str, KnownTerminal | None]) -> None:
        self._write(rows)
        for serial in rows:
            self._clean(serial)

    def _clean(self, serial: str) -> None:
        """Its row is as in memory."""
        if serial in self._dirty:
            del self._dirty[serial]
            if not self._dirty:
                self._dirty = {}  # an emptied one keeps its room

    def _write(self, rows: Mapping[str, KnownTerminal | None]) -> None:
        kept = [_row(terminal) for terminal in rows.values() if terminal is not None]
        gone = [(serial,) for serial, terminal in rows.items() if terminal is None]
        try:
            with self._turn, transaction(self._connection):
                self._connection.executemany(_DELETE, gone)
                self._connection.executemany(_UPSERT, kept)
        except sqlite3.Error as error:
            raise StorageFault(f"{self._path}: {error}") from None

    def _remember(self, terminal: KnownTerminal) -> None:
        self._forget(terminal.serial)
        self._by_serial[terminal.serial] = terminal
        if terminal.uuid is not None:
            self._serial_of[terminal.uuid] = terminal.serial
        if terminal.status == "pending":
            self._pending[terminal.serial] = None

    def _forget(self, serial: str) -> None:
        known = self._by_serial.pop(serial, None)
        if known is not None and known.uuid is not None:
            del self._serial_of[known.uuid]
        self._pending.pop(serial, None)

    def _load(self) -> None:
        try:
            rows: Iterable[tuple[object, ...]] = self._connection.execute(_SELECT).fetchall()
            for row in rows:
                self._remember(msgspec.convert(dict(zip(_COLUMNS, row, strict=True)), KnownTerminal))
        except (sqlite3.Error, msgspec.ValidationError) as error:
            raise ConfigError(str(self._path), "a registry of qyzn-bridge", f"a damaged file: {error}") from None
