from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.errors import StorageFault
from bridge.registry import KnownTerminal, Registry
from bridge.registry.store import MAX_PENDING
from tests.registry.site import HERE, WALL, known_terminal, reopened, written

FULL = known_terminal(
    "SN-full_1", uuid="f" * 32, secret="secret-of-SN1-16", model="KG02", firmware="V1", name="Tür", address=HERE, mac_since=WALL + 0.25
)


@pytest.mark.parametrize("terminal", [FULL, known_terminal(), known_terminal(status="pending"), known_terminal(status="blocked")])
def test_a_terminal_is_kept_whole(registry: Registry, terminal: KnownTerminal) -> None:
    registry.put(terminal)
    registry = reopened(registry)
    assert registry.terminals() == [terminal]
    assert registry.get(terminal.serial) == terminal
    assert terminal.uuid is None or registry.by_uuid(terminal.uuid) == terminal
    registry.close()


def test_case_matters(registry: Registry) -> None:
    registry.put(known_terminal("sn1", uuid="a" * 32))
    registry.put(known_terminal("SN1", uuid="A" * 32))
    registry = reopened(registry)
    assert [terminal.serial for terminal in registry.terminals()] == ["SN1", "sn1"]
    upper, lower = registry.by_uuid("A" * 32), registry.by_uuid("a" * 32)
    assert (upper and upper.serial, lower and lower.serial) == ("SN1", "sn1")
    assert registry.get("Sn1") is None
    registry.close()


def test_a_put_is_written_before_it_returns(registry: Registry, tmp_path: Path) -> None:
    registry.put(FULL)
    crashed = tmp_path / "crashed"
    shutil.copytree(registry._path.parent, crashed)
    survivor = Registry.open(crashed)
    assert survivor.get(FULL.serial) == FULL
    survivor.close()


def test_a_new_uuid_takes_the_place_of_the_old(registry: Registry) -> None:
    registry.put(FULL)
    registry.put(replace(FULL, uuid="0" * 32))
    assert registry.by_uuid("f" * 32) is None
    assert registry.by_uuid("0" * 32) is not None
    assert registry.count == 1


def test_what_is_removed_stays_away(registry: Registry) -> None:
    registry.put(FULL)
    registry.remove(FULL.serial)
    assert (registry.get(FULL.serial), registry.by_uuid("f" * 32), registry.terminals()) == (None, None, [])
    registry = reopened(registry)
    assert registry.count == 0
    registry.close()


def test_a_terminal_removed_while_a_write_is_put_off_is_not_written_again(registry: Registry) -> None:
    registry.put(FULL)
    registry.touch(FULL.serial, WALL + 1)
    registry.remove(FULL.serial)
    registry = reopened(registry)
    assert registry.count == 0
    registry.close()


def test_being_heard_from_is_written_by_the_next_flush(registry: Registry) -> None:
    registry.put(FULL)
    transactions = written(registry)
    touched = registry.touch(FULL.serial, WALL + 60, "192.0.2.8", "V2")
    assert (touched.last_seen, touched.address, touched.firmware) == (WALL + 60, "192.0.2.8", "V2")
    assert registry.get(FULL.serial) == touched
    assert transactions == []
    registry.flush()
    registry.flush()
    assert transactions == ["COMMIT"]
    registry = reopened(registry)
    assert registry.get(FULL.serial) == touched
    registry.close()


def test_a_put_leaves_to_the_flush_what_is_the_flushs(registry: Registry) -> None:
    registry.put(FULL)
    touched = registry.touch(FULL.serial, WALL + 60)
    registry.put(known_terminal("SN2"))
    registry = reopened(registry)
    assert registry.get(FULL.serial) == touched
    registry.close()


def test_what_is_not_said_is_left_as_it_was(registry: Registry) -> None:
    registry.put(FULL)
    assert registry.touch(FULL.serial, WALL + 60) == replace(FULL, last_seen=WALL + 60)


def test_touching_a_stranger(registry: Registry) -> None:
    with pytest.raises(KeyError):
        registry.touch("SN1", WALL)


def test_many_are_written_in_one_transaction(registry: Registry) -> None:
    for number in range(500):
        registry.put_later(known_terminal(f"SN{number}"))
    transactions = written(registry)
    registry.flush()
    assert transactions == ["COMMIT"]
    registry = reopened(registry)
    assert registry.count == 500
    registry.close()


def test_closing_flushes_and_may_be_repeated(registry: Registry) -> None:
    registry.put_later(FULL)
    registry.close()
    registry.close()
    registry = Registry.open(registry._path.parent)
    assert registry.get(FULL.serial) == FULL
    registry.close()


def test_pending_terminals_are_bounded_and_the_silent_go_first(registry: Registry) -> None:
    registry.put(known_terminal("approved"))
    registry.put(known_terminal("blocked", status="blocked"))
    for number in range(MAX_PENDING):
        registry.put_later(known_terminal(f"SN{number}", status="pending", last_seen=WALL + number))
    registry.flush()
    registry.put_later(known_terminal("SN0", status="pending", last_seen=WALL + 5000))
    for number in range(3):
        registry.put_later(known_terminal(f"new{number}", status="pending", last_seen=WALL + 6000 + number))

    def check(kept: Registry) -> None:
        assert kept.count == MAX_PENDING + 2
        assert [serial for serial in ("SN0", "SN1", "SN2", "SN3", "SN4", "approved", "blocked") if kept.get(serial) is None] == [
            "SN1",
            "SN2",
            "SN3",
        ]

    check(registry)
    registry = reopened(registry)
    check(registry)
    registry.put_later(known_terminal("new3", status="pending"))
    assert registry.get("SN4") is None
    assert registry.get("SN0") is not None
    registry.close()


def test_a_disk_that_takes_nothing_changes_nothing(registry: Registry) -> None:
    registry.put(FULL)
    registry._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StorageFault, match=r"registry\.sqlite3: attempt to write a readonly database"):
        registry.put(replace(FULL, name="another"))
    with pytest.raises(StorageFault):
        registry.remove(FULL.serial)
    assert registry.terminals() == [FULL]
    touched = registry.touch(FULL.serial, WALL + 60)
    with pytest.raises(StorageFault):
        registry.flush()
    registry._connection.execute("PRAGMA query_only = OFF")
    registry = reopened(registry)
    assert registry.terminals() == [touched]
    registry.close()


def test_closing_lets_go_even_when_the_disk_takes_nothing(registry: Registry) -> None:
    registry.put_later(FULL)
    registry._connection.execute("PRAGMA query_only = ON")
    with pytest.raises(StorageFault):
        registry.close()
    registry.close()
    Registry.open(registry._path.parent).close()


def test_the_secret_is_not_shown() -> None:
    assert "secret-of-SN1-16" not in repr(FULL)
