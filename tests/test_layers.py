"""The layers of `bridge/`: every import points downwards, and only the outermost files see the global reactor."""

from __future__ import annotations

import ast
import importlib.util
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).parent.parent

# From the bottom up. Layers on one rung do not import each other.
LADDER = (
    {"errors", "values"},
    {"exits"},
    {"config"},
    {"wire"},
    {"catalogue"},
    {"session"},
    {"terminal", "registry"},
    {"outbox"},
    {"mqtt"},
    {"homeassistant"},
    {"relay"},
    {"reference"},
    {"readiness", "garbage", "descriptors", "rules", "roster"},
    {"composition"},
    {"service"},
    {"tap"},
)
RUNG = {layer: rung for rung, layers in enumerate(LADDER) for layer in layers}
# Layers that may import less than what lies below them, or, like the simulator, stand beside the ladder.
NEVER = {"mqtt": {"terminal"}}
ONLY = {"simulator": {"errors", "exits", "wire", "catalogue"}}
WITHOUT_TWISTED = {"errors", "config", "wire", "catalogue", "session"}
COMPOSES = {"bridge/tap.py", "bridge/simulator/tap.py"}


def violations(root: Path) -> list[str]:
    """One line for each import under `root`/bridge that breaks a rule: file, line, what it imports, and why it may not."""
    return [
        f"{path.relative_to(root)}:{line}: {why}" for path in sorted((root / "bridge").rglob("*.py")) for line, why in _in_file(root, path)
    ]


def _in_file(root: Path, path: Path) -> Iterator[tuple[int, str]]:
    module = path.relative_to(root).with_suffix("").parts
    # bridge/__init__.py is loaded before everything else, so it may import as little as the lowest layer.
    layer = "errors" if module == ("bridge", "__init__") else module[1]
    if layer not in RUNG and layer not in ONLY:
        yield 1, f"{layer} has no place in the ladder of tests/test_layers.py: give it one"
        return
    for line, name in _imports(path, ".".join(module[:-1])):
        why = _why_not(layer, name, path.relative_to(root).as_posix())
        if why is not None:
            yield line, why


def _imports(path: Path, package: str) -> Iterator[tuple[int, str]]:
    """Each imported name in full, with its line; `from a import b` counts as a.b, since b may be a module."""
    for node in ast.walk(ast.parse(path.read_text(), str(path))):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            yield from ((node.lineno, f"{base}.{alias.name}") for alias in node.names)


def _why_not(layer: str, name: str, file: str) -> str | None:
    top, *rest = name.split(".")
    if top == "twisted":
        if layer in WITHOUT_TWISTED:
            return f"{layer} is without Twisted, and imports {name}"
        if rest[:2] == ["internet", "reactor"] and file not in COMPOSES:
            return f"imports the global reactor; only {' and '.join(sorted(COMPOSES))} may: take it as an argument"
    if top != "bridge" or not rest or rest[0] == layer or rest[0].startswith("__"):
        return None
    return _why_not_layer(layer, rest[0])


def _why_not_layer(layer: str, imported: str) -> str | None:
    if layer in ONLY:
        return (
            None
            if imported in ONLY[layer]
            else f"{layer} may import {', '.join(sorted(ONLY[layer]))} and nothing else, and imports {imported}"
        )
    if imported not in RUNG:
        return f"{layer} imports {imported}, which is not in the ladder"
    if imported in NEVER.get(layer, ()):
        return f"{layer} must never import {imported}"
    if RUNG[imported] > RUNG[layer]:
        return f"{layer} imports {imported}, which lies above it"
    return f"{layer} and {imported} stand on one rung, and must not import each other" if RUNG[imported] == RUNG[layer] else None


def test_every_import_points_downwards() -> None:
    found = violations(ROOT)
    assert not found, "imports against the layers:\n" + "\n".join(found)


def test_the_walk_sees_the_package() -> None:
    """Else the test above would pass by looking at nothing."""
    assert {path.name for path in (ROOT / "bridge").rglob("*.py")} >= {"errors.py", "__init__.py"}
    assert "bridge.errors.ConfigError" in {name for path in (ROOT / "bridge").rglob("*.py") for _, name in _imports(path, "bridge.any")}


@pytest.mark.parametrize(
    ("file", "source", "why"),
    [
        ("wire/header.py", "from bridge.session import x", "wire imports session, which lies above it"),
        ("wire/header.py", "from ..catalogue.door import OpenDoor", "wire imports catalogue, which lies above it"),
        ("wire/header.py", "from .. import session", "wire imports session, which lies above it"),
        ("wire/__init__.py", "from ..session import x", "wire imports session, which lies above it"),
        ("errors.py", "import bridge.config.load", "errors imports config, which lies above it"),
        ("session/session.py", "def late():\n    from bridge import terminal", "session imports terminal, which lies above it"),
        ("terminal/protocol.py", "from bridge.mqtt import link", "terminal imports mqtt, which lies above it"),
        ("mqtt/link.py", "from bridge.terminal import factory", "mqtt must never import terminal"),
        ("registry/store.py", "from bridge.terminal import factory", "registry and terminal stand on one rung"),
        ("registry/store.py", "from bridge.mqtt import link", "registry imports mqtt, which lies above it"),
        ("terminal/factory.py", "from bridge.registry import store", "terminal and registry stand on one rung"),
        ("relay/events.py", "from bridge import tap", "relay imports tap, which lies above it"),
        (
            "simulator/terminal.py",
            "from bridge.session import session",
            "simulator may import catalogue, errors, exits, wire and nothing else",
        ),
        ("simulator/tap.py", "from bridge.config import load", "simulator may import catalogue, errors, exits, wire and nothing else"),
        ("tap.py", "from bridge import simulator", "tap imports simulator, which is not in the ladder"),
        ("novelty.py", "", "novelty has no place in the ladder"),
        ("__init__.py", "from bridge import relay", "errors imports relay"),
        ("catalogue/door.py", "from twisted.python import failure", "catalogue is without Twisted"),
        ("session/session.py", "import twisted", "session is without Twisted"),
        ("wire/framer.py", "from twisted.logger import Logger", "wire is without Twisted"),
        ("mqtt/link.py", "from twisted.internet import defer, reactor", "imports the global reactor"),
        ("simulator/run.py", "import twisted.internet.reactor as r", "imports the global reactor"),
        ("service.py", "from twisted.internet.reactor import callLater", "imports the global reactor"),
    ],
)
def test_each_rule_can_fail(tmp_path: Path, file: str, source: str, why: str) -> None:
    assert why in "\n".join(violations(_tree(tmp_path, {file: source})))


def test_what_is_allowed(tmp_path: Path) -> None:
    allowed = {
        "__init__.py": "",
        "catalogue/door.py": "from bridge import __version__\nfrom ..errors import Invalid\nfrom . import fields\nimport msgspec",
        "registry/admission.py": "from ..session.admission import Admission",
        "mqtt/link.py": "from bridge.outbox import store\nfrom twisted.internet import defer",
        "relay/events.py": """
            from ..mqtt.link import Link
            from ..terminal.directory import Directory
            """,
        "tap.py": "from twisted.internet import reactor\nfrom bridge import service",
        "simulator/tap.py": "from twisted.internet import reactor\nfrom .terminal import Terminal\nfrom ..wire import header",
    }
    assert violations(_tree(tmp_path, allowed)) == []


def _tree(root: Path, files: dict[str, str]) -> Path:
    for name, source in files.items():
        path = root / "bridge" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(source))
    return root
