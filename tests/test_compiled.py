"""What may be compiled: it means the same when it is. And where these tests are to run against compiled modules, they do."""

from __future__ import annotations

import ast
import importlib
import os
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
KEYWORDED = {"Value", "Holding"}
"""Have `frozen` themselves; what is derived from them repeats it for the type checker."""
MODULES: list[str] = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["hooks"]["custom"]["modules"]


@pytest.mark.skipif("QYZN_COMPILED" not in os.environ, reason="the sources are tested")
@pytest.mark.parametrize("module", MODULES)
def test_it_is_compiled(module: str) -> None:
    name = module.removesuffix(".py").replace("/", ".")
    assert Path(importlib.import_module(name).__file__ or "").suffix in {".so", ".pyd"}


@pytest.mark.parametrize("module", MODULES)
def test_it_means_the_same_when_it_is(module: str) -> None:
    assert list(traps(ast.parse((ROOT / module).read_text()))) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("try:\n    f()\nexcept OSError:\n    raise ValueError from None", ["4: raise … from"]),
        ("try:\n    f()\nexcept OSError:\n    raise", []),
        ("class Link:\n    log = Logger()", ["2: a Logger that is no ClassVar"]),
        ("class Link:\n    log: ClassVar = Logger()", []),
        ("log = Logger()", ["1: a Logger that is no ClassVar"]),
        ("lines = json.Decoder(Struct).decode\nclass Struct(msgspec.Struct): ...", ["1: a Decoder of a type"]),
        ("class Value(Struct, frozen=True): ...", ["1: a class with keywords"]),
        ("class Entry(Entity): ...", []),
        ("class Body(Value, frozen=True): ...", []),
        ("decode = msgspec.json.Decoder().decode", []),
    ],
)
def test_traps_are_found(source: str, found: list[str]) -> None:
    assert list(traps(ast.parse(source))) == found


def traps(tree: ast.AST) -> Iterator[str]:
    """What mypyc takes without a word, and compiles to something else: by line."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.cause is not None:
            yield f"{node.lineno}: raise … from"  # is left out: a traceback would tell of the context, and whatever it holds
        elif isinstance(node, ast.ClassDef) and node.keywords and not KEYWORDED.issuperset(map(ast.unparse, node.bases)):
            yield f"{node.lineno}: a class with keywords"  # are left out: bridge/values.py has bases that have them
        elif isinstance(node, ast.Assign) and _called(node.value) == "Logger":
            yield f"{node.lineno}: a Logger that is no ClassVar"  # it is an attribute of each instance, and loses its namespace
        elif isinstance(node, ast.Call) and _called(node) == "Decoder" and node.args:
            yield f"{node.lineno}: a Decoder of a type"  # msgspec goes by annotations, and compiled classes have others


def _called(node: ast.expr) -> str | None:
    function = node.func if isinstance(node, ast.Call) else None
    return function.attr if isinstance(function, ast.Attribute) else function.id if isinstance(function, ast.Name) else None
