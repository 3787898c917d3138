from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from dataclasses import replace

import pytest

from bridge.outbox import schema
from bridge.outbox.copies import Copies
from bridge.outbox.rows import Rows
from tests.outbox.conftest import MakeSite
from tests.outbox.site import Site, entry, succeeds


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o177])
def test_nobody_else_may_read_anything(make_site: MakeSite, umask: int) -> None:
    before = os.umask(umask)
    try:
        site = make_site()
        site.add(entry(1, pictures=1))
    finally:
        os.umask(before)
    assert site.directory.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in site.directory.iterdir()}
    assert modes == {"outbox.sqlite3": 0o600, "outbox.sqlite3-wal": 0o600}


def test_files_that_were_open_to_others_are_closed_to_them(site: Site) -> None:
    succeeds(site.outbox.close())
    site.path.with_name("outbox.sqlite3-wal").touch()
    for path in site.directory.iterdir():
        path.chmod(0o644)
    site.open_again()
    assert {path.stat().st_mode & 0o777 for path in site.directory.iterdir()} == {0o600}


def test_what_is_committed_is_on_the_disk(site: Site) -> None:
    pragmas = ("journal_mode", "synchronous", "fullfsync", "auto_vacuum", "locking_mode", "user_version")
    found = [site.connection.execute(f"PRAGMA {name}").fetchone()[0] for name in pragmas]
    assert found == ["wal", 2, 1, 2, "exclusive", len(schema.UPGRADES)]


def test_no_other_program_writes_to_it_meanwhile(site: Site) -> None:
    with closing(sqlite3.connect(site.path, timeout=0)) as other, pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("DELETE FROM entry")


def test_a_creation_that_was_cut_short_is_completed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    succeeds(site.outbox.close())
    site.path.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(schema, "UPGRADES", ((*schema.UPGRADES[0], "UPDATE nowhere SET floor = 1"),))
        with pytest.raises(sqlite3.OperationalError, match="no such table: nowhere"):
            schema.open_database(site.path)
    site.open_again()
    assert site.reports == []
    assert site.add(entry(1)) == [1]


def test_an_older_schema_is_brought_up_to_date(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add(entry(1))
    succeeds(site.outbox.close())
    with monkeypatch.context() as patch:
        patch.setattr(schema, "UPGRADES", (*schema.UPGRADES, ("CREATE TABLE floor (number INTEGER)",)))
        site.open_again()
        assert site.connection.execute("SELECT count(*) FROM floor").fetchone() == (0,)
        assert site.keys() == ["1"]


def test_a_file_of_the_first_schema(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    succeeds(site.outbox.close())
    site.path.unlink()
    with monkeypatch.context() as patch:
        patch.setattr(schema, "UPGRADES", schema.UPGRADES[:1])
        connection = schema.open_database(site.path)
        Rows(connection, Copies()).insert(entry(1, pictures=1), site.wall(), 5.0)
        connection.close()
    site.limits = replace(site.limits, keep_s=600.0)
    site.open_again()
    assert (site.outbox.size.events, site.outbox.copies.events) == (1, 0)
    assert [stored.entry for stored in site.batch()] == [entry(1, pictures=1)]
    site.delivered([1])
    site.reopen()
    assert site.outbox.copies.events == 1


def test_the_wal_is_bounded(site: Site) -> None:
    for number in range(0, 3000, 100):
        site.thread.prompt = False
        for each in range(number, number + 100):
            site.outbox.add(entry(each, pictures=10))
        site.thread.prompt = True
        site.thread.run()
    assert site.outbox.size.bytes > 30_000_000
    assert site.path.with_name("outbox.sqlite3-wal").stat().st_size < 20_000_000


@pytest.mark.parametrize(
    ("code", "is_damage"),
    [
        (sqlite3.SQLITE_CORRUPT, True),
        (sqlite3.SQLITE_CORRUPT | 1 << 8, True),
        (sqlite3.SQLITE_NOTADB, True),
        (sqlite3.SQLITE_IOERR | 1 << 8, True),
        (sqlite3.SQLITE_IOERR | 3 << 8, False),
        (sqlite3.SQLITE_FULL, False),
        (sqlite3.SQLITE_READONLY, False),
        (sqlite3.SQLITE_BUSY, False),
        (sqlite3.SQLITE_CANTOPEN, False),
    ],
)
def test_which_errors_are_the_files_fault(code: int, is_damage: bool) -> None:
    error = sqlite3.DatabaseError()
    error.sqlite_errorcode = code
    assert schema.is_damage(error) is is_damage


def test_an_error_that_tells_nothing_is_not_the_files_fault() -> None:
    assert not schema.is_damage(sqlite3.ProgrammingError("the connection is closed"))
