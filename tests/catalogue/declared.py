"""Walks a message's declared fields, so that tests over the whole catalogue follow from the declarations alone."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any, NamedTuple

from msgspec import inspect

from bridge.catalogue.fields import Limit

Path = tuple[str | int, ...]


class Place(NamedTuple):
    """A field, or the first item of a list: where it is, what it is, its limit if it has one, and the object it stands in."""

    owner: type[Any]
    owner_path: Path
    path: Path
    type: inspect.Type
    limit: Limit | None

    @property
    def name(self) -> str:
        """As errors name it."""
        return "data" + "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.path)


def places_in(shape: type[Any], example: Any) -> list[Place]:
    """Every field of a message, and what is nested in it. Where objects of one kind stand in several places, as the days of a week do,
    the one that the example shows in full stands for all."""
    places = list(_walk(inspect.type_info(shape), (), None, (shape, ())))
    shown: dict[type[Any], Path] = {}
    for owner, path in dict.fromkeys((place.owner, place.owner_path) for place in places):
        if owner not in shown or (not _shows(example, shown[owner], places) and _shows(example, path, places)):
            shown[owner] = path
    return [place for place in places if place.owner_path == shown[place.owner]]


def _shows(example: Any, path: Path, places: list[Place]) -> bool:
    return all(_is_in(example, place.path) for place in places if place.owner_path == path)


def _is_in(example: Any, path: Path) -> bool:
    try:
        return value_at(example, path) is not None
    except (KeyError, IndexError):
        return False


def _walk(declared: inspect.Type, path: Path, limit: Limit | None, owner: tuple[type[Any], Path]) -> Iterator[Place]:
    if isinstance(declared, inspect.Metadata):
        found = (declared.extra or {}).get("limit")
        yield from _walk(declared.type, path, found or limit, owner)
        return
    if path:
        yield Place(*owner, path, declared, limit)
    if isinstance(declared, inspect.StructType):
        for field in declared.fields:
            yield from _walk(field.type, (*path, field.encode_name), None, (declared.cls, path))
    elif isinstance(declared, inspect.ListType):
        yield from _walk(declared.item_type, (*path, 0), None, owner)
    elif isinstance(declared, inspect.UnionType):
        for each in declared.types:
            inner = each.type if isinstance(each, inspect.Metadata) else each
            if isinstance(inner, inspect.StructType | inspect.ListType):
                yield from (place for place in _walk(each, path, None, owner) if place.path != path)


def value_at(data: Any, path: Path) -> Any:
    """Raises KeyError or IndexError where there is nothing."""
    for step in path:
        data = data[step]
    return data


def with_value(data: Any, path: Path, value: Any) -> Any:
    """A copy of `data` in which another value stands at `path`, whose parent must exist."""
    changed = copy.deepcopy(data)
    value_at(changed, path[:-1])[path[-1]] = value
    return changed


def values_beyond(limit: Limit, example: Any) -> list[Any]:
    """Values of the right type that are just not within the limit. `example` is one that is."""
    if isinstance(example, str):
        return _texts_beyond(limit)
    if isinstance(example, list):
        return _lists_beyond(limit, example)
    beyond: list[Any] = []
    if limit.choices is not None:
        beyond += [value for value in (min(limit.choices) - 1, max(limit.choices) + 1, 10**9) if value not in limit.choices]
    beyond += [] if limit.ge is None else [int(limit.ge) - 1]
    beyond += [] if limit.le is None else [int(limit.le) + 1]
    return beyond


def _texts_beyond(limit: Limit) -> list[Any]:
    beyond: list[Any] = []
    if limit.max_bytes is not None:
        beyond += ["x" * (limit.max_bytes + 1), "é" * (limit.max_bytes // 2 + 1)]
        beyond += [int("9" * (limit.max_bytes + 1))] if limit.as_text else []
    beyond += ["x" * (limit.min_bytes - 1)] if limit.min_bytes else []
    beyond += ["\n", "~"] if limit.pattern else []
    return beyond


def _lists_beyond(limit: Limit, example: list[Any]) -> list[Any]:
    beyond: list[Any] = []
    beyond += [] if limit.max_items is None else [example[:1] * (limit.max_items + 1)]
    beyond += [example[:1] * (limit.min_items - 1)] if limit.min_items else []
    return beyond


def values_within(limit: Limit, example: Any) -> list[Any]:
    """Values at the very ends of the limit."""
    if isinstance(example, str):
        if limit.pattern is not None or limit.max_bytes is None:
            return []
        return ["x" * limit.max_bytes, "x" * limit.min_bytes]
    if isinstance(example, list):
        return [example[:1] * size for size in (limit.min_items, limit.max_items) if size is not None]
    ends = [int(end) for end in (limit.ge, limit.le) if end is not None]
    return ends + list(limit.choices or ())
