"""The registry's SQLite file: how it is opened, checked and brought up to date."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..errors import ConfigError

APPLICATION_ID = 0x51595A4E
"""`QYZN`: tells the bridge's databases from other programs'."""

UPGRADES: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE terminal (
            serial TEXT NOT NULL PRIMARY KEY,
            status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'blocked')),
            uuid TEXT UNIQUE,
            secret TEXT,
            mac TEXT NOT NULL,
            mac_since REAL NOT NULL,
            model TEXT NOT NULL,
            firmware TEXT NOT NULL,
            name TEXT NOT NULL,
            address TEXT NOT NULL,
            first_seen REAL NOT NULL,
            last_seen REAL NOT NULL
        )
        """,
    ),
)
"""The statements that lead from each schema to the next; the file's `user_version` counts those that are done. Only ever append."""

_OURS = "a registry of qyzn-bridge"
_LOCK_WAIT_S = 1.0


def open_database(path: Path) -> sqlite3.Connection:
    """The database at `path`, a file that exists, in today's schema. Raises ConfigError when it is not ours, damaged or too new."""
    connection = sqlite3.connect(path, timeout=_LOCK_WAIT_S, isolation_level=None)
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise ConfigError(str(path), _OURS, f"a file that SQLite cannot use: {error}") from None
    except ConfigError:
        connection.close()
        raise
    return connection


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """All of it or nothing, and on the disk when it is over. Raises sqlite3.Error."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # Exclusive, and before the WAL is touched: then its index is in memory, and no other program can write what the bridge has cached.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    version = _checked_version(connection, path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    with transaction(connection):
        for statements in UPGRADES[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute(f"PRAGMA user_version = {len(UPGRADES)}")


def _checked_version(connection: sqlite3.Connection, path: Path) -> int:
    """The file's schema; nothing has been written to it by then. Raises ConfigError and sqlite3.Error."""
    version, application = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id"))
    is_empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != APPLICATION_ID and not (is_empty and version == application == 0):
        raise ConfigError(str(path), _OURS, "another program's database")
    if version > len(UPGRADES):
        raise ConfigError(str(path), f"schema {len(UPGRADES)} or older", f"schema {version}, from a newer bridge")
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise ConfigError(str(path), _OURS, f"a damaged file: {' '.join(verdict.split())}")
    return int(version)
