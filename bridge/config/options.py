"""Where else a key can be given: its command line option and its environment variable, both derived from its declaration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_origin

from bridge.config.section import Declared, bare, choices_of, walk
from bridge.config.values import Config

PREFIX = "QYZN_BRIDGE_"


@dataclass(frozen=True, slots=True)
class Option:
    """A command line option: `--name VALUE`, given several times if `repeatable`; `path` is its key in the file, as in `mqtt.url`."""

    name: str
    path: str
    help: str
    repeatable: bool
    choices: tuple[str, ...]


def variable(path: str, entry: Declared) -> str | None:
    """The environment variable of a key, if it has one: QYZN_BRIDGE_MQTT_URL for mqtt.url."""
    wanted = entry.key is not None and (entry.key.environment or entry.key.mask)
    return PREFIX + path.upper().replace(".", "_") if wanted else None


def _option(path: str, entry: Declared) -> Option | None:
    if entry.key is None or entry.key.option is None:
        return None
    return Option(entry.key.option, path, entry.key.description, get_origin(bare(entry.type)) is tuple, choices_of(entry.type))


OPTIONS: tuple[Option, ...] = tuple(option for path, entry in walk(Config) if (option := _option(path, entry)))
VARIABLES: dict[str, str] = {name: path for path, entry in walk(Config) if (name := variable(path, entry))}
"""The key path of each environment variable."""
