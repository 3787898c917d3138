"""Where else a key can be given: its command line option and its environment variable, both derived from its declaration."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import get_origin

from bridge.config.section import Key, bare, choices_of, walk
from bridge.config.values import Config

PREFIX = "QYZN_BRIDGE_"


@dataclass(frozen=True, slots=True)
class Option:
    """A command line option: `--name VALUE`, given several times if `repeatable`, one of `choices` if there are any; or, if it is a
    `switch`, `--name` and `--no-name`.

    `path` is its key in the file, as in `mqtt.url`; `help` says what it means, and its default.
    """

    name: str
    path: str
    help: str
    repeatable: bool
    choices: tuple[str, ...]
    switch: bool

    @property
    def spellings(self) -> tuple[str, ...]:
        """As it is written."""
        return (f"--{self.name}", f"--no-{self.name}") if self.switch else (f"--{self.name}",)


def _options() -> Iterator[Option]:
    for path, entry in walk(Config):
        if entry.key and entry.key.option:
            repeatable = get_origin(bare(entry.type)) is tuple
            yield Option(
                entry.key.option, path, _help(entry.key, entry.default), repeatable, choices_of(entry.type), bare(entry.type) is bool
            )


def _help(key: Key, default: object) -> str:
    """The description, for a terminal, where only the option's own default has to be said."""
    if isinstance(default, bool):
        return f"{key.description} (default: {'yes' if default else 'no'})"
    shown = " ".join(default) if isinstance(default, tuple) else str(default)
    return f"{key.description} (default: {shown})" if shown else key.description


def _variables() -> Iterator[tuple[str, str]]:
    for path, entry in walk(Config):
        if entry.key and (entry.key.environment or entry.key.mask):
            yield PREFIX + path.upper().replace(".", "_"), path


OPTIONS: tuple[Option, ...] = tuple(_options())
VARIABLES: dict[str, str] = dict(_variables())
"""The key path of each environment variable, as in QYZN_BRIDGE_MQTT_URL: mqtt.url."""


def elsewhere(path: str) -> tuple[str, ...]:
    """The option and the variable that give this key too, as they are written."""
    options = (spelling for option in OPTIONS if option.path == path for spelling in option.spellings)
    return *options, *(name for name, key in VARIABLES.items() if key == path)
