"""The words in which fields are declared: what each admits, how it says so, and its schema."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta

from bridge.catalogue.fields import Limit, base64_image, choice, formatted, identifier, items, number, plain, text


def limit_of(meta: Meta) -> Limit:
    assert meta.extra is not None
    limit = meta.extra["limit"]
    assert isinstance(limit, Limit)
    return limit


@pytest.mark.parametrize(
    ("meta", "expected", "good", "bad"),
    [
        (text("t", 5), "at most 5 bytes", ["", "abcde", "张a"], ["abcdef", "张张"]),
        (text("t", 5, min_bytes=2), "2 to 5 bytes", ["ab", "abcde", "é"], ["", "a", "abcdef"]),
        (text("t", min_bytes=1), "at least 1 bytes", ["a", "a" * 5000], [""]),
        (text("t"), "a value", ["", "a" * 5000], []),
        (formatted("f", r"\d{3}", "3 digits"), "3 digits", ["123"], ["12", "1234", "123\n", "abc", ""]),
        (formatted("f", r"\d+|x", "digits or x", 4), "at most 4 bytes, digits or x", ["1", "x"], ["12345", "1x", "x1"]),
        (number("n", 1, 60, "s"), "1 to 60", [1, 60, 1.5], [0, 61, -1, 10**30, float("nan")]),
        (number("n", ge=0), "at least 0", [0, 10**30], [-1]),
        (number("n", le=9), "at most 9", [9, -(10**30)], [10]),
        (number("n"), "a value", [0, -1, 10**30], []),
        (choice("c", {0: "shut", 1: "open"}), "one of 0 (shut), 1 (open)", [0, 1], [2, -1]),
        (items("l", 2), "at most 2 items", [[], [1, 2]], [[1, 2, 3]]),
        (items("l", 2, min_items=1), "1 to 2 items", [[1], [1, 2]], [[], [1, 2, 3]]),
        (identifier("i", 4), "1 to 4 bytes", ["1", "abcd"], ["", "abcde"]),
    ],
)
def test_each_word_admits_what_it_says(meta: Meta, expected: str, good: list[Any], bad: list[Any]) -> None:
    limit = limit_of(meta)
    assert limit.expected == expected
    assert [value for value in good if not limit.admits(value)] == []
    assert [value for value in bad if limit.admits(value)] == []


@given(st.text(max_size=12), st.integers(0, 10))
def test_bytes_are_counted_not_characters(value: str, most: int) -> None:
    assert limit_of(text("t", most)).admits(value) is (len(value.encode("utf-8", "surrogatepass")) <= most)


@pytest.mark.parametrize(
    ("meta", "schema"),
    [
        (text("t", 24, min_bytes=3), {"maxLength": 24, "minLength": 1, "x-max-bytes": 24}),
        (formatted("f", r"\d+|x", "digits"), {"pattern": r"^(?:\d+|x)$"}),
        (number("n", 0, 60, "s"), {"minimum": 0, "maximum": 60, "x-unit": "s"}),
        (choice("c", {0: "shut", 1: "open"}), {"enum": [0, 1], "x-values": {"0": "shut", "1": "open"}}),
        (items("l", 64, min_items=1), {"maxItems": 64, "minItems": 1}),
        (base64_image("p"), {"contentEncoding": "base64", "contentMediaType": "image/jpeg"}),
        (plain("p"), None),
    ],
)
def test_schema(meta: Meta, schema: dict[str, Any] | None) -> None:
    assert meta.extra_json_schema == (schema or None)
    assert meta.description


def test_units_and_pictures_can_be_found() -> None:
    assert (number("n", unit="°C").extra or {})["unit"] == "°C"
    assert (base64_image("p").extra or {})["picture"] is True
