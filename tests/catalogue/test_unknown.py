"""Fields of commands that the catalogue does not know."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.catalogue import COMMANDS, Command
from bridge.catalogue.unknown import put_back, set_aside
from tests.values import json_values


def example(name: str, **more: Any) -> dict[str, Any]:
    return {**COMMANDS[name].example, **more}


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_what_is_known_is_left_alone(command: Command) -> None:
    assert set_aside(command.example, command.data) == (command.example, {})
    assert put_back(command.check(command.example), {}) == command.example


@pytest.mark.parametrize(
    ("name", "data", "unknown"),
    [
        ("open_door", {"quickly": True}, {"quickly": True}),
        ("add_person", example("add_person", team={"a": [1]}), {"team": {"a": [1]}}),
        ("config_system", {"audioctl": {"level": 1, "bass": 2}, "Newer": {"a": 1}}, {"audioctl": {"bass": 2}, "Newer": {"a": 1}}),
        (
            "add_person_face",
            example("add_person_face", faces=[{"faceId": "1"}, {"faceId": "2", "angle": 3}]),
            {"faces": {1: {"angle": 3}}},
        ),
    ],
)
def test_what_is_unknown_is_set_aside_and_put_back(name: str, data: dict[str, Any], unknown: Any) -> None:
    command = COMMANDS[name]
    known, aside = set_aside(data, command.data)
    assert aside == unknown
    assert put_back(command.check(known), aside) == data


@given(st.sampled_from(list(COMMANDS.values())), json_values)
def test_nothing_makes_it_raise(command: Command, data: Any) -> None:
    set_aside(data, command.data)
