"""What is measured is what stands here."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import systems
from benchmarks.systems import COMPILED, SYSTEMS


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Sources, and the same with a compiled module beside them."""
    for folder in (tmp_path, tmp_path / "build" / "compiled"):
        (folder / "bridge" / "wire").mkdir(parents=True)
        (folder / "bridge" / "wire" / "body.py").write_text("A = 1\n")
    (tmp_path / "build" / "compiled" / "bridge" / "wire" / "body.cpython-311-x86_64-linux-gnu.so").write_bytes(b"\x7fELF")
    monkeypatch.setattr(systems, "ROOT", tmp_path)
    monkeypatch.setattr(systems, "COMPILED_TREE", tmp_path / "build" / "compiled")
    return tmp_path


def test_what_was_compiled_of_these_sources_is_measured(tree: Path) -> None:
    assert SYSTEMS[COMPILED].missing() is None


def test_what_was_compiled_of_others_is_not(tree: Path) -> None:
    (tree / "bridge" / "wire" / "body.py").write_text("A = 2\n")
    assert SYSTEMS[COMPILED].missing() == "what is here is not compiled: make bench-peers"


def test_nor_what_was_compiled_before_a_module_came(tree: Path) -> None:
    (tree / "bridge" / "wire" / "framer.py").write_text("")
    assert SYSTEMS[COMPILED].missing() == "what is here is not compiled: make bench-peers"


def test_nor_sources_alone(tree: Path) -> None:
    for library in tree.rglob("*.so"):
        library.unlink()
    assert SYSTEMS[COMPILED].missing() == "what is here is not compiled: make bench-peers"
