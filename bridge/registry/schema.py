"""The registry's SQLite file: how it is opened, checked and brought up to date."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from ..errors import ConfigError
from .database import Form, checked_version, upgrade

APPLICATION_ID = 0x51595A4E
"""`QYZN`: tells the bridge's registries from other programs' databases."""

UPGRADES: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE terminal (
            serial TEXT NOT NULL PRIMARY KEY,
            status TEXT NOT NULL CHECK (status IN ('pending', 'approved', 'blocked')),
            uuid TEXT UNIQUE,
            secret TEXT,
            used_secret TEXT,
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
_CACHE_KIB = 256
"""SQLite's own 2,000 would hold all of 10,000 terminals a second time, to write them in 60 ms a minute instead of 72."""


def open_database(path: Path) -> sqlite3.Connection:
    """The database at `path`, a file that exists, in today's schema, for threads that take turns.

    Raises ConfigError when it is not ours, damaged or too new.
    """
    connection = sqlite3.connect(path, timeout=_LOCK_WAIT_S, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, path)
    except sqlite3.Error as error:
        connection.close()
        raise ConfigError(str(path), _OURS, f"a file that SQLite cannot use: {error}") from None
    except ConfigError:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    # Exclusive, and before the WAL is touched: then its index is in memory, and no other program can write what the bridge has cached.
    connection.execute("PRAGMA locking_mode = EXCLUSIVE")
    form = Form(_OURS, APPLICATION_ID, UPGRADES)
    version = checked_version(connection, path, form)
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        raise ConfigError(str(path), _OURS, f"a damaged file: {' '.join(verdict.split())}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
    upgrade(connection, version, form)
