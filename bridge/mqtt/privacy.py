"""What the configuration keeps from the broker (`privacy.omit`), in our names and in the protocol's."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from msgspec import inspect

from bridge.catalogue import REPORTS, Report
from bridge.catalogue.message import AnswerData

ALWAYS_THERE = frozenset({"event_id", "event_type", "device_id", "device_name", "time", "received_at", "sequence", "replay", "extra"})
"""Fields that every event has."""


@cache
def fields_of_events() -> frozenset[str]:
    """The names that `omit` may hold: ours, of every event's fields."""
    return frozenset(ours for report in REPORTS.values() if report.event for ours, _ in _names(report))


@cache
def hidden_names(omit: frozenset[str]) -> frozenset[str]:
    """Under which names the wire may carry the fields of events that `omit` names, in lower case.

    A field of a type that cannot be read, and every field of a message that the catalogue does not know, are published as they came.
    """
    wire = (name for report in REPORTS.values() for ours, name in _names(report) if ours in omit)
    return frozenset(name.lower() for name in (*omit, *wire))


@cache
def hidden_in_answers(answer: type[AnswerData], omit: frozenset[str]) -> frozenset[str]:
    """The same, of an answer to a command: a card that is read on demand is a person's card, too."""
    return frozenset(field.encode_name.lower() for field in msgspec.structs.fields(answer) if field.name in omit)


def without(value: Any, hidden: frozenset[str]) -> Any:
    """JSON without the members of these names, at any depth."""
    if not hidden:
        return value
    if isinstance(value, dict):
        return {name: without(inner, hidden) for name, inner in value.items() if not _is_hidden(name.lower(), hidden)}
    return [without(inner, hidden) for inner in value] if isinstance(value, list) else value


def _is_hidden(name: str, hidden: frozenset[str]) -> bool:
    """Whether a name is hidden, or is the path of something in what is (`faces[0].size`)."""
    return name in hidden or any(step.partition("[")[0] in hidden for step in name.split("."))


def _names(report: Report) -> Iterator[tuple[str, str]]:
    """Each field's name in events, and on the wire; those of the objects in it too."""
    shown = {picture.attribute: picture.event_field for picture in report.pictures}
    for shape in _shapes(inspect.type_info(report.data)):
        wire = {field.encode_name: shown.get(field.name, field.name) for field in shape.fields}
        yield from ((ours, name) for name, ours in wire.items())
        yield from ((wire[name], alias) for alias, name in report.aliases.items() if name in wire)


def _shapes(declared: inspect.Type) -> Iterator[inspect.StructType]:
    if isinstance(declared, inspect.StructType):
        yield declared
        inner = [field.type for field in declared.fields]
    elif isinstance(declared, inspect.Metadata):
        inner = [declared.type]
    elif isinstance(declared, inspect.ListType):
        inner = [declared.item_type]
    else:
        inner = list(declared.types) if isinstance(declared, inspect.UnionType) else []
    for each in inner:
        yield from _shapes(each)
