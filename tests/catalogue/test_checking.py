"""Validation, strict: what comes from MQTT."""

from __future__ import annotations

import math
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from msgspec import UNSET

from bridge.catalogue.checking import below, kind_of, strict
from bridge.catalogue.fields import Id, Maybe, choice, formatted, found, identifier, items, number, plain, text
from bridge.catalogue.message import CommandData
from bridge.errors import Invalid
from tests.values import json_values


class Face(CommandData):
    """A face."""

    face_id: Annotated[Id, identifier("its id", 4)]
    score: Maybe[Annotated[float, number("how good", 0, 100)]] = UNSET


class Order(CommandData):
    """A command with everything in it."""

    id: Annotated[Id, identifier("an id", 8)]
    ids: Annotated[list[Annotated[Id, identifier("an id", 8)]], items("some ids", 3, min_items=1)]
    name: Maybe[Annotated[str, text("a name", 6)]] = UNSET
    door: Maybe[Annotated[int, choice("the door", {0: "shut", 1: "open"})]] = UNSET
    enabled: Maybe[Annotated[bool, plain("a switch")]] = UNSET
    start_time: Maybe[Annotated[str, formatted("a time", r"\d\d:\d\d", "HH:MM")]] = UNSET
    faces: Maybe[Annotated[list[Face], items("faces", 2)]] = UNSET
    best: Maybe[Face] = UNSET

    def check_rules(self, path: str) -> None:
        """A name goes with a door."""
        if self.name is not UNSET and self.door is UNSET:
            raise Invalid(below(path, "door"), "a value where there is a name")


GOOD = {"id": "a", "ids": ["b"]}


def test_what_is_good_passes() -> None:
    full = {
        **GOOD,
        "name": "张三",
        "door": 1,
        "enabled": False,
        "startTime": "08:00",
        "faces": [{"faceId": "1", "score": 5}],
        "best": {"faceId": "2"},
    }
    assert msgspec.to_builtins(strict(full, Order)) == full


@pytest.mark.parametrize(("number_", "made"), [(5, "5"), (0, "0"), (-1, "-1"), (12345678, "12345678")])
def test_ids_may_be_numbers(number_: int, made: str) -> None:
    order = strict({"id": number_, "ids": [number_, "x"], "faces": [{"faceId": number_ % 1000}]}, Order)
    assert (order.id, order.ids) == (made, [made, "x"])
    assert isinstance(order.faces, list)
    assert order.faces[0].face_id == str(number_ % 1000)


@pytest.mark.parametrize(
    ("change", "path", "expected", "got"),
    [
        ({"id": None}, "data.id", "a whole number or text", "null"),
        ({"id": True}, "data.id", "a whole number or text", "true or false"),
        ({"id": ""}, "data.id", "1 to 8 bytes", '""'),
        ({"id": 123456789}, "data.id", "1 to 8 bytes", '"123456789"'),
        ({"id": 10**5000}, "data.id", "1 to 8 bytes", "a huge number"),
        ({"id": "x" * 50}, "data.id", "1 to 8 bytes", "50 bytes of text"),
        ({"ids": []}, "data.ids", "1 to 3 items", "0 items"),
        ({"ids": ["a"] * 4}, "data.ids", "1 to 3 items", "4 items"),
        ({"ids": ["a", ""]}, "data.ids[1]", "1 to 8 bytes", '""'),
        ({"ids": ["a", {}]}, "data.ids[1]", "a whole number or text", "an object"),
        ({"ids": "a"}, "data.ids", "a list", "text"),
        ({"name": "张三丰"}, "data.name", "at most 6 bytes", '"张三丰"'),
        ({"name": "a"}, "data.door", "a value where there is a name", None),
        ({"door": 2}, "data.door", "one of 0 (shut), 1 (open)", "2"),
        ({"door": True}, "data.door", "a whole number", "true or false"),
        ({"door": 10**5000}, "data.door", "one of 0 (shut), 1 (open)", "a huge number"),
        ({"enabled": 1}, "data.enabled", "true or false", "a whole number"),
        ({"startTime": "8:00"}, "data.startTime", "HH:MM", '"8:00"'),
        ({"faces": [{"faceId": "1"}, {"faceId": "22222"}]}, "data.faces[1].faceId", "1 to 4 bytes", '"22222"'),
        ({"faces": [{"faceId": "1", "score": 101}]}, "data.faces[0].score", "0 to 100", "101.0"),
        ({"faces": [{"faceId": "1", "score": math.nan}]}, "data.faces[0].score", "0 to 100", "nan"),
        ({"faces": [{}]}, "data.faces[0].faceId", "a value", "nothing"),
        ({"faces": [{"faceId": "1"}] * 3}, "data.faces", "at most 2 items", "3 items"),
        ({"faces": [{"faceId": "1", "Score": 1}]}, "data.faces[0].Score", "no such field", None),
        ({"best": {"faceId": "22222"}}, "data.best.faceId", "1 to 4 bytes", '"22222"'),
        ({"start_time": "08:00"}, "data.start_time", "no such field", None),
        ({"a\nb": 1}, "data.a\nb", "no such field", None),
        ({"a` - at `b": 1}, "data.a` - at `b", "no such field", None),
        ({"": 1}, "data.", "no such field", None),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], path: str, expected: str, got: str | None) -> None:
    with pytest.raises(Invalid) as caught:
        strict({**GOOD, **change}, Order)
    assert (caught.value.path, caught.value.expected, caught.value.got) == (path, expected, got)


