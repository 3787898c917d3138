"""Reads what a terminal says: nothing is refused for one odd field, and nothing is lost."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, TypeVar

import msgspec
from msgspec import inspect

from ..errors import Invalid
from .checking import below, invalid_from

S = TypeVar("S", bound=msgspec.Struct)


class _Shape(NamedTuple):
    """A struct, as it is read: its fields by their names on the wire, those that may hold a float by their names in Python, and whether there are
    structs in it."""

    fields: dict[str, _Field]
    floats: tuple[str, ...]
    has_objects: bool


class _Field(NamedTuple):
    """A field as it is read: its declared type, and the struct in it or in the list in it."""

    name: str
    declared: Any
    inner: type[msgspec.Struct] | None
    is_list: bool


def lenient(data: dict[str, Any], shape: type[S], aliases: Mapping[str, str]) -> tuple[S, dict[str, Any]]:
    """`data` as a `shape`, and what did not fit: fields that are unknown or of a type that cannot be read.

    Numbers may come as strings and the other way round, and an object where a list of objects is declared; `aliases` maps other
    spellings of a field to its own, which wins where both are there. What did not fit inside a nested object is named by its path,
    as in `faces[0].size`. Raises Invalid only when a field that has no default is missing or unreadable.
    """
    if None in data.values():
        data = {key: value for key, value in data.items() if value is not None}
    if not data.keys().isdisjoint(aliases):
        data = {aliases[key]: value for key, value in data.items() if key in aliases} | {
            key: value for key, value in data.items() if key not in aliases
        }
    fields, floats, has_objects = _read_as(shape)
    extra = {} if data.keys() <= fields.keys() else {key: value for key, value in data.items() if key not in fields}
    value = None if has_objects else _converted(data, shape, floats)
    return (value, extra) if value is not None else _salvage(data, shape, extra)


def _converted(data: dict[str, Any], shape: type[S], floats: tuple[str, ...]) -> S | None:
    """All at once; None where one of the fields cannot be read."""
    try:
        value = msgspec.convert(data, shape, strict=False)
    except msgspec.ValidationError:
        return None
    for name in floats:
        if not _is_number(getattr(value, name)):
            return None
    return value


def _salvage(data: dict[str, Any], shape: type[S], extra: dict[str, Any]) -> tuple[S, dict[str, Any]]:
    """Field by field: an event must not be lost for one odd field in it."""
    read: dict[str, Any] = {}
    for field in _read_as(shape).fields.values():
        if field.name not in data:
            continue
        value = data[field.name]
        try:
            read[field.name] = _nested(value, field, extra) if field.inner else msgspec.to_builtins(_lenient_value(value, field.declared))
        except (msgspec.ValidationError, Invalid):
            extra[field.name] = value
    try:
        return msgspec.convert(read, shape, strict=False), extra
    except msgspec.ValidationError as error:
        fault = invalid_from(error, "data")
    raise fault


def _nested(value: Any, field: _Field, extra: dict[str, Any]) -> Any:
    """An object, or a list of them, each read by the same rules."""
    if not field.is_list:
        return _nested_object(value, field, field.name, extra)
    values = [value] if isinstance(value, dict) else value
    if not isinstance(values, list) or not all(isinstance(each, dict) for each in values):
        raise Invalid(field.name, "objects")
    return [_nested_object(each, field, f"{field.name}[{index}]", extra) for index, each in enumerate(values)]


def _nested_object(value: Any, field: _Field, path: str, extra: dict[str, Any]) -> Any:
    if not isinstance(value, dict) or field.inner is None:
        raise Invalid(path, "an object")
    read, more = lenient(value, field.inner, {})
    extra |= {below(path, name): each for name, each in more.items()}
    return msgspec.to_builtins(read)


def _lenient_value(value: Any, declared: Any) -> Any:
    try:
        read = msgspec.convert(value, declared, strict=False)
    except msgspec.ValidationError:
        if isinstance(value, bool | int | float):
            return msgspec.convert(msgspec.json.encode(value).decode(), declared, strict=False)
        raise
    if not _is_number(read):
        raise msgspec.ValidationError("not a number")
    return read


def _is_number(value: Any) -> bool:
    """Not one of the floats that JSON cannot write, which msgspec makes of the strings "nan" and "inf"."""
    return not isinstance(value, float) or math.isfinite(value)


@cache
def _read_as(shape: type[msgspec.Struct]) -> _Shape:
    declared = inspect.type_info(shape)
    assert isinstance(declared, inspect.StructType)
    types = {field.encode_name: field.type for field in declared.fields}
    fields = {
        field.encode_name: _Field(field.encode_name, field.type, *_struct_in(types[field.encode_name]))
        for field in msgspec.structs.fields(shape)
    }
    floats = tuple(field.name for field in declared.fields if _may_be_float(field.type))
    return _Shape(fields, floats, any(field.inner for field in fields.values()))


def _may_be_float(declared: inspect.Type) -> bool:
    if isinstance(declared, inspect.Metadata):
        return _may_be_float(declared.type)
    if isinstance(declared, inspect.UnionType):
        return any(map(_may_be_float, declared.types))
    return isinstance(declared, inspect.FloatType | inspect.AnyType)


def _struct_in(declared: inspect.Type) -> tuple[type[msgspec.Struct] | None, bool]:
    """The struct that a type is, may be, or is a list of; and whether there is a list around it."""
    if isinstance(declared, inspect.Metadata):
        return _struct_in(declared.type)
    if isinstance(declared, inspect.UnionType):
        return next((found for each in declared.types if (found := _struct_in(each))[0]), (None, False))
    if isinstance(declared, inspect.ListType):
        return _struct_in(declared.item_type)[0], True
    return (declared.cls if isinstance(declared, inspect.StructType) else None), False
