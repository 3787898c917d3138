"""Checks data against its declaration: strictly what comes from MQTT, leniently what comes from a terminal."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from ..errors import Invalid
from .fields import Limit

S = TypeVar("S", bound=msgspec.Struct)
Check = Callable[[Any, str], Any]
"""Takes a value and its path; returns the value, made text where it is an id; raises Invalid."""

_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>\$[^`]*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_NAME_SHOWN = 64
_HUGE_BITS = 128
"""Python refuses to write numbers of thousands of digits; no field needs one of forty."""


def strict(data: Any, shape: type[S], root: str = "data") -> S:
    """`data` as a `shape`: right types, nothing missing, nothing unknown, everything within its limits.

    Raises Invalid, whose path starts with `root`.
    """
    try:
        value = msgspec.convert(data, shape)
    except msgspec.ValidationError as error:
        raise invalid_from(error, root) from None
    _check_of(shape)(value, root)
    return value


def lenient(data: dict[str, Any], shape: type[S], aliases: dict[str, str]) -> tuple[S, dict[str, Any]]:
    """`data` as a `shape`, and what did not fit: fields that are unknown or of a type that cannot be read.

    Numbers may come as strings and the other way round; `aliases` maps other spellings of a field to its own, which wins where both
    are there. Raises Invalid only when a field that has no default is missing or unreadable.
    """
    said = {key: value for key, value in data.items() if value is not None}
    data = {aliases[key]: value for key, value in said.items() if key in aliases}
    data |= {key: value for key, value in said.items() if key not in aliases}
    names = _wire_names(shape)
    extra = {key: value for key, value in data.items() if key not in names}
    try:
        value = msgspec.convert(data, shape, strict=False)
    except msgspec.ValidationError:
        return _salvage(data, shape, extra)
    return (value, extra) if all(map(_is_number, msgspec.structs.astuple(value))) else _salvage(data, shape, extra)


def _salvage(data: dict[str, Any], shape: type[S], extra: dict[str, Any]) -> tuple[S, dict[str, Any]]:
    """Field by field: an event must not be lost for one odd field in it."""
    fields: dict[str, Any] = {}
    for field in msgspec.structs.fields(shape):
        if field.encode_name not in data:
            continue
        value = data[field.encode_name]
        try:
            fields[field.encode_name] = msgspec.to_builtins(_lenient_value(value, field.type))
        except msgspec.ValidationError:
            extra[field.encode_name] = value
    try:
        return msgspec.convert(fields, shape, strict=False), extra
    except msgspec.ValidationError as error:
        raise invalid_from(error, "data") from None


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
def _wire_names(shape: type[msgspec.Struct]) -> frozenset[str]:
    return frozenset(field.encode_name for field in msgspec.structs.fields(shape))


def invalid_from(error: msgspec.ValidationError, root: str) -> Invalid:
    """msgspec's words as path, expectation and finding."""
    parts = _MESSAGE.fullmatch(str(error))
    what, path = (parts["what"], parts["path"] or "$") if parts else (str(error), "$")
    path = (root + path.removeprefix("$")).removeprefix(".")
    if missing := _MISSING.fullmatch(what):
        return Invalid(below(path, missing[1]), "a value", "nothing")
    if unknown := _UNKNOWN.fullmatch(what):
        return Invalid(below(path, unknown[1][:_NAME_SHOWN]), "no such field")
    expected, _, got = what.removeprefix("Expected ").replace("`", "").partition(", got ")
    return Invalid(path, expected, got or None)


def below(path: str, name: str) -> str:
    """The path of a field of what stands at `path`, which is empty for the whole."""
    return f"{path}.{name}" if path else name


@cache
def _check_of(shape: type[msgspec.Struct]) -> Check:
    return _compile(inspect.type_info(shape)) or _nothing


def _nothing(value: Any, path: str) -> Any:
    return value


def _compile(declared: inspect.Type) -> Check | None:
    """The check for a type, or None where its type says all."""
    if isinstance(declared, inspect.Metadata):
        limit = (declared.extra or {}).get("limit")
        inner = _compile(declared.type)
        return _limited(limit, inner) if isinstance(limit, Limit) else inner
    if isinstance(declared, inspect.UnionType):
        return next(filter(None, map(_compile, declared.types)), None)
    if isinstance(declared, inspect.ListType):
        inner = _compile(declared.item_type)
        return inner and _each(inner)
    if isinstance(declared, inspect.StructType):
        return _struct(declared)
    return None


def _limited(limit: Limit, inner: Check | None) -> Check:
    def check(value: Any, path: str) -> Any:
        if value is msgspec.UNSET or value is None:
            return value
        if limit.as_text and isinstance(value, int) and value.bit_length() <= _HUGE_BITS:
            value = str(value)
        if (limit.as_text and not isinstance(value, str)) or not limit.admits(value):
            raise Invalid(path, limit.expected, found(value))
        return inner(value, path) if inner else value

    return check


def found(value: Any) -> str:
    """What came, short enough for an answer to whoever sent it. Not for a log: it may be a name."""
    if isinstance(value, str):
        size = len(value.encode("utf-8", "surrogatepass"))
        return json.dumps(value, ensure_ascii=False) if size <= 40 else f"{size} bytes of text"
    if isinstance(value, list):
        return f"{len(value)} items"
    return "a huge number" if isinstance(value, int) and value.bit_length() > _HUGE_BITS else str(value)


def _each(inner: Check) -> Check:
    def check(values: Any, path: str) -> Any:
        if isinstance(values, list):
            values[:] = [inner(value, f"{path}[{index}]") for index, value in enumerate(values)]
        return values

    return check


def _struct(declared: inspect.StructType) -> Check | None:
    checks = [(field.name, field.encode_name, check) for field in declared.fields if (check := _compile(field.type))]
    rules: Callable[[Any, str], None] | None = getattr(declared.cls, "check_rules", None)
    if not checks and rules is None:
        return None

    def check_struct(value: Any, path: str) -> Any:
        if not isinstance(value, declared.cls):
            return value
        for name, wire_name, inner in checks:
            setattr(value, name, inner(getattr(value, name), below(path, wire_name)))
        if rules is not None:
            rules(value, path)
        return value

    return check_struct
