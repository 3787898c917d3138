"""The files of `etc/homeassistant` say nothing that the bridge does not: a name that changes in the catalogue is missed here at once.

Whether they do what they promise is tried with a real Home Assistant, in `tests/homeassistant_real`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import yaml
from jinja2.sandbox import ImmutableSandboxedEnvironment

from bridge.catalogue import REPORTS
from bridge.homeassistant import Offer, Terminal, terminal_device
from bridge.homeassistant.terminal import event_types
from bridge.mqtt.topics import AnswerTopic, Topics
from bridge.reference.channel import REAL
from bridge.reference.samples import published
from tests.homeassistant.devices import ALL, EVERYTHING

FOLDER = Path(__file__).parents[2] / "etc" / "homeassistant"
PATHS = sorted((FOLDER / "blueprints" / "automation" / "qyzn-bridge").glob("*.yaml"))
KINDS = {"doorbell": "call", "recognition": "recognition", "qrcode": "qrcode"}
"""The kind of event that an input stands for."""
ATTRIBUTE = re.compile(
    r"attributes\.(?!get\b)(\w+)|attributes\.get\('(\w+)'\)|'(\w+)' in trigger\.to_state\.attributes"
    r"|state_attr\((?:doorbell|recognition|qrcode), '(\w+)'\)"
)
EXAMPLE_DEVICE = "DEMO0001"

every = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)


class Input(str):
    """Where a blueprint has `!input name`."""

    __slots__ = ()


class Loader(yaml.SafeLoader):
    """YAML with `!input`."""


Loader.add_constructor("!input", lambda _, node: Input(node.value))


def read(path: Path) -> Any:
    return yaml.load(path.read_text(encoding="utf-8"), Loader)


def inputs(blueprint: Any) -> dict[str, Any]:
    """The inputs, out of their sections."""
    listed = blueprint["blueprint"]["input"].items()
    return {key: each for name, said in listed for key, each in said.get("input", {name: said}).items()}


def texts(value: Any) -> Iterator[str]:
    """Every text in it, the names of inputs as Input."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)


def body(blueprint: Any) -> dict[str, Any]:
    return {name: value for name, value in blueprint.items() if name != "blueprint"}


def kind(blueprint: Any) -> str:
    """What starts it."""
    (kind,) = (KINDS[name] for name in inputs(blueprint) if name in KINDS)
    return kind


def events(kind: str) -> list[dict[str, Any]]:
    """An event of this kind as each report makes it."""
    return [json.loads(published(report)[-1].payload) for report in REPORTS.values() if report.event == kind]


def names(domain: str) -> set[str]:
    """What a terminal's entities of this domain are called."""
    return {str(each.options["name"]) for each in components() if each.platform == domain}


def components(serial: str = "T-1", offer: Offer = EVERYTHING) -> tuple[Any, ...]:
    return terminal_device(Terminal(serial=serial, name="Front door", groups=ALL), Topics("qyzn"), offer).components


def test_there_are_blueprints() -> None:
    assert len(PATHS) >= 4


@every
def test_it_uses_every_input_and_no_other(path: Path) -> None:
    blueprint = read(path)
    assert {str(each) for each in texts(body(blueprint)) if isinstance(each, Input)} == set(inputs(blueprint))
    for name, each in inputs(blueprint).items():
        assert all(isinstance(each[part], str) for part in ("name", "description") if part in each), name
        assert "selector" in each, name


@every
def test_attributes_are_fields_of_its_events(path: Path) -> None:
    blueprint = read(path)
    used = {name for text in texts(body(blueprint)) for found in ATTRIBUTE.findall(text) for name in found if name}
    assert used
    assert used - {name for event in events(kind(blueprint)) for name in event} == set()


@every
def test_event_types_are_declared(path: Path) -> None:
    blueprint = read(path)
    used = {name for text in texts(body(blueprint)) for name in re.findall(r"event_type == '(\w+)'", text)}
    outcomes = inputs(blueprint).get("outcomes")
    used |= {each["value"] for each in outcomes["selector"]["select"]["options"]} if outcomes else set()
    assert used <= set(event_types(kind(blueprint)))
    assert used or kind(blueprint) == "qrcode", "codes have one type alone"


@every
def test_what_is_to_be_chosen_is_there(path: Path) -> None:
    """Selectors show entities that terminals have, and descriptions call them as Home Assistant does."""
    for each in inputs(read(path)).values():
        for wanted in each["selector"].get("entity", {}).get("filter", []):
            if wanted.get("integration") != "mqtt":
                continue
            (name,) = re.findall(r'^The terminal\'s "([^"]+)"', each["description"])
            assert name in names(wanted["domain"])
            (component,) = (one for one in components() if one.options.get("name") == name)
            assert component.options.get("device_class") == wanted.get("device_class")


@every
def test_what_it_answers_is_an_answer(path: Path) -> None:
    blueprint = read(path)
    told = [each["data"] for each in actions(body(blueprint)) if each.get("action") == "mqtt.publish"]
    assert bool(told) == ("answer_topic" in path.read_text(encoding="utf-8"))
    for report in (report for report in REPORTS.values() if told and report.event == kind(blueprint)):
        event = json.loads(published(report)[-1].payload)
        trigger = SimpleNamespace(to_state=SimpleNamespace(attributes=event))
        for each in told:
            topic, payload = (rendered(each[part], trigger=trigger) for part in ("topic", "payload"))
            assert REAL.read(topic) == AnswerTopic(event["device_id"], kind(blueprint))
            assert report.question is not None
            reply = report.question.read(json.loads(payload))
            assert reply.event_id == event["event_id"]


def rendered(template: str, **variables: Any) -> str:
    return ImmutableSandboxedEnvironment().from_string(template).render(variables)


def actions(value: Any) -> Iterator[dict[str, Any]]:
    """Every object in it."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from actions(each)


@every
def test_the_readme_has_it(path: Path) -> None:
    readme = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert path.name in readme
    for name, each in inputs(read(path)).items():
        assert each["name"] in readme, name


def test_the_dashboard_shows_entities_that_there_are() -> None:
    shown = set(re.findall(rf"\b[a-z_]+\.qyzn_{EXAMPLE_DEVICE.lower()}_\w+", (FOLDER / "dashboard.yaml").read_text(encoding="utf-8")))
    assert len(shown) > 5
    there = {f"{each.platform}.qyzn_{EXAMPLE_DEVICE.lower()}_{each.called}" for each in components(EXAMPLE_DEVICE, Offer())}
    assert shown - there == set()
