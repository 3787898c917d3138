"""From raw values to typed ones: walks the declarations, and words every error: where, what was expected, what came."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from json import dumps
from pathlib import Path
from typing import Any, TypeVar, get_args, get_origin

import msgspec

from bridge.config.section import Declared, Mask, Section, bare, choices_of, declared, rule_of, walk
from bridge.config.values import Config
from bridge.errors import ConfigError

LONGEST_SHOWN = 80
"""Characters of a value that an error shows: it has to stay one line."""

SectionT = TypeVar("SectionT", bound=Section)


@dataclass(frozen=True, slots=True)
class Given:
    """A value from elsewhere than the file, and where: an option or a variable. None: the file's value is not to be used either."""

    value: Any
    source: str


@dataclass(frozen=True, slots=True)
class Builder:
    """Builds tables out of a file's values and of what is `given` in their stead, by key path. `file` is its name, for errors."""

    file: str | None
    given: Mapping[str, Given]

    def section(self, kind: type[SectionT], raw: Mapping[str, Any], prefix: str = "") -> SectionT:
        """One table. Raises ConfigError."""
        entries = {entry.name: entry for entry in declared(kind)}
        for name in raw:
            if name not in entries:
                raise unknown(self.where(prefix + quoted(name)), "key", prefix + name, [prefix + known for known in entries] + _paths())
        found = {name: self._entry(entry, raw, prefix + name) for name, entry in entries.items() if self._has(name, raw, prefix)}
        try:
            return kind(**found)
        except ConfigError as error:
            raise ConfigError(self.where(prefix + error.where), error.expected, error.got) from None

    def where(self, path: str) -> str:
        """How an error names a key: by the option or variable it came from, or else by file and path."""
        if path in self.given:
            return self.given[path].source
        return f"{self.file}: {path}" if self.file else path

    def _has(self, name: str, raw: Mapping[str, Any], prefix: str) -> bool:
        path = prefix + name
        if path in self.given:
            return self.given[path].value is not None
        return name in raw or any(other.startswith(path + ".") for other in self.given)

    def _entry(self, entry: Declared, raw: Mapping[str, Any], path: str) -> Any:
        if entry.table:
            return self.section(entry.table, self._table(raw.get(entry.name, {}), path), path + ".")
        if entry.tables:
            return self._tables(entry.type, entry.tables, self._table(raw[entry.name], path), path)
        if entry.rows:
            return self._rows(entry.rows, raw[entry.name], path)
        mask = entry.key.mask if entry.key else None
        if path in self.given:
            return convert(entry.type, self.given[path].value, self.where(path), mask, strict=False)
        return convert(entry.type, raw[entry.name], self.where(path), mask)

    def _tables(self, names: Any, kind: type[Section], raw: Mapping[str, Any], path: str) -> dict[str, Section]:
        tables = {}
        for name, table in raw.items():
            below = f"{path}.{quoted(name)}"
            tables[convert(names, name, self.where(below))] = self.section(kind, self._table(table, below), below + ".")
        return tables

    def _rows(self, kind: type[Section], raw: Any, path: str) -> tuple[Section, ...]:
        if not isinstance(raw, list | tuple):
            raise ConfigError(self.where(path), "a list of tables", _kind(raw))
        each = ((f"{path}[{index}]", row) for index, row in enumerate(raw))
        return tuple(self.section(kind, self._table(row, below), below + ".") for below, row in each)

    def _table(self, raw: Any, path: str) -> Mapping[str, Any]:
        if isinstance(raw, Mapping):
            return raw
        raise ConfigError(self.where(path), "a table", _kind(raw))


def convert(kind: Any, value: Any, where: str, mask: Mask | None = None, *, strict: bool = True) -> Any:
    """A value as its declared type; text from outside the file is read as numbers and such (not `strict`). Raises ConfigError."""
    if get_origin(bare(kind)) is tuple:
        result: Any = _items(kind, value, where, mask, strict)
    else:
        try:
            result = msgspec.convert(value, bare(kind), strict=strict, dec_hook=_path)
        except msgspec.ValidationError:
            raise ConfigError(where, phrase(kind), _shown(value, mask)) from None
    rule = rule_of(kind)
    if rule and not rule.accepts(result):
        raise ConfigError(where, rule.expected, _shown(value, mask))
    return result


def phrase(kind: Any) -> str:
    """What a type expects, in words."""
    if rule := rule_of(kind):
        return rule.expected
    if choices := choices_of(kind):
        return "one of " + ", ".join(f'"{choice}"' for choice in choices)
    return {bool: "true or false", str: "a string"}.get(bare(kind), "a list")


def unknown(where: str, what: str, name: str, known: Sequence[str]) -> ConfigError:
    """The error about a name that does not exist, with the nearest of those that do (of two that are as near, the first).

    The value is not shown: it may be a secret.
    """
    by_last_part: dict[str, str] = {}
    for path in known:
        by_last_part.setdefault(path.rpartition(".")[2], path)
    near = get_close_matches(name.rpartition(".")[2][:LONGEST_SHOWN], by_last_part, 1, 0.65)
    return ConfigError(where, f"a known {what}" + (f" (nearest: {by_last_part[near[0]]})" if near else ""))


def quoted(name: str) -> str:
    """A part of a key path as TOML would write it, on one line whatever is in it."""
    shown = name if len(name) <= LONGEST_SHOWN else name[:LONGEST_SHOWN] + "…"
    return shown if re.fullmatch(r"[A-Za-z0-9_-]+", shown) else dumps(shown)


def _items(kind: Any, value: Any, where: str, mask: Mask | None, strict: bool) -> tuple[Any, ...]:
    if not isinstance(value, list | tuple):
        raise ConfigError(where, phrase(kind), _kind(value))
    item = get_args(bare(kind))[0]
    return tuple(convert(item, element, f"{where}[{index}]", mask, strict=strict) for index, element in enumerate(value))


def _path(kind: type, value: Any) -> Any:
    if kind is Path and isinstance(value, str) and value:
        return Path(value)
    raise ValueError


def _paths() -> list[str]:
    return [path for path, _ in walk(Config)]


def _shown(value: Any, mask: Mask | None) -> str:
    """A value as an error shows it: through its mask, on one line, and of containers only the kind."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        text = _in_quotes(mask(value) if mask else value)
    elif mask or isinstance(value, Mapping | list | tuple) or (isinstance(value, int) and value.bit_length() > 128):
        return _kind(value)
    else:
        text = str(value)
    return text if len(text) <= LONGEST_SHOWN else text[:LONGEST_SHOWN] + "…"


def _in_quotes(value: str) -> str:
    return f'"{value}"' if value.isprintable() else ascii(value)


def _kind(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a table"
    if isinstance(value, list | tuple):
        return "a list" if value else "an empty list"
    return {bool: "true or false", int: "a whole number", float: "a number", str: "a string"}.get(type(value), "a date or time")
