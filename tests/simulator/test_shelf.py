"""What is kept comes back; what cannot be read is forgotten; nobody else reads it."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from bridge.simulator.roster import Roster
from bridge.simulator.shelf import FileShelf, Shelf


def test_things_come_back_by_the_start_of_their_keys(tmp_path: Path) -> None:
    shelf = FileShelf.of(tmp_path, "../a/b")
    keys = ["person/a", "person/A", "person/../../x", "person/人", "settings"]
    for key in keys:
        shelf.put(key, {"of": key})
    shelf.put("settings", 1)
    shelf.drop("person/a")
    shelf.drop("person/nobody")
    again = FileShelf.of(tmp_path, "../a/b")
    assert dict(again.load("person/")) == {key: {"of": key} for key in keys[1:4]}
    assert list(again.load("settings")) == [("settings", 1)]
    assert [path.parent for path in tmp_path.rglob("*.json")] == [tmp_path / "..%2Fa%2Fb"] * 4
    assert list(FileShelf.of(tmp_path, "other").load("")) == []


def test_files_are_private(tmp_path: Path) -> None:
    FileShelf(tmp_path / "s").put("k", 1)
    [path] = (tmp_path / "s").iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"key":5,"value":1}', b"\xff"])
def test_what_cannot_be_read_is_passed_over(tmp_path: Path, content: bytes) -> None:
    shelf = FileShelf(tmp_path)
    for key in ("a", "b"):
        shelf.put(key, key)
    (tmp_path / f"{b'a'.hex()}.json").write_bytes(content)
    assert list(shelf.load("")) == [("b", "b")]


def test_persons_that_are_none_are_passed_over(tmp_path: Path) -> None:
    shelf = FileShelf(tmp_path)
    shelf.put("person/1", {"fields": {"personId": "1"}, "faces": {}})
    shelf.put("person/2", {"fields": {"personId": "1"}, "faces": {}})
    shelf.put("person/3", {"fields": {}, "faces": {}})
    shelf.put("person/4", [])
    assert Roster(shelf, lambda _: True).ids() == ["1"]


def test_a_shelf_that_keeps_nothing() -> None:
    shelf = Shelf()
    shelf.put("a", 1)
    shelf.drop("a")
    assert list(shelf.load("")) == []
