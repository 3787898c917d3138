"""Reading, lenient: what a terminal says."""

from __future__ import annotations

import math
from typing import Annotated, Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.catalogue.fields import choice, number, text
from bridge.catalogue.leniency import lenient
from bridge.catalogue.message import ReportData
from bridge.errors import Invalid
from tests.values import json_values


class Inner(ReportData):
    """Something nested."""

    count: int = 0


class Record(ReportData):
    """A report with everything in it."""

    serial: Annotated[str, text("required", 4)]
    name: Annotated[str | None, text("a name", 4)] = None
    score: Annotated[float | None, number("a number", 0, 100)] = None
    kind: Annotated[int | None, choice("a kind", {0: "zero", 1: "one"})] = None
    enabled: bool | None = None
    tags: list[str] | None = None
    inner: Inner | None = None
    inners: list[Inner] | None = None


ALIASES = {"Name": "name", "nom": "name"}


def read(data: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    record, extra = lenient({"serial": "s", **data}, Record, ALIASES)
    return {name: value for name, value in msgspec.structs.asdict(record).items() if value is not None and name != "serial"}, extra


@pytest.mark.parametrize(
    ("data", "fields", "extra"),
    [
        ({"score": "36.7"}, {"score": 36.7}, {}),
        ({"score": 36}, {"score": 36.0}, {}),
        ({"kind": "1"}, {"kind": 1}, {}),
        ({"kind": 1.0}, {"kind": 1}, {}),
        ({"kind": 65}, {"kind": 65}, {}),
        ({"kind": True}, {}, {"kind": True}),
        ({"kind": 1.5}, {}, {"kind": 1.5}),
        ({"kind": ""}, {}, {"kind": ""}),
        ({"score": "warm"}, {}, {"score": "warm"}),
        ({"score": "nan"}, {}, {"score": "nan"}),
        ({"score": "-inf"}, {}, {"score": "-inf"}),
        ({"score": "Infinity", "kind": ""}, {}, {"score": "Infinity", "kind": ""}),
        ({"score": "1e999"}, {}, {"score": "1e999"}),
        ({"score": 10**400}, {}, {"score": 10**400}),
        ({"name": 5}, {"name": "5"}, {}),
        ({"name": 1.5}, {"name": "1.5"}, {}),
        ({"name": True}, {"name": "true"}, {}),
        ({"name": 10**30}, {"name": "1" + "0" * 30}, {}),
        ({"name": "nan"}, {"name": "nan"}, {}),
        ({"name": "null"}, {"name": "null"}, {}),
        ({"name": "far too long for its limit"}, {"name": "far too long for its limit"}, {}),
        ({"name": None, "kind": None, "unheard_of": None}, {}, {}),
        ({"name": ["a"]}, {}, {"name": ["a"]}),
        ({"name": {"a": 1}}, {}, {"name": {"a": 1}}),
        ({"enabled": "true"}, {"enabled": True}, {}),
        ({"enabled": 1}, {"enabled": True}, {}),
        ({"tags": ["a", "b"]}, {"tags": ["a", "b"]}, {}),
        ({"tags": "a"}, {}, {"tags": "a"}),
        ({"tags": [[["a"]]]}, {}, {"tags": [[["a"]]]}),
        ({"inner": {"count": "3", "more": 1}}, {"inner": Inner(count=3)}, {"inner.more": 1}),
        ({"inner": {"count": "x"}}, {"inner": Inner()}, {"inner.count": "x"}),
        ({"inner": [1]}, {}, {"inner": [1]}),
        ({"inners": [{"count": 1}, {"count": "2", "more": 1}]}, {"inners": [Inner(count=1), Inner(count=2)]}, {"inners[1].more": 1}),
        ({"inners": {"count": 1}}, {"inners": [Inner(count=1)]}, {}),
        ({"inners": []}, {"inners": []}, {}),
        ({"inners": [{"count": 1}, 5]}, {}, {"inners": [{"count": 1}, 5]}),
        ({"inners": "x"}, {}, {"inners": "x"}),
        ({"new": 1, "newer": {"a": [1]}}, {}, {"new": 1, "newer": {"a": [1]}}),
        ({"Name": "x"}, {"name": "x"}, {}),
        ({"nom": 5}, {"name": "5"}, {}),
        ({"Name": None, "name": "x"}, {"name": "x"}, {}),
        ({"name": "declared", "Name": "alias"}, {"name": "declared"}, {}),
        ({"Name": "alias", "name": "declared"}, {"name": "declared"}, {}),
        ({"kind": "x", "score": "5", "new": 1}, {"score": 5.0}, {"kind": "x", "new": 1}),
    ],
)
def test_leniency(data: dict[str, Any], fields: dict[str, Any], extra: dict[str, Any]) -> None:
    assert read(data) == (fields, extra)


def test_what_was_given_is_left_as_it_was() -> None:
    data = {"serial": 5, "new": {"a": 1}, "name": ["x"], "score": "1"}
    lenient(data, Record, ALIASES)
    assert data == {"serial": 5, "new": {"a": 1}, "name": ["x"], "score": "1"}


@pytest.mark.parametrize("serial", [None, [], {"a": 1}])
def test_only_a_required_field_can_be_refused(serial: Any) -> None:
    with pytest.raises(Invalid) as caught:
        lenient({"serial": serial, "name": "x"}, Record, {})
    assert caught.value.path == "data.serial"


def test_a_required_number_is_made_text() -> None:
    record, _ = lenient({"serial": 1564535879}, Record, {})
    assert record.serial == "1564535879"


names = st.sampled_from(["name", "Name", "nom", "score", "kind", "enabled", "tags", "inner", "inners"]) | st.text(max_size=5)


@given(st.dictionaries(names, json_values, max_size=8))
def test_no_optional_field_makes_it_raise_and_nothing_is_lost(data: dict[str, Any]) -> None:
    data.pop("serial", None)
    fields, extra = read(data)
    for name, value in data.items():
        if value is not None and name not in ALIASES and value != "null":
            assert name in fields or name in extra
    assert not any(isinstance(value, float) and not math.isfinite(value) for value in fields.values())
    msgspec.json.encode({**fields, **extra})
