"""The declared fields of a message, in words: one row for each, those of nested objects and lists under their path."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec
from msgspec import inspect

from bridge.catalogue.fields import Limit
from bridge.catalogue.group import GroupData


@dataclass(frozen=True, slots=True)
class Row:
    """A field. `name` is ours, `wire` the protocol's; both are paths, as in `faces[].image`. `limit` says its range, length or form;
    `values` are the meanings of its numbers, if it is chosen from a table."""

    name: str
    wire: str
    kind: str
    required: bool
    unit: str
    limit: str
    values: dict[int, str]
    meaning: str
    picture: bool = False
    nullable: bool = False
    group: str = ""
    """The configuration group that the field holds."""

    @property
    def kind_or_null(self) -> str:
        """The type of what may be said to be nothing."""
        return f"{self.kind}, or null" if self.nullable else self.kind


@dataclass(slots=True)
class _Found:
    """What the annotations around a type say, from the outside in."""

    description: str = ""
    limit: Limit | None = None
    unit: str | None = None
    picture: bool = False
    local_time: bool = False
    nullable: bool = False


def rows_of(shape: type[Any]) -> list[Row]:
    """The fields of a struct, in the order of their declaration."""
    declared = inspect.type_info(shape)
    assert isinstance(declared, inspect.StructType | inspect.DataclassType)
    return list(_rows(declared, "", ""))


def _rows(declared: inspect.StructType | inspect.DataclassType, name: str, wire: str) -> Iterator[Row]:
    for field in declared.fields:
        found = _Found()
        kind = _unwrap(field.type, found)
        row = _row(name + field.name, wire + field.encode_name, kind, found, required=field.required)
        yield row
        yield from _below(kind, row.name, row.wire)


def _below(kind: inspect.Type, name: str, wire: str) -> Iterator[Row]:
    """The fields of the objects in a field. Those of a configuration group have a page of their own."""
    if isinstance(kind, inspect.ListType):
        yield from _below(_unwrap(kind.item_type, _Found()), f"{name}[]", f"{wire}[]")
    elif isinstance(kind, inspect.DictType):
        yield from _below(_unwrap(kind.value_type, _Found()), f"{name}.*", f"{wire}.*")
    elif isinstance(kind, inspect.StructType) and not issubclass(kind.cls, GroupData):
        yield from _rows(kind, f"{name}.", f"{wire}.")


def _row(name: str, wire: str, kind: inspect.Type, found: _Found, *, required: bool) -> Row:
    limit = found.limit
    inner = _limit_of_items(kind)
    return Row(
        name=name,
        wire=wire,
        kind=_kind(kind, found),
        required=required,
        unit=found.unit or "",
        limit="" if found.local_time else ", ".join(filter(None, (limit_words(limit), f"each {inner}" if inner else ""))),
        values=dict(limit.choices or {}) if limit else {},
        meaning=found.description,
        picture=found.picture,
        nullable=found.nullable,
        group=kind.cls.declaration.name if isinstance(kind, inspect.StructType) and issubclass(kind.cls, GroupData) else "",
    )


def _limit_of_items(kind: inspect.Type) -> str:
    found = _Found()
    if isinstance(kind, inspect.ListType):
        _unwrap(kind.item_type, found)
    return limit_words(found.limit)


def limit_words(limit: Limit | None) -> str:
    """What a caller must keep to; empty where there is nothing but the type. A table of values is not told again."""
    if limit is None or limit.choices is not None:
        return ""
    return "" if limit.expected == "a value" else limit.expected


def _unwrap(kind: inspect.Type, found: _Found) -> inspect.Type:
    """The type inside annotations, and without "or nothing"; what the annotations say goes into `found`, the outermost first."""
    if isinstance(kind, inspect.Metadata):
        said, extra = kind.extra_json_schema or {}, kind.extra or {}
        found.description = found.description or str(said.get("description", ""))
        found.limit = found.limit or extra.get("limit")
        found.unit = found.unit or extra.get("unit")
        found.picture = found.picture or said.get("contentEncoding") == "base64"
        found.local_time = found.local_time or bool(extra.get("local_time"))
        return _unwrap(kind.type, found)
    if isinstance(kind, inspect.UnionType):
        some = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        found.nullable = found.nullable or len(some) < len(kind.types)
        return _unwrap(some[0], found) if len(some) == 1 or found.limit else kind
    return kind


_KINDS: dict[type[inspect.Type], str] = {
    inspect.StrType: "text",
    inspect.IntType: "whole number",
    inspect.FloatType: "number",
    inspect.BoolType: "true or false",
    inspect.StructType: "object",
    inspect.DictType: "object",
    inspect.AnyType: "anything",
}


def _kind(kind: inspect.Type, found: _Found) -> str:
    if found.picture:
        return "picture in base64"
    if found.limit is not None and found.limit.as_text:
        return "text, or a whole number"
    if found.local_time:
        return "time, ISO 8601"
    return kind_words(kind)


def kind_words(kind: inspect.Type) -> str:
    """A type in words."""
    kind = _unwrap(kind, _Found())
    if isinstance(kind, inspect.ListType):
        return f"list: {kind_words(kind.item_type)}"
    if isinstance(kind, inspect.LiteralType):
        return " or ".join(f"`{json.dumps(value)}`" for value in kind.values)
    if isinstance(kind, inspect.UnionType):
        some = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
        return " or ".join(dict.fromkeys(map(kind_words, some)))
    return _KINDS[type(kind)]


def structs_in(kind: inspect.Type) -> Iterator[type[msgspec.Struct]]:
    """The structs that a field of this type holds directly."""
    kind = _unwrap(kind, _Found())
    if isinstance(kind, inspect.StructType):
        yield kind.cls
    elif isinstance(kind, inspect.ListType):
        yield from structs_in(kind.item_type)


def wire_names(shape: type[msgspec.Struct]) -> dict[str, str]:
    """The protocol's name of each field, by ours."""
    return {field.name: field.encode_name for field in msgspec.structs.fields(shape)}
