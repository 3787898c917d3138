"""The outbox's SQLite file: how it is opened, brought up to date, and moved out of the way when it is damaged."""

from __future__ import annotations

import sqlite3
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from ..registry.database import Form, checked_version, upgrade
from ..registry.files import files_beside, private_database

APPLICATION_ID = 0x51595A4F
"""`QYZO`: tells outboxes from the bridge's registry and from other programs' databases."""

UPGRADES: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE entry (
            id INTEGER NOT NULL PRIMARY KEY,
            terminal TEXT NOT NULL,
            key TEXT NOT NULL UNIQUE,
            kind TEXT NOT NULL,
            recorded_at REAL NOT NULL,
            added_at REAL NOT NULL,
            added_at_service_s REAL NOT NULL,
            event_bytes INTEGER NOT NULL,
            picture_bytes INTEGER NOT NULL,
            pictures BLOB NOT NULL,
            event BLOB NOT NULL
        )
        """,
        "CREATE INDEX of_terminal ON entry (terminal, id, event_bytes, picture_bytes)",
        "CREATE INDEX with_pictures ON entry (id, picture_bytes) WHERE picture_bytes > 0",
        "CREATE TABLE picture (entry INTEGER NOT NULL PRIMARY KEY, payloads BLOB NOT NULL)",
        "CREATE TABLE service (one INTEGER NOT NULL PRIMARY KEY CHECK (one = 1), seconds REAL NOT NULL)",
        "INSERT INTO service VALUES (1, 0.0)",
    ),
    ("ALTER TABLE service ADD COLUMN acknowledged_below INTEGER NOT NULL DEFAULT 0",),
    ("CREATE TABLE run (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, last_id INTEGER NOT NULL)",),
)
"""The statements that lead from each schema to the next. Only ever append."""

_LOCK_WAIT_S: Final = 1.0
_CHECKPOINT_PAGES: Final = 4096  # 16 MiB: at the default of 4 MiB, pictures would be written twice with each few of them
_WAL_BYTES_KEPT: Final = 16 << 20  # what the WAL may keep when it is empty, so that on a full disk it can still take what is deleted
_CACHE_KIB: Final = 8 << 10
_SHORT_READ: Final = sqlite3.SQLITE_IOERR | (2 << 8)
_READ: Final = sqlite3.SQLITE_IOERR | (1 << 8)
_FILE_SYSTEM_DAMAGED: Final = sqlite3.SQLITE_IOERR | (33 << 8)
_DAMAGE: Final = {_READ, _SHORT_READ, _FILE_SYSTEM_DAMAGED}


class Damaged(Exception):
    """What was read is not what was written."""


def open_database(path: Path) -> sqlite3.Connection:
    """The database at `path`, which is created if need be, in today's schema; it may be used by one thread at a time, whichever.

    Raises ConfigError when it is another program's, too new, or cannot be created, and sqlite3.Error. It is not read through: that would
    take long, and what is damaged shows when it is read.
    """
    private_database(path)
    connection = sqlite3.connect(path, timeout=_LOCK_WAIT_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def is_damage(error: sqlite3.Error | Damaged) -> bool:
    """Whether the file itself is at fault, or the place where it lies: not the space, the rights or the moment."""
    if isinstance(error, Damaged):
        return True
    code: int = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
    return code in _DAMAGE or code & 0xFF in {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


def is_clean(error: sqlite3.Error | Damaged) -> bool:
    """Whether the connection can be used on: the transaction was undone for want of space, and nothing else happened."""
    return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL


def set_aside(path: Path, wall: float) -> Path:
    """Rename a database and what lies beside it; returns its new name. Nothing is deleted. Raises OSError."""
    stem = f"{path.name}.corrupt-{datetime.fromtimestamp(wall, UTC):%Y%m%dT%H%M%SZ}"
    target, number = path.with_name(stem), 1
    while target.exists():
        number += 1
        target = path.with_name(f"{stem}-{number}")
    path.rename(target)
    for source, beside in zip(files_beside(path), files_beside(target), strict=True):
        with suppress(FileNotFoundError):
            source.rename(beside)
    return target


def remove(path: Path) -> None:
    """Delete a database and what lies beside it. Raises OSError."""
    for name in (path, *files_beside(path)):  # in this order: SQLite deletes a WAL that it finds beside nothing, or an empty file
        name.unlink(missing_ok=True)


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # Exclusive, and before the WAL is touched: then its index is in memory, and no other program can write what the bridge has cached.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    form = Form("an outbox of qyzn-bridge", APPLICATION_ID, UPGRADES)
    version = checked_version(connection, path, form)
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # heeded only while the file is empty
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA fullfsync = ON")  # where an fsync alone leaves it to the drive (macOS)
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    connection.execute(f"PRAGMA journal_size_limit = {_WAL_BYTES_KEPT}")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    upgrade(connection, version, form)