@pytest.mark.parametrize("missing", GOOD)
def test_what_is_missing_is_named(missing: str) -> None:
    with pytest.raises(Invalid) as caught:
        strict({name: value for name, value in GOOD.items() if name != missing}, Order)
    assert (caught.value.path, caught.value.got) == (f"data.{missing}", "nothing")


@pytest.mark.parametrize(("data", "got"), [(None, "null"), ([], "a list"), (5, "a whole number"), ("x", "text"), (True, "true or false")])
def test_data_must_be_an_object(data: Any, got: str) -> None:
    with pytest.raises(Invalid) as caught:
        strict(data, Order)
    assert (caught.value.path, caught.value.expected, caught.value.got) == ("data", "an object", got)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "null"),
        (True, "true or false"),
        (5, "a whole number"),
        (5.0, "a number"),
        ("x", "text"),
        ([], "a list"),
        ({}, "an object"),
    ],
)
def test_a_value_in_words(value: Any, words: str) -> None:
    assert kind_of(value) == words


def test_the_root_of_the_path_is_the_callers() -> None:
    for root, path in (("switch", "switch.id"), ("", "id")):
        with pytest.raises(Invalid) as caught:
            strict({"ids": ["b"]}, Order, root)
        assert caught.value.path == path


def test_a_limit_without_a_root() -> None:
    with pytest.raises(Invalid) as caught:
        strict({**GOOD, "faces": [{"faceId": ""}]}, Order, "")
    assert caught.value.path == "faces[0].faceId"


def test_a_huge_unknown_field_is_cut_short() -> None:
    with pytest.raises(Invalid) as caught:
        strict({**GOOD, "x" * 100_000: 1}, Order)
    assert len(str(caught.value)) < 200


@given(json_values)
def test_strict_never_raises_anything_but_invalid(data: Any) -> None:
    for value in (data, {**GOOD, "faces": data}, {**GOOD, "id": data}, {**GOOD, **(data if isinstance(data, dict) else {})}):
        try:
            strict(value, Order)
        except Invalid as error:
            assert error.path.startswith("data")  # noqa: PT017 (either end is right)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("a", '"a"'),
        ("张" * 13, '"' + "张" * 13 + '"'),
        ("张" * 14, "42 bytes of text"),
        ([1, 2], "2 items"),
        (7, "7"),
        (1.5, "1.5"),
    ],
)
def test_what_came_is_said_in_short(value: Any, words: str) -> None:
    assert found(value) == words


def test_a_number_too_long_to_write_is_said_in_short() -> None:
    assert found(10**5000) == found(-(10**5000)) == "a huge number"
