"""What the reference says of the bridge's own words, against the code that says them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from twisted.internet.testing import MemoryReactorClock

from bridge.composition import compose
from bridge.config import Config
from bridge.mqtt.address import parse_address
from bridge.mqtt.commands import Code
from bridge.reference.happenings import BRIDGE_EVENTS, sample_of
from bridge.reference.own import own_channels
from bridge.reference.results import CODES
from bridge.reference.stage import Stage

BRIDGE = Path(__file__).parents[2] / "bridge"


def _told() -> Iterator[tuple[str, set[str]]]:
    """Every `tell("kind", name=…)` in the code: the kind, and the names of what is told."""
    for path in BRIDGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in {"tell", "_tell"}:
                kind = node.args[0] if node.args else None
                if isinstance(kind, ast.Constant) and isinstance(kind.value, str) and node.keywords:
                    yield kind.value, {each.arg for each in node.keywords if each.arg}


def test_every_event_that_the_bridge_tells_is_declared_with_what_it_tells() -> None:
    told = dict(_told())
    assert set(told) == set(BRIDGE_EVENTS), "bridge/reference/happenings.py declares them"
    for kind, names in told.items():
        fields = BRIDGE_EVENTS[kind].__struct_fields__
        assert names <= set(fields), kind
        assert names == set(fields) or kind == "answer_late", kind


@pytest.mark.parametrize("kind", BRIDGE_EVENTS)
def test_each_event_has_a_sample(kind: str) -> None:
    assert all(sample_of(kind).values())


def test_every_code_is_explained() -> None:
    assert list(CODES) == list(get_args(Code))
    assert all(words.endswith(".") for words in CODES.values())


class _Listener:
    def __getattr__(self, name: str) -> Any:
        return lambda *args: None


def test_every_request_that_the_bridge_understands_is_told_of(tmp_path: Path) -> None:
    parts = compose(MemoryReactorClock(), Config(state_dir=tmp_path), parse_address("mqtt://127.0.0.1"), _Listener())
    try:
        understood = {name: (each.fields, each.summary) for name, each in parts.relay.requests._requests.items()}
    finally:
        parts.registry.close()
    assert {name: (each.fields, each.summary) for name, each in Stage().requests.items()} == understood


def test_every_own_topic_is_told_of() -> None:
    """Whatever is published when a terminal joins stands in the reference."""
    published = {each.topic.removeprefix("qyzn/").removeprefix("0a9310e7acc298d3/") for each in Stage().play()}
    assert published <= {channel.key for channel in own_channels()}
