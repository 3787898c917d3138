"""JSON Schema (2020-12) of what is declared. Pure functions over plain dictionaries."""

from __future__ import annotations

from typing import Any, cast

import msgspec

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
_LIMITS = frozenset(
    {
        "minimum",
        "maximum",
        "minLength",
        "maxLength",
        "pattern",
        "enum",
        "minItems",
        "maxItems",
        "format",
        "x-max-bytes",
        "multipleOf",
        "default",
    }
)
_IN_NAMES = frozenset({"properties", "$defs"})
"""Keywords under which the keys are names, not keywords."""


def schema_of(shape: Any) -> tuple[Schema, dict[str, Schema]]:
    """The schema of a type with its fields inline, and the `$defs` that it refers to."""
    (schema,), definitions = _settled(msgspec.json.schema_components([shape]))
    name = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    return (definitions.pop(name), definitions) if name else (schema, definitions)


def _settled(value: Any) -> Any:
    """The same with null as the last of several types, wherever msgspec puts it: its versions differ."""
    if isinstance(value, list | tuple):
        return sorted(map(_settled, value), key=lambda each: each == {"type": "null"})
    return {key: _settled(each) for key, each in value.items()} if isinstance(value, dict) else value


def relaxed(schema: Any) -> Any:
    """A schema without its limits: those are for callers to keep, and what a terminal says is never refused for being out of range."""
    if isinstance(schema, list):
        return [relaxed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if key not in _LIMITS and not (key == "additionalProperties" and value is False)}
    return {
        key: {name: relaxed(each) for name, each in value.items()} if key in _IN_NAMES else relaxed(value) for key, value in kept.items()
    }


def partial(schema: Schema) -> Schema:
    """The same object, of which nothing is required."""
    return {key: value for key, value in schema.items() if key != "required"}


def document(title: str, schema: Schema, definitions: dict[str, Schema], examples: list[Any]) -> Schema:
    """A schema that stands on its own."""
    rest = {key: value for key, value in schema.items() if key not in {"title", "description"}}
    description = {"description": schema["description"]} if "description" in schema else {}
    below = {"$defs": definitions} if definitions else {}
    return {"$schema": DIALECT, "title": title, **description, **rest, "examples": examples, **below}


def embedded(schema: Schema, prefix: str) -> tuple[Schema, dict[str, Schema]]:
    """A document as a part of a larger one, whose components have dotted names: itself, and its `$defs` under names that start with `prefix`."""
    moved = cast("Schema", _referring(schema, prefix))
    definitions = {f"{prefix}.{name}": each for name, each in moved.pop("$defs", {}).items()}
    for key in ("$schema", "examples"):
        moved.pop(key, None)
    return moved, definitions


def _referring(value: Any, prefix: str) -> Any:
    if isinstance(value, list):
        return [_referring(each, prefix) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: f"#/components/schemas/{prefix}.{each.removeprefix('#/$defs/')}" if key == "$ref" else _referring(each, prefix)
        for key, each in value.items()
    }
