"""Pictures that callers send to terminals: base64 of a JPEG, written plainly, as the protocol wants it (section 4.4.1)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
from msgspec import Meta, inspect

from ..errors import Invalid
from ..wire import decode_base64
from .fields import Limit, declare

EXAMPLE_JPEG = (
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAP////////////////////////////////////////////////////////////////////////"
    "//////////////wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAAAAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AP//Z"
)
"""Stands in examples for the document's placeholders, which are no pictures: eight by eight grey pixels, about as small as a JPEG can be."""

_JPEG_START = b"\xff\xd8\xff"


def jpeg(description: str) -> Meta:
    """A JPEG in base64, from a caller: padded, without line breaks or a `data:` prefix. Its size is a site's own matter."""
    limit = Limit(
        holds=lambda text: picture_fault(text) is None,
        pattern_words="a JPEG in base64",
        finding=lambda text: picture_fault(text) or "",
        schema={"contentEncoding": "base64", "contentMediaType": "image/jpeg"},
    )
    return declare(description, limit)


def picture_fault(value: Any) -> str | None:
    """What is wrong with a picture, without quoting it; None when it is one."""
    try:
        picture = decode_base64(value)
    except ValueError:
        return "text that is not base64"
    if not picture.startswith(_JPEG_START):
        return "base64 of something that is not a JPEG" if picture else "nothing"
    return None


def check_picture_sizes(data: msgspec.Struct, most: int, root: str = "data") -> None:
    """Hold checked data to a site's own limit, in bytes of JPEG. Raises Invalid, which names the field."""
    for field in _picture_fields(type(data)):
        for path, text in _found(data, field, root):
            size = len(text) // 4 * 3 - text.count("=", -2)
            if size > most:
                raise Invalid(path, f"a JPEG of at most {most} bytes", f"one of {size}")


_Steps = tuple[tuple[str, str], ...]
"""From a message down to a picture: attributes with their wire names; those in between hold lists of objects."""


@cache
def _picture_fields(shape: type[msgspec.Struct]) -> tuple[_Steps, ...]:
    declared = inspect.type_info(shape)
    assert isinstance(declared, inspect.StructType)
    return tuple(steps for field in declared.fields for steps in _steps_to_pictures(field))


def _steps_to_pictures(field: inspect.Field) -> Iterator[_Steps]:
    here = (field.name, field.encode_name)
    for declared in _alternatives(field.type):
        if isinstance(declared, inspect.Metadata):
            if (declared.extra_json_schema or {}).get("contentMediaType") == "image/jpeg":
                yield (here,)
            declared = declared.type  # noqa: PLW2901 - what is annotated
        if isinstance(declared, inspect.ListType) and isinstance(declared.item_type, inspect.StructType):
            yield from ((here, *steps) for steps in _picture_fields(declared.item_type.cls))


def _alternatives(declared: inspect.Type) -> tuple[inspect.Type, ...]:
    return declared.types if isinstance(declared, inspect.UnionType) else (declared,)


def _found(value: Any, steps: _Steps, path: str) -> Iterator[tuple[str, str]]:
    (attribute, name), *further = steps
    inner, below = getattr(value, attribute), f"{path}.{name}"
    if further and isinstance(inner, list):
        for index, each in enumerate(inner):
            yield from _found(each, tuple(further), f"{below}[{index}]")
    elif isinstance(inner, str):
        yield below, inner
