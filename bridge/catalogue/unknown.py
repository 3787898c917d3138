"""Fields of a command that the catalogue does not know, for firmware that is newer: set aside before the rest is checked, and put back."""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import inspect

Unknown = dict[str | int, Any]
"""What was set aside, by field or by index in a list, nested as it stood; empty for nothing."""


def set_aside(data: Any, shape: type[msgspec.Struct]) -> tuple[Any, Unknown]:
    """`data` without the fields that `shape` and what is nested in it do not declare, and those fields."""
    return _split(data, inspect.type_info(shape))


def put_back(data: Any, unknown: Unknown) -> Any:
    """Checked data, as JSON values, with the fields that were set aside."""
    return _merged(msgspec.to_builtins(data), unknown)


def _split(value: Any, declared: inspect.Type) -> tuple[Any, Unknown]:
    if isinstance(declared, inspect.Metadata):
        return _split(value, declared.type)
    if isinstance(declared, inspect.UnionType):
        return next((parts for each in declared.types if (parts := _split(value, each))[1]), (value, {}))
    if isinstance(declared, inspect.StructType) and isinstance(value, dict):
        return _split_object(value, {field.encode_name: field.type for field in declared.fields})
    if isinstance(declared, inspect.ListType) and isinstance(value, list):
        items = [_split(each, declared.item_type) for each in value]
        return [known for known, _ in items], {index: unknown for index, (_, unknown) in enumerate(items) if unknown}
    return value, {}


def _split_object(value: dict[str, Any], fields: dict[str, inspect.Type]) -> tuple[Any, Unknown]:
    known: dict[str, Any] = {}
    unknown: Unknown = {}
    for name, inner in value.items():
        if name not in fields:
            unknown[name] = inner
            continue
        known[name], more = _split(inner, fields[name])
        if more:
            unknown[name] = more
    return known, unknown


def _merged(known: Any, unknown: Unknown) -> Any:
    if isinstance(known, list):
        return [_merged(each, unknown.get(index, {})) for index, each in enumerate(known)]
    return {**known, **{key: _merged(known[key], inner) if key in known else inner for key, inner in unknown.items()}} if unknown else known
