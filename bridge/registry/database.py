"""SQLite files of the bridge's own: told from others', brought up to date, and written by the transaction."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ..errors import ConfigError


@dataclass(frozen=True, slots=True)
class Form:
    """What a file of one kind is called, the application id by which it is known, and the statements that lead from each schema to the
    next; the file's `user_version` counts those that are done. Only ever append."""

    name: str
    application_id: int
    upgrades: tuple[tuple[str, ...], ...]


def checked_version(connection: sqlite3.Connection, path: Path, form: Form) -> int:
    """The file's schema, 0 for an empty file; nothing has been written to it by then.

    Raises ConfigError when it is another program's or too new, and sqlite3.Error.
    """
    version, application = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("user_version", "application_id"))
    is_empty = not connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    if application != form.application_id and not (is_empty and version == application == 0):
        raise ConfigError(str(path), form.name, "another program's database")
    if version > len(form.upgrades):
        raise ConfigError(str(path), f"schema {len(form.upgrades)} or older", f"schema {version}, from a newer bridge")
    return int(version)


def upgrade(connection: sqlite3.Connection, version: int, form: Form) -> None:
    """Bring a file from schema `version` to today's, all of it or nothing; one that is of today is not written to. Raises sqlite3.Error."""
    if version == len(form.upgrades):
        return
    with transaction(connection):
        for statements in form.upgrades[version:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA application_id = {form.application_id}")
        connection.execute(f"PRAGMA user_version = {len(form.upgrades)}")


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
