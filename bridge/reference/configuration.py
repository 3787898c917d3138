"""JSON Schema of the configuration file, for editors that check TOML."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from bridge.config import Config
from bridge.config.section import Declared, Section, bare, choices_of, declared, rule_of, summary
from bridge.reference.schema import Schema, document


def configuration_schema() -> Schema:
    """The whole file. What JSON Schema cannot say (that a zone exists, that a file can be read) stands in the descriptions."""
    return document("configuration of qyzn-bridge", _section(Config), {}, [_defaults(Config)])


def _section(section: type[Section]) -> Schema:
    return {
        "description": summary(section),
        "type": "object",
        "properties": {entry.name: _entry(entry) for entry in declared(section)},
        "additionalProperties": False,
    }


def _entry(entry: Declared) -> Schema:
    if entry.table:
        return _section(entry.table)
    described = {"description": _words(entry)}
    if entry.tables:
        return described | {"type": "object", "additionalProperties": _section(entry.tables)}
    default = {} if entry.default is None else {"default": _plain(entry.default)}
    return described | _type(entry) | default


def _words(entry: Declared) -> str:
    rule = rule_of(entry.type)
    description = entry.key.description if entry.key else ""
    return f"{description} {rule.expected[0].upper()}{rule.expected[1:]}." if rule else description


def _type(entry: Declared) -> Schema:
    choices = choices_of(entry.type)
    if choices:
        return {"enum": list(choices)}
    schema: Schema = msgspec.json.schema(bare(entry.type), schema_hook=_hook)
    return schema


def _hook(kind: Any) -> Schema:
    if kind is Path:
        return {"type": "string"}
    raise NotImplementedError


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, enc_hook=str)


def _defaults(section: type[Section]) -> dict[str, Any]:
    """Every key that has a default."""
    found: dict[str, Any] = {}
    for entry in declared(section):
        if entry.table:
            found[entry.name] = _defaults(entry.table)
        elif not entry.tables and entry.default is not None:
            found[entry.name] = _plain(entry.default)
    return found
