"""Devices and their components, as values, and what all components have."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bridge.homeassistant.words import Language, word


@dataclass(frozen=True, slots=True)
class Component:
    """An entity, a device trigger or a tag scanner: its platform in Home Assistant, its `key` within the device, and its options.

    `called` is the end of the entity id that is proposed for it; users see that, while the key is for machines.
    """

    platform: str
    key: str
    options: Mapping[str, Any]
    called: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A device of Home Assistant's. `id` is its discovery id and its identifier, `about` what else describes it. Its entities are
    available while all of the topics of `availability` say online."""

    id: str
    name: str
    about: Mapping[str, str]
    availability: tuple[str, ...]
    components: tuple[Component, ...]


def entity(platform: str, key: str, language: Language, **options: Any) -> Component:
    """A component with the name that `words` has for its key. Options that are None are left out."""
    given = {name: value for name, value in options.items() if value is not None}
    return Component(platform, key, {"name": word(key, language), **given}, key)


def available_with(topic: str) -> list[dict[str, str]]:
    """The availability of a component that does not depend on all that its device depends on."""
    return [{"topic": topic}]


def slug(text: str) -> str:
    """The text as a part of an entity id: lower-case letters, digits and single underscores."""
    return re.sub(r"[^a-z0-9]+", "_", text.lower()).strip("_")
