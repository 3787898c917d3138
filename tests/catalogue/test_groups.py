"""Configuration groups: every one by the same rules, and those with rules of their own."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.catalogue import COMMANDS, GROUPS, Group, GroupField
from bridge.catalogue.configuration import MASK, SETTABLE, group_key, system_of
from bridge.errors import Invalid
from tests.catalogue.declared import values_beyond, values_within
from tests.values import json_values

NOW = "2026-01-02 03:04:05"
each_group = pytest.mark.parametrize("group", GROUPS.values(), ids=lambda group: group.name)
each_settable = pytest.mark.parametrize("group", SETTABLE.values(), ids=lambda group: group.name)
each_field = pytest.mark.parametrize(
    ("group", "field"),
    [pytest.param(group, field, id=f"{group.name}.{field.name}") for group in SETTABLE.values() for field in group.fields],
)


def test_every_group_of_the_document_is_there() -> None:
    assert list(GROUPS) == [
        "version",
        "netinfo",
        "time",
        "ledctl",
        "serial",
        "audioctl",
        "weigand",
        "vaparam",
        "switchCtrl",
        "VoiceTips",
        "ProductNameSet",
        "OpenDoorModeSet",
        "StrangerParam",
        "HttpPush",
        "system_reboot",
        "VerifyRetRspSet",
        "ForbidIdCardSet",
    ]
    assert {name for name, group in GROUPS.items() if group.read_only} == {"version", "netinfo"}


@each_group
def test_a_group_says_what_it_is(group: Group) -> None:
    assert re.fullmatch(r"4\.5\.10\.\d{1,2}", group.section)
    assert group.titles["en"]
    assert re.search("[一-鿿]", group.titles["zh"])
    assert group.data.declaration is group
    schema = msgspec.json.schema(group.data)
    assert json.loads(json.dumps(schema)) == schema
    assert set(group.example) == {field.name for field in group.fields}


@each_group
def test_a_group_says_what_its_fields_are(group: Group) -> None:
    for field in group.fields:
        assert field.description
        assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", field.attribute)
        assert field.name == "currenttime" or set(field.titles) == {"en", "zh"}
        assert (field.kind == "choice") == bool(field.words)
        if field.words:
            assert set(field.words["en"]) == set(field.words["zh"]) == set(field.limit.choices or ())
            assert len(set(field.words["en"].values())) == len(field.words["en"]), "dashboards tell choices by their words"
            assert len(set(field.words["zh"].values())) == len(field.words["zh"])
        if field.kind == "number":
            assert field.limit.ge is not None
            assert field.limit.le is not None


def test_titles_tell_fields_apart() -> None:
    titles = [field.titles["en"] for group in GROUPS.values() for field in group.fields if field.titles]
    assert len(titles) == len(set(titles))


@each_group
def test_the_documents_example_is_read_as_it_is(group: Group) -> None:
    assert group.read({"groupKey": f"{group.name} ", **group.example}) == (dict(group.example), {})


@each_settable
def test_the_documents_example_can_be_set(group: Group) -> None:
    assert group.check_whole(dict(group.example)) == group.example
    assert group.check_part(dict(group.example)) == group.example
    COMMANDS["config_system"].check({group.name: group.example})


@each_field
def test_any_field_can_be_set_alone(group: Group, field: GroupField) -> None:
    value = group.example[field.name]
    assert group.check_part({field.name: value}) == {field.name: value}


@each_field
def test_what_is_beyond_a_limit_is_named(group: Group, field: GroupField) -> None:
    for value in values_beyond(field.limit, group.example[field.name]):
        for check, path in (
            (lambda value: group.check_part({field.name: value}), f"data.{field.name}"),
            (lambda value: group.check_whole({**group.example, field.name: value}, "x"), f"x.{field.name}"),
            (
                lambda value: COMMANDS["config_system"].check({group.name: {**group.example, field.name: value}}),
                f"data.{group.name}.{field.name}",
            ),
        ):
            with pytest.raises(Invalid) as caught:
                check(value)
            assert (caught.value.path, caught.value.expected) == (path, field.limit.expected)
    for value in values_within(field.limit, group.example[field.name]):
        group.check_part({field.name: value})


@each_field
def test_what_is_missing_from_a_whole_is_named(group: Group, field: GroupField) -> None:
    less = {name: value for name, value in group.example.items() if name != field.name}
    if field.required:
        with pytest.raises(Invalid) as caught:
            group.check_whole(less)
        assert (caught.value.path, caught.value.got) == (f"data.{field.name}", "nothing")


@each_settable
@pytest.mark.parametrize(("data", "path"), [({"nonsense": 1}, "data.nonsense"), ({}, "data"), (None, "data"), ([], "data"), (5, "data")])
def test_what_is_no_part(group: Group, data: Any, path: str) -> None:
    with pytest.raises(Invalid) as caught:
        group.check_part(data)
    assert caught.value.path == path


@pytest.mark.parametrize("name", ["version", "netinfo"])
def test_what_can_only_be_read(name: str) -> None:
    with pytest.raises(Invalid) as caught:
        GROUPS[name].check_part({})
    assert caught.value.got == f"{name}, which can only be read"
    with pytest.raises(Invalid) as caught:
        COMMANDS["config_system"].check({name: {}})
    assert caught.value.path == f"data.{name}"


def test_config_system_sets_something() -> None:
    with pytest.raises(Invalid) as caught:
        COMMANDS["config_system"].check({})
    assert (caught.value.path, caught.value.got) == ("data", "none")


@given(st.sampled_from(list(GROUPS.values())), st.data())
def test_whatever_a_terminal_says_is_read_and_nothing_is_lost(group: Group, data: st.DataObject) -> None:
    names = [field.name for field in group.fields] + list(group.aliases)
    said = data.draw(st.dictionaries(st.sampled_from([*names, "unheard of"]), json_values, max_size=6))
    values, extra = group.read(said)
    msgspec.json.encode([values, extra, group.masked(values)])
    for name, value in said.items():
        if value is not None and name not in group.aliases and value != "null":
            assert name in values or any(key == name or key.startswith(f"{name}[") for key in extra)


@pytest.mark.parametrize(
    ("name", "said", "values", "extra"),
    [
        ("switchCtrl", {"switchOutMode": 65}, {"switchOutMode": 65}, {}),
        ("VoiceTips", {"SuccessTips": "1", "FailTips": 2}, {"SuccessTips": 1, "FailTips": 2}, {}),
        ("vaparam", {"safetyhatDelect": False}, {"safetyhatDecect": False}, {}),
        ("vaparam", {"safetyhatDecect": 1}, {"safetyhatDecect": True}, {}),
        ("HttpPush", {"appsecret": "s"}, {"appSecret": "s"}, {}),
        ("HttpPush", {"appid": 0, "appSecret": 30}, {"appid": "0", "appSecret": "30"}, {}),
        ("OpenDoorModeSet", {"OpenDoor": 1, "SwipeCardTip": True}, {"OpenDoor": 1, "SwipeCardTip": 1}, {}),
        ("VerifyRetRspSet", {"OpenDoor": 1}, {}, {"OpenDoor": 1}),
        ("serial", {"putOutType": "3", "parity": 1}, {"putOutType": 3}, {"parity": 1}),
        ("netinfo", {"item": {"name": "eth0", "mtu": 1500}}, {"item": [{"name": "eth0"}]}, {"item[0].mtu": 1500}),
        ("audioctl", {"level": "loud"}, {}, {"level": "loud"}),
        ("audioctl", {"groupKey": "audioctl", "level": None}, {}, {}),
    ],
)
def test_what_terminals_say(name: str, said: dict[str, Any], values: dict[str, Any], extra: dict[str, Any]) -> None:
    assert GROUPS[name].read(said) == (values, extra)


@pytest.mark.parametrize(
    ("key", "name"), [("serial ", "serial"), (["version"], "version"), (None, ""), (5, ""), ([], ""), (["a", "b"], "")]
)
def test_the_name_of_a_group_in_an_answer(key: Any, name: str) -> None:
    assert group_key({"groupKey": key}) == name
    assert group_key({}) == ""


# A part, made whole.


@each_settable
def test_a_part_is_completed_from_what_is_known(group: Group) -> None:
    name, value = next(iter(group.example.items()))
    whole = group.complete(group.example, {name: value}, NOW)
    assert {**group.example, **({"currenttime": whole["currenttime"]} if group.name == "time" else {})} == {**group.example, **whole}
    assert json.loads(msgspec.json.encode(system_of({group.name: whole}))) == {group.name: whole}


def test_what_the_terminal_said_itself_may_be_beyond_the_limits() -> None:
    known, _ = GROUPS["switchCtrl"].read({"switchOutput": True, "switchOutMode": 65, "outputInterval": 2000, "outputDelay": 0})
    whole = GROUPS["switchCtrl"].complete(known, {"outputDelay": 5}, NOW)
    assert whole == {"switchOutput": True, "switchOutMode": 65, "outputInterval": 2000, "outputDelay": 5}
    assert msgspec.to_builtins(system_of({"switchCtrl": whole})) == {"switchCtrl": whole}


def test_what_is_neither_given_nor_known_is_named() -> None:
    with pytest.raises(Invalid) as caught:
        GROUPS["ledctl"].complete({}, {"mode": 1}, NOW)
    assert (caught.value.path, caught.value.got) == ("data.closeScreen", "nothing")


def test_what_the_catalogue_does_not_know_is_not_sent_back() -> None:
    assert GROUPS["ledctl"].complete({"closeScreen": 1, "newer": 5}, {"mode": 1}, NOW) == {"mode": 1, "closeScreen": 1}


def test_the_clock_is_not_set_back() -> None:
    known = {**GROUPS["time"].example, "currenttime": "2020-07-01 16:56:15"}
    assert GROUPS["time"].complete(known, {"timezone": 21}, NOW)["currenttime"] == NOW
    given = {"currenttime": "2030-01-01 00:00:00"}
    assert GROUPS["time"].complete(known, given, NOW)["currenttime"] == given["currenttime"]


@pytest.mark.parametrize(
    ("known", "part", "whole"),
    [
        ({"OpenDoor": 0}, {"OpenDoor": 1}, {"OpenDoor": 1, "CardVerify": 0, "SwipeCardTip": 0, "SwipeFaceTip": 0}),
        (
            {"OpenDoor": 1, "CardVerify": 2, "SwipeCardTip": 1, "SwipeFaceTip": 1},
            {"OpenDoor": 3},
            {"OpenDoor": 3, "IdCardVerify": 0, "SwipeIdCardTip": 0, "SwipeFaceTip": 1},
        ),
        ({"OpenDoor": 1, "CardVerify": 2, "SwipeCardTip": 1, "SwipeFaceTip": 1}, {"OpenDoor": 0}, {"OpenDoor": 0}),
        ({"OpenDoor": 0}, {"CardVerify": 1}, {"OpenDoor": 0, "CardVerify": 1}),
    ],
)
def test_a_mode_of_the_door_brings_its_fields(known: dict[str, Any], part: dict[str, Any], whole: dict[str, Any]) -> None:
    assert GROUPS["OpenDoorModeSet"].complete(known, part, NOW) == whole
    GROUPS["OpenDoorModeSet"].check_whole(whole)


@pytest.mark.parametrize(("mode", "missing"), [(1, "CardVerify"), (3, "IdCardVerify")])
def test_a_mode_of_the_door_needs_its_fields(mode: int, missing: str) -> None:
    with pytest.raises(Invalid) as caught:
        COMMANDS["config_system"].check({"OpenDoorModeSet": {"OpenDoor": mode}})
    assert caught.value.path == f"data.OpenDoorModeSet.{missing}"


# Secrets.


def test_secrets_follow_from_the_declarations() -> None:
    assert {name: group.secrets for name, group in GROUPS.items() if group.secrets} == {"HttpPush": {"appSecret", "appsecret"}}
    push = GROUPS["HttpPush"]
    assert push.masked(push.example) == {**push.example, "appSecret": MASK}


def test_a_mask_is_never_written_back() -> None:
    push = GROUPS["HttpPush"]
    assert push.check_part({"timeout": 7, "appSecret": MASK}) == {"timeout": 7}
    assert push.complete({**push.example, "appSecret": "known"}, {"timeout": 7}, NOW)["appSecret"] == "known"
    for check in (push.check_whole, lambda data: COMMANDS["config_system"].check({"HttpPush": data})):
        with pytest.raises(Invalid) as caught:
            check({**push.example, "appSecret": MASK})
        assert caught.value.path.endswith(".appSecret")
