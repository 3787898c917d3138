"""What the commands about persons, faces, rules and doors have beside the rules that hold for all."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import to_builtins

from bridge.catalogue import COMMANDS, Part, Result
from bridge.catalogue.jpeg import EXAMPLE_JPEG
from bridge.errors import Invalid


def fault(command: str, **change: Any) -> Invalid:
    """Of the example with some fields changed; None leaves a field out."""
    data = {name: value for name, value in {**COMMANDS[command].example, **change}.items() if value is not None}
    with pytest.raises(Invalid) as caught:
        COMMANDS[command].check(data)
    return caught.value


@pytest.mark.parametrize("command", ["add_person", "update_person", "add_person_face"])
@pytest.mark.parametrize("expire", ["2018-12-31 23:59:59", "2019-01-01 00:00:00"])
def test_an_authorisation_ends_after_it_starts(command: str, expire: str) -> None:
    error = fault(command, expireTime=expire)
    assert (error.path, error.expected, error.got) == ("data.expireTime", "a time after startTime, 2019-01-01 00:00:00", expire)
    COMMANDS[command].check({**COMMANDS[command].example, "expireTime": "2019-01-01 00:00:01"})


def test_names_are_counted_in_bytes() -> None:
    assert fault("add_person", name="欧阳娜娜欧阳娜娜娜").expected == "at most 24 bytes"
    COMMANDS["add_person"].check({**COMMANDS["add_person"].example, "name": "欧阳娜娜欧阳娜娜"})


def test_booleans_and_numbers_are_strict() -> None:
    assert fault("add_person", passMonday=1).path == "data.passMonday"
    assert fault("add_person", passNum="10").path == "data.passNum"
    assert fault("add_person", type="1").path == "data.type"
    assert fault("add_person", name=5).path == "data.name"


def test_what_add_person_face_asks_for_beyond_add_person() -> None:
    for name in ("passNum", "passMonday", "passSunday", "faces"):
        assert fault("add_person_face", **{name: None}).path == f"data.{name}"
    COMMANDS["add_person"].check({"personId": 1, "personCode": 1, "name": "x", "type": 1})


def test_at_most_three_faces_each_a_picture() -> None:
    face = {"faceId": "f", "image": EXAMPLE_JPEG}
    add = COMMANDS["add_person_face"]
    for faces in ([], [face] * 3, [{"faceId": "f"}], [{"image": EXAMPLE_JPEG}]):
        add.check({**add.example, "faces": faces})
    assert fault("add_person_face", faces=[face] * 4).path == "data.faces"
    error = fault("add_person_face", faces=[face, {"image": "0aB1D98bsdDSBDDS23sdfisfs"}])
    assert (error.path, error.got) == ("data.faces[1].image", "text that is not base64")
    assert fault("add_person_face", portrait="fsfgdsgsdfsafds").path == "data.portrait"
    assert "fsfgds" not in str(fault("add_person_face", portrait="fsfgdsgsdfsafds"))


def test_the_documents_empty_numbers_pass() -> None:
    COMMANDS["add_person_face"].check({**COMMANDS["add_person_face"].example, "idNum": "", "icNum": ""})


def test_an_extended_rule_may_be_left_out() -> None:
    add = COMMANDS["add_person_face"]
    add.check({name: value for name, value in add.example.items() if name not in {"extPassRule", "portrait"}})


def rule(**change: Any) -> dict[str, Any]:
    return {**COMMANDS["config_device_pass_rule"].example, **change}


@pytest.mark.parametrize("wrap", [lambda rule: ("config_device_pass_rule", rule), lambda rule: ("add_person_face", {"extPassRule": rule})])
def test_mode_2_needs_periods(wrap: Any) -> None:
    week = {**rule()["weekly"], "sat": {"mode": 2}}
    error = fault(*wrap(rule(weekly=week))[:1], **wrap(rule(weekly=week))[1])
    assert error.path.endswith(".weekly.sat.periods")
    assert (error.expected, error.got) == ("periods, as the mode is 2", "nothing")
    holiday = [{"name": "h", "dayRange": "2019.10.01~2019.10.03", "mode": 2}]
    name, data = wrap(rule(holiday=holiday))
    assert fault(name, **data).path.endswith(".holiday[0].periods")


def test_a_week_has_seven_days() -> None:
    week = {name: day for name, day in rule()["weekly"].items() if name != "sun"}
    assert fault("config_device_pass_rule", weekly=week).path == "data.weekly.sun"


def test_versions() -> None:
    newer = {name: command.version for name, command in COMMANDS.items() if command.version != 2}
    assert newer == {"add_person_face": 3, "config_device_pass_rule": 4}


# delete_person.


def test_each_person_is_deleted_by_a_request_of_its_own() -> None:
    command = COMMANDS["delete_person"].check({"idSet": ["a", 2, "a", "c"]})
    assert [to_builtins(request) for request in command.requests()] == [{"idSet": ["a"]}, {"idSet": ["2"]}, {"idSet": ["c"]}]


def test_what_became_of_each_is_told_as_one() -> None:
    command = COMMANDS["delete_person"].check({"idSet": ["a", "b", "c"]})
    results = (Result.SUCCESS, Result.NO_SUCH_USER, None)
    parts = [Part(request, result, {}) for request, result in zip(command.requests(), results, strict=True)]
    told = {"deleted": ["a"], "failed": [{"personId": "b", "result": 105}, {"personId": "c", "result": None}]}
    assert command.combined(parts) == told


def test_other_commands_are_one_request() -> None:
    for command in COMMANDS.values():
        data = command.check(command.example)
        if command.name != "delete_person":
            assert list(data.requests()) == [data]
            assert data.combined([Part(data, 0, {"a": 1})]) == {"a": 1}


# Others with rules of their own.


def test_delete_face_names_a_face_or_a_person() -> None:
    error = fault("delete_face", faceId=None, personId=None)
    assert (error.path, error.expected, error.got) == ("data", "faceId, personId or both", "neither")
    for data in ({"faceId": 1}, {"personId": 1}, {"faceId": 1, "personId": 1}):
        COMMANDS["delete_face"].check(data)


def test_a_span_of_records_ends_after_it_starts() -> None:
    assert fault("reSend_record_set", snapEndTime="2021-01-01 08:30:20").path == "data.snapEndTime"


@pytest.mark.parametrize(("command", "field"), [("snapshot_picture", "timeoutSeconds"), ("swiping_card", "timeOut")])
def test_those_that_wait_as_long_as_they_are_told(command: str, field: str) -> None:
    assert COMMANDS[command].check({field: 42}).answer_wait_s() == 42.0
    assert [name for name, each in COMMANDS.items() if each.check(each.example).answer_wait_s()] == ["snapshot_picture", "swiping_card"]


def test_the_one_command_of_two_names() -> None:
    assert {name: each.other_name for name, each in COMMANDS.items() if each.other_name} == {"online_open_door": "online_openDoor"}
