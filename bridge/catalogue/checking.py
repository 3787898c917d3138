"""Checks data against its declaration: what comes from MQTT, strictly."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from ..errors import Invalid
from .fields import Limit, is_huge

S = TypeVar("S", bound=msgspec.Struct)
Check = Callable[[Any, str], Any]
"""Takes a value and its path; returns the value, made text where it is an id; raises Invalid."""

_MESSAGE = re.compile(r"(?P<what>.*?)(?: - at `(?P<path>\$[^`]*)`)?", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(.*)`")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*)`", re.DOTALL)
_TYPES = re.compile(r"`([a-z |]+)`")
_LENGTH = re.compile(r" of length ([<>])= (\d+)")
_WORDS = {
    "str": "text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "object": "an object",
    "array": "a list",
    "null": "null",
}
"""msgspec's names of JSON's types, and what they are to people."""
_NAME_SHOWN = 64


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


def invalid_from(error: msgspec.ValidationError, root: str) -> Invalid:
    """msgspec's words as path, expectation and finding."""
    parts = _MESSAGE.fullmatch(str(error))
    what, path = (parts["what"], parts["path"] or "$") if parts else (str(error), "$")
    path = (root + path.removeprefix("$")).removeprefix(".")
    if missing := _MISSING.fullmatch(what):
        return Invalid(below(path, missing[1]), "a value", "nothing")
    if unknown := _UNKNOWN.fullmatch(what):
        return Invalid(below(path, unknown[1][:_NAME_SHOWN]), "no such field")
    expected, _, got = _in_words(what).removeprefix("Expected ").partition(", got ")
    return Invalid(path, expected, got or None)


def kind_of(value: Any) -> str:
    """What a decoded JSON value is, to people."""
    return next(words for kind, words in _KINDS if isinstance(value, kind))


_KINDS: tuple[tuple[type, str], ...] = (
    (bool, _WORDS["bool"]),
    (int, _WORDS["int"]),
    (float, _WORDS["float"]),
    (str, _WORDS["str"]),
    (list, _WORDS["array"]),
    (dict, _WORDS["object"]),
    (object, _WORDS["null"]),
)


def _in_words(what: str) -> str:
    """msgspec's sentence in the words of people who do not write Python."""
    return _LENGTH.sub(_length_in_words, _TYPES.sub(_types_in_words, what))


def _types_in_words(types: re.Match[str]) -> str:
    names = types[1].replace("int | float", "float").split(" | ")  # a whole number is a number
    return " or ".join(_WORDS.get(name, name) for name in names)


def _length_in_words(length: re.Match[str]) -> str:
    return f" of at {'most' if length[1] == '<' else 'least'} {length[2]} character{'' if length[2] == '1' else 's'}"


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
    if isinstance(declared, inspect.DictType):
        inner = _compile(declared.value_type)
        return inner and _each_named(inner)
    if isinstance(declared, inspect.StructType):
        return _struct(declared)
    return None


def _limited(limit: Limit, inner: Check | None) -> Check:
    def check(value: Any, path: str) -> Any:
        if value is msgspec.UNSET or value is None:
            return value
        if limit.as_text and isinstance(value, int) and not is_huge(value):
            value = str(value)
        if (limit.as_text and not isinstance(value, str)) or not limit.admits(value):
            raise Invalid(path, limit.expected, limit.finding(value))
        return inner(value, path) if inner else value

    return check


def _each(inner: Check) -> Check:
    def check(values: Any, path: str) -> Any:
        if isinstance(values, list):
            values[:] = [inner(value, f"{path}[{index}]") for index, value in enumerate(values)]
        return values

    return check


def _each_named(inner: Check) -> Check:
    def check(values: Any, path: str) -> Any:
        if isinstance(values, dict):
            values.update({name: inner(value, below(path, name[:_NAME_SHOWN])) for name, value in values.items()})
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
