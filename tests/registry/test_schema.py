from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bridge.errors import ConfigError
from bridge.registry import Registry, schema
from tests.registry.site import known_terminal


@pytest.fixture
def database(state_dir: Path) -> Path:
    """The file of a registry that has a terminal in it, and is closed."""
    registry = Registry.open(state_dir)
    registry.put(known_terminal())
    registry.close()
    return state_dir / "registry.sqlite3"


def one_line_from_opening(state_dir: Path) -> str:
    with pytest.raises(ConfigError) as caught:
        Registry.open(state_dir)
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{state_dir / 'registry.sqlite3'}: expected ")
    return line


def run(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_what_is_committed_is_on_the_disk(registry: Registry) -> None:
    def pragma(name: str) -> object:
        return registry._connection.execute(f"PRAGMA {name}").fetchone()[0]

    assert (pragma("journal_mode"), pragma("synchronous"), pragma("user_version")) == ("wal", 2, len(schema.UPGRADES))


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to be taken for a header" * 9, b"\0" * 4096, b"SQLite format 3\0"]
)
def test_a_file_that_is_no_database(database: Path, content: bytes) -> None:
    database.write_bytes(content)
    assert "expected a registry of qyzn-bridge, got a file that SQLite cannot use: " in one_line_from_opening(database.parent)
    assert database.read_bytes() == content


def test_a_damaged_database(database: Path) -> None:
    content = bytearray(database.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    database.write_bytes(content)
    assert "expected a registry of qyzn-bridge, got a " in one_line_from_opening(database.parent)


def test_a_database_damaged_where_no_row_is(database: Path) -> None:
    content = database.read_bytes()
    database.write_bytes(content[:-4096] + b"\xa5" * 4096)
    assert "got a damaged file: " in one_line_from_opening(database.parent)


def test_a_database_cut_short(database: Path) -> None:
    database.write_bytes(database.read_bytes()[:4096])
    assert "expected a registry of qyzn-bridge, got a " in one_line_from_opening(database.parent)


def test_values_that_cannot_be(database: Path) -> None:
    run(database, "UPDATE terminal SET mac = x'00ff'")
    assert "got a damaged file: " in one_line_from_opening(database.parent)


@pytest.mark.parametrize("statement", ["CREATE TABLE recipe (name TEXT)", "PRAGMA user_version = 1", "PRAGMA application_id = 7"])
def test_another_programs_database(state_dir: Path, statement: str) -> None:
    state_dir.mkdir()
    path = state_dir / "registry.sqlite3"
    run(path, statement)
    before = path.read_bytes()
    assert one_line_from_opening(state_dir).endswith("expected a registry of qyzn-bridge, got another program's database")
    assert path.read_bytes() == before


def test_a_newer_bridges_registry(database: Path) -> None:
    run(database, "PRAGMA user_version = 99")
    assert one_line_from_opening(database.parent).endswith("expected schema 1 or older, got schema 99, from a newer bridge")


def test_another_program_writes_to_it(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "_LOCK_WAIT_S", 0.0)
    with closing(sqlite3.connect(database)) as other:
        other.execute("BEGIN IMMEDIATE")
        assert "locked" in one_line_from_opening(database.parent)


def test_no_other_program_writes_to_it_meanwhile(registry: Registry) -> None:
    with closing(sqlite3.connect(registry._path, timeout=0)) as other, pytest.raises(sqlite3.OperationalError, match="locked"):
        other.execute("DELETE FROM terminal")


def test_a_failed_opening_leaves_the_directory_free(database: Path) -> None:
    run(database, "PRAGMA user_version = 99")
    one_line_from_opening(database.parent)
    run(database, "PRAGMA user_version = 1")
    Registry.open(database.parent).close()


def test_an_older_schema_is_brought_up_to_date(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        schema, "UPGRADES", (*schema.UPGRADES, ("ALTER TABLE terminal ADD COLUMN floor TEXT", "UPDATE terminal SET floor = 'G'"))
    )
    registry = Registry.open(database.parent)
    assert registry._connection.execute("SELECT serial, floor FROM terminal").fetchall() == [("SN1", "G")]
    assert registry._connection.execute("PRAGMA user_version").fetchone() == (2,)
    assert registry.get("SN1") == known_terminal()
    registry.close()


def test_an_upgrade_that_fails_changes_nothing(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            schema, "UPGRADES", (*schema.UPGRADES, ("ALTER TABLE terminal ADD COLUMN floor TEXT", "UPDATE nowhere SET floor = 1"))
        )
        assert "no such table: nowhere" in one_line_from_opening(database.parent)
    registry = Registry.open(database.parent)
    assert registry._connection.execute("PRAGMA user_version").fetchone() == (1,)
    assert registry.get("SN1") == known_terminal()
    registry.close()
