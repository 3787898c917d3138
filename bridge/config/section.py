"""The vocabulary of a declaration: what stands beside a key's type and default, and how the rest of the package reads it.

    keepalive_s: Annotated[Keepalive, Key("How often an idle connection is checked.")] = 30

From such a line follow the key's loading and checking, its place in the sample, its masking, its option and its environment variable.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from inspect import getdoc
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

import msgspec

HIDDEN = "***"

Mask = Callable[[str], str]
"""How a value is shown to whoever must not know it."""


def hidden(value: str) -> str:
    """The mask of a secret: nothing of it is shown."""
    return HIDDEN


@dataclass(frozen=True, slots=True)
class Key:
    """What a key means, for people (`description`; where there is no default a TOML `example`), and where else it can be given.

    `option` is the name of its command line option. A value with a `mask` is never shown but through it, and may come from the
    environment; so may one marked `environment`. `displaces(value)` names the keys of the same table that a value from a stronger
    source takes the place of.
    """

    description: str
    example: str | None = None
    option: str | None = None
    environment: bool = False
    mask: Mask | None = None
    displaces: Callable[[str], tuple[str, ...]] = lambda value: ()


@dataclass(frozen=True, slots=True)
class Rule:
    """Which values of a type will do: `expected` says it in words (after "expected "), `accepts` decides."""

    expected: str
    accepts: Callable[[Any], object]


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table of the configuration. Its repr masks what must not be seen."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in redacted(self).items())})"


@dataclass(frozen=True, slots=True)
class Declared:
    """One declared key: a value, a `table` below, `tables` by name, or `rows`, a list of tables.

    `type` is the type of the value, or of the name for `tables`, without None and with its rule. `default` None: there is none.
    """

    name: str
    type: Any
    default: Any
    key: Key | None = None
    table: type[Section] | None = None
    tables: type[Section] | None = None
    rows: type[Section] | None = None


@cache
def declared(section: type[Section]) -> tuple[Declared, ...]:
    """The keys of a table, in the order of their declaration."""
    hints = get_type_hints(section, include_extras=True)
    return tuple(_declared(field.name, hints[field.name], field.default) for field in msgspec.structs.fields(section))


def walk(section: type[Section], prefix: str = "") -> Iterator[tuple[str, Declared]]:
    """Every value that has a fixed path, as in `mqtt.url`, with its declaration."""
    for entry in declared(section):
        if entry.table:
            yield from walk(entry.table, f"{prefix}{entry.name}.")
        elif not entry.tables:
            yield prefix + entry.name, entry


def summary(section: type[Section]) -> str:
    """What a table is for: its docstring, as one paragraph."""
    return " ".join((getdoc(section) or "").split())


def rule_of(kind: Any) -> Rule | None:
    """The rule that a type carries."""
    return next((extra for extra in getattr(kind, "__metadata__", ()) if isinstance(extra, Rule)), None)


def bare(kind: Any) -> Any:
    """The type without what is annotated to it."""
    return get_args(kind)[0] if get_origin(kind) is Annotated else kind


def item_of(kind: Any) -> Any:
    """The type of what stands in a list; None for any other type."""
    return get_args(bare(kind))[0] if get_origin(bare(kind)) is tuple else None


def is_section(kind: Any) -> bool:
    """Whether this type is a table."""
    return isinstance(kind, type) and issubclass(kind, Section)


def choices_of(kind: Any) -> tuple[str, ...]:
    """The values of a Literal; nothing for any other type."""
    return get_args(bare(kind)) if get_origin(bare(kind)) is Literal else ()


def redacted(section: Section) -> dict[str, Any]:
    """The configuration as plain JSON values that anybody may see: secrets are masked."""
    return {entry.name: _shown(entry, getattr(section, entry.name)) for entry in declared(type(section))}


def _shown(entry: Declared, value: Any) -> Any:
    if isinstance(value, Section):
        return redacted(value)
    if isinstance(value, Mapping):
        return {name: redacted(table) for name, table in value.items()}
    if entry.rows:
        return [redacted(row) for row in value]
    if value is not None and entry.key and entry.key.mask:
        return entry.key.mask(value)
    return msgspec.to_builtins(value, enc_hook=str)


def _declared(name: str, hint: Any, default: Any) -> Declared:
    key = next((extra for extra in getattr(hint, "__metadata__", ()) if isinstance(extra, Key)), None)
    if key is None:
        return Declared(name, hint, default, table=hint)
    if get_origin(bare(hint)) is Mapping:
        names, tables = get_args(bare(hint))
        return Declared(name, names, default, key, tables=tables)
    if is_section(row := item_of(hint)):
        return Declared(name, hint, default, key, rows=row)
    return Declared(name, _without_none(hint), default, key)


def _without_none(hint: Any) -> Any:
    """`Annotated[X | None, Key]` and `Annotated[X, Rule, Key]` as X and Annotated[X, Rule]: TOML knows no None."""
    inner = bare(hint)
    if get_origin(inner) in (Union, UnionType):
        (inner,) = (kind for kind in get_args(inner) if kind is not NoneType)
        return inner
    rule = rule_of(hint)
    return Annotated[inner, rule] if rule else inner
