"""The words in which a field is declared: what it means, its unit, and what a caller may put into it.

A limit is checked in what comes from MQTT and never in what a terminal says: the protocol's own examples are out of their
tables' range. That is why limits do not stand in msgspec's own `ge` and `max_length`, which would hold both ways; and because
the protocol counts bytes of UTF-8 where msgspec counts characters.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from msgspec import Meta, UnsetType

T = TypeVar("T")
Maybe: TypeAlias = T | UnsetType
"""A field of a command that may be left out: `Maybe[Annotated[str, text(...)]] = UNSET`."""


_HUGE_BITS = 128
"""Python refuses to write numbers of thousands of digits; no field needs one of forty."""


def is_huge(value: int) -> bool:
    """Whether a number has more digits than any field needs."""
    return value.bit_length() > _HUGE_BITS


def found(value: Any) -> str:
    """What came, short enough for an answer to whoever sent it. Not for a log: it may be a name."""
    if isinstance(value, str):
        size = len(value.encode("utf-8", "surrogatepass"))
        return json.dumps(value, ensure_ascii=False) if size <= 40 else f"{size} bytes of text"
    if isinstance(value, list):
        return f"{len(value)} items"
    return "a huge number" if isinstance(value, int) and is_huge(value) else str(value)


@dataclass(frozen=True, slots=True)
class Limit:
    """What a value must be, over its type. `expected` says it in words, for errors and for the reference.

    `holds` is what a pattern cannot say of a text: that a date exists. `finding` says in words what came instead of a good text, where
    quoting it will not do. `as_text`: a number is made a text. `schema` holds further keywords of JSON Schema.
    """

    ge: float | None = None
    le: float | None = None
    max_bytes: int | None = None
    min_bytes: int = 0
    pattern: str | None = None
    pattern_words: str = ""
    choices: Mapping[int, str] | None = None
    max_items: int | None = None
    min_items: int = 0
    as_text: bool = False
    holds: Callable[[str], bool] | None = None
    finding: Callable[[Any], str] = found
    schema: Mapping[str, Any] | None = None

    def admits(self, value: Any) -> bool:
        """Whether a value of the right type is within the limits."""
        if isinstance(value, str):
            return self._admits_text(value)
        if isinstance(value, list):
            return self.min_items <= len(value) and (self.max_items is None or len(value) <= self.max_items)
        if self.choices is not None and value not in self.choices:
            return False
        return (self.ge is None or value >= self.ge) and (self.le is None or value <= self.le)

    def _admits_text(self, value: str) -> bool:
        size = len(value.encode("utf-8", "surrogatepass"))
        if size < self.min_bytes or (self.max_bytes is not None and size > self.max_bytes):
            return False
        if self.pattern is not None and re.fullmatch(self.pattern, value, re.ASCII) is None:
            return False
        return self.holds is None or self.holds(value)

    @property
    def expected(self) -> str:
        """The limit in words."""
        if self.choices is not None:
            return "one of " + ", ".join(f"{value} ({words})" for value, words in self.choices.items())
        return ", ".join(filter(None, (self._range("", self.ge, self.le), self._size(), self.pattern_words))) or "a value"

    def _size(self) -> str:
        return self._range(" bytes", self.min_bytes or None, self.max_bytes) or self._range(
            " items", self.min_items or None, self.max_items
        )

    @staticmethod
    def _range(unit: str, low: float | None, high: float | None) -> str:
        if low is None and high is None:
            return ""
        if low is None:
            return f"at most {high}{unit}"
        return f"at least {low}{unit}" if high is None else f"{low} to {high}{unit}"

    def json_schema(self) -> dict[str, Any]:
        """The limit as JSON Schema keywords. Bytes have no keyword: they become the weaker maxLength and stand in words beside it."""
        keywords = {
            "minimum": self.ge,
            "maximum": self.le,
            "maxLength": self.max_bytes,
            "minLength": min(self.min_bytes, 1) or None,
            "pattern": f"^(?:{self.pattern})$" if self.pattern else None,
            "enum": list(self.choices) if self.choices else None,
            "maxItems": self.max_items,
            "minItems": self.min_items or None,
            "x-max-bytes": self.max_bytes,
            "x-values": {str(key): words for key, words in self.choices.items()} if self.choices else None,
        }
        return {key: value for key, value in keywords.items() if value is not None} | dict(self.schema or {})


def declare(description: str, limit: Limit, unit: str | None = None) -> Meta:
    """A field's meaning and limit, in the form msgspec carries along."""
    schema = limit.json_schema() | ({"x-unit": unit} if unit else {})
    return Meta(description=description, extra_json_schema=schema, extra={"limit": limit, "unit": unit})


def text(description: str, max_bytes: int | None = None, *, min_bytes: int = 0) -> Meta:
    """A string of `min_bytes` to `max_bytes` bytes of UTF-8."""
    return declare(description, Limit(max_bytes=max_bytes, min_bytes=min_bytes))


def formatted(description: str, pattern: str, words: str, max_bytes: int | None = None, holds: Callable[[str], bool] | None = None) -> Meta:
    """A string that matches `pattern` whole, and of which `holds` is true; `words` say the form to a person."""
    return declare(description, Limit(max_bytes=max_bytes, pattern=pattern, pattern_words=words, holds=holds))


def number(description: str, ge: float | None = None, le: float | None = None, unit: str | None = None) -> Meta:
    """A number from `ge` to `le`, both included."""
    return declare(description, Limit(ge=ge, le=le), unit)


def choice(description: str, choices: Mapping[int, str]) -> Meta:
    """An integer out of a table; the table's words are the reference's and Home Assistant's."""
    return declare(description, Limit(choices=choices))


def items(description: str, max_items: int | None = None, *, min_items: int = 0) -> Meta:
    """A list of `min_items` to `max_items`."""
    return declare(description, Limit(max_items=max_items, min_items=min_items))


def identifier(description: str, max_bytes: int = 32, *, min_bytes: int = 1) -> Meta:
    """An id: a string on the wire; a caller may give a number, which becomes one. Its type is `Id`."""
    return declare(description, Limit(max_bytes=max_bytes, min_bytes=min_bytes, as_text=True))


Id: TypeAlias = str | int


def base64_image(description: str) -> Meta:
    """A JPEG picture in base64."""
    return Meta(
        description=description, extra_json_schema={"contentEncoding": "base64", "contentMediaType": "image/jpeg"}, extra={"picture": True}
    )


def plain(description: str) -> Meta:
    """A field that needs no limit beyond its type."""
    return Meta(description=description)


def declare_local_time(description: str, form: str, max_bytes: int) -> Meta:
    """A terminal's local civil time in `form`, as strptime has it."""
    return Meta(description=description, extra={"limit": Limit(max_bytes=max_bytes), "local_time": form})
