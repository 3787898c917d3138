"""The entities of configuration groups, from the groups' declarations alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator
from functools import cache
from typing import Any

from bridge.catalogue import GROUPS, Group, GroupField
from bridge.catalogue.configuration import SETTABLE
from bridge.homeassistant import templates
from bridge.homeassistant.component import Component, slug
from bridge.homeassistant.words import Language
from bridge.mqtt.topics import Topics

TECHNICAL = frozenset({"time", "serial", "weigand", "HttpPush"})
"""Groups that an installer sets once, if ever: they stay with MQTT. Entities that are disabled at first would be no place for them: Home
Assistant clears the announcement of the whole device when one that is disabled goes, and does not let go of it when its component does."""
LONGEST_STATE = 255
"""Characters of a state in Home Assistant."""

Options = dict[str, Any]


def settings(serial: str, groups: frozenset[str], topics: Topics, language: Language) -> Iterator[Component]:
    """An entity for each field of these groups that a person would set. A secret is for other tools, and so is a list."""
    for name, group in SETTABLE.items():
        if name in groups - TECHNICAL:
            yield from (_setting(serial, group, each, topics, language) for each in _fields(group))


def groups_shown(keys: Collection[str]) -> frozenset[str]:
    """The groups of which there are entities among the components of these keys."""
    return frozenset(name for name, group in GROUPS.items() if any(_key(group, each) in keys for each in group.fields))


def _fields(group: Group) -> Iterator[GroupField]:
    return (each for each in group.fields if each.titles and not each.secret and each.kind in _PLATFORMS)


def _setting(serial: str, group: Group, field: GroupField, topics: Topics, language: Language) -> Component:
    platform, options_of = _PLATFORMS[field.kind]
    topic = topics.config(serial, group.name)
    options = {
        "name": field.titles[language],
        "state_topic": topic,
        "command_topic": f"{topic}/set",
        "entity_category": "config",
        **options_of(field, language),
    }
    if field.icon:
        options["icon"] = field.icon
    return Component(platform, _key(group, field), options, slug(field.titles["en"]))


def _key(group: Group, field: GroupField) -> str:
    return f"{_snake(group.name)}-{_snake(field.attribute)}"


@cache
def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _number(field: GroupField, language: Language) -> Options:
    low, high = field.limit.ge, field.limit.le
    assert low is not None
    assert high is not None
    return {
        "min": low,
        "max": high,
        **({"unit_of_measurement": field.unit} if field.unit else {}),
        "value_template": templates.number(field.name, low, high),
        "command_template": templates.set_field(field.name),
    }


def _choice(field: GroupField, language: Language) -> Options:
    words = field.words[language]
    return {
        "options": list(words.values()),
        "value_template": templates.choice(field.name, words),
        "command_template": templates.set_choice(field.name, words),
    }


def _switch(field: GroupField, language: Language) -> Options:
    return {
        "payload_on": templates.set_switch(field.name, True),
        "payload_off": templates.set_switch(field.name, False),
        "state_on": "ON",
        "state_off": "OFF",
        "value_template": templates.switch(field.name),
    }


def _text(field: GroupField, language: Language) -> Options:
    most = min(field.limit.max_bytes or LONGEST_STATE, LONGEST_STATE)
    return {
        "max": most,
        "value_template": templates.text(field.name, most),
        "command_template": templates.set_field(field.name),
    }


_PLATFORMS: dict[str, tuple[str, Callable[[GroupField, Language], Options]]] = {
    "number": ("number", _number),
    "choice": ("select", _choice),
    "switch": ("switch", _switch),
    "text": ("text", _text),
}
