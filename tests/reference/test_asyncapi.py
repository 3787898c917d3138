"""The AsyncAPI document, against the official schema of AsyncAPI 3.0.0 (in asyncapi/, with its licence)."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator

from bridge.mqtt.topics import Topics
from bridge.reference.asyncapi import asyncapi_document, name_of
from bridge.reference.output import all_channels

OFFICIAL = Draft7Validator(json.loads((Path(__file__).parent / "asyncapi" / "schema-3.0.0.json").read_text(encoding="utf-8")))


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return asyncapi_document(all_channels())


def test_it_validates(document: dict[str, Any]) -> None:
    assert [f"{list(error.absolute_path)}: {error.message[:200]}" for error in OFFICIAL.iter_errors(document)] == []


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("asyncapi", "2.6.0"),
        ("operations.receive.command.open_door.action", "listen"),
        ("operations.receive.command.open_door.bindings.mqtt.qos", 3),
        ("channels.command.open_door.typo", 1),
        ("components.messages.command.open_door.payload", "text"),
    ],
)
def test_the_official_schema_would_tell(document: dict[str, Any], path: str, value: Any) -> None:
    wrong = copy.deepcopy(document)
    *way, last = re.sub(r"(receive\.)?command\.open_door", lambda match: match[0].replace(".", "/"), path).split(".")
    place = wrong
    for step in way:
        place = place[step.replace("/", ".")]
    place[last] = value
    assert not OFFICIAL.is_valid(wrong)


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    for reference in _references(document):
        place = document
        for step in reference.removeprefix("#/").split("/"):
            place = place[step]
        assert isinstance(place, dict)


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, list):
        for each in value:
            yield from _references(each)
    elif isinstance(value, dict):
        for key, each in value.items():
            if key == "$ref" and isinstance(each, str):
                yield each
            else:
                yield from _references(each)


def test_the_bridge_sends_what_it_publishes_and_receives_the_rest(document: dict[str, Any]) -> None:
    actions = {name: each["action"] for name, each in document["operations"].items()}
    assert actions["receive.command.open_door"] == "receive"
    assert actions["send.event.recognition"] == "send"
    assert actions["send.bridge.state"] == "send"
    assert set(actions.values()) == {"send", "receive"}


def test_it_listens_to_what_the_bridge_subscribes_to(document: dict[str, Any]) -> None:
    """Every topic on which it says that it receives something is subscribed to, and nothing is subscribed to in vain."""
    filters = [each.topic_filter for each in Topics("qyzn").subscriptions()]
    received = [
        re.sub(r"\{\w+\}", "x", document["channels"][each["channel"]["$ref"].split("/")[-1]]["address"].replace("{base}", "qyzn"))
        for each in document["operations"].values()
        if each["action"] == "receive"
    ]
    patterns = [re.compile(re.escape(each).replace(r"\+", "[^/]+").replace(r"\#", ".+").replace("#", ".+")) for each in filters]
    assert [topic for topic in received if not any(pattern.fullmatch(topic) for pattern in patterns)] == []
    told = [pattern.pattern for pattern in patterns if not any(pattern.fullmatch(topic) for topic in received)]
    assert told == []


def test_what_is_retained_says_so(document: dict[str, Any]) -> None:
    retained = {name for name, each in document["operations"].items() if each["bindings"]["mqtt"]["retain"]}
    assert {"send.bridge.state", "send.availability", "send.config.time", "send.bridge.devices"} <= retained
    assert not [name for name in retained if name.startswith("receive.") or ".event" in name]
    assert document["operations"]["send.bridge.health"]["bindings"]["mqtt"]["qos"] == 0


def test_names_are_unique() -> None:
    names = [name_of(channel) for channel in all_channels()]
    assert len(set(names)) == len(names)
