"""Every message of the catalogue, by the same rules: nothing here names one."""

from __future__ import annotations

import json
import re
from datetime import UTC
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import inspect

from bridge.catalogue import COMMANDS, DECLARATIONS, REPORTS, Command, Declaration, Report
from bridge.catalogue.message import DEFAULT_TIMEOUT_S, DOOR_TIMEOUT_S, DOOR_TTL_S, AnswerData, CommandData, Data, NoAnswer
from bridge.errors import Invalid
from tests.catalogue.asker import Gate
from tests.catalogue.declared import Place, places_in, value_at, values_beyond, values_within, with_value
from tests.values import json_values

# The numbered headings of the vendor's document under which a message can stand.
SECTIONS = {
    "3.2",
    *(f"4.2.{number}" for number in range(2, 4)),
    *(f"4.3.{number}" for number in range(1, 9)),
    *(f"4.4.{number}" for number in range(1, 3)),
    *(f"4.5.{number}" for number in range(1, 12)),
    *(f"4.5.10.{number}" for number in range(1, 20)),
    *(f"4.6.{number}" for number in range(1, 4)),
    *(f"4.7.{number}" for number in range(1, 3)),
}

each_message = pytest.mark.parametrize("declaration", DECLARATIONS, ids=lambda declaration: declaration.name)
each_command = pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
each_report = pytest.mark.parametrize("report", REPORTS.values(), ids=lambda report: report.name)
each_commands_place = pytest.mark.parametrize(
    ("command", "place"),
    [
        pytest.param(command, place, id=f"{command.name}: {place.name}")
        for command in COMMANDS.values()
        for place in places_in(command.data, command.example)
    ],
)


def test_names_are_the_protocols_own_and_stand_once() -> None:
    assert len(DECLARATIONS) == len({each.name for each in DECLARATIONS}) == len(COMMANDS) + len(REPORTS)
    assert set(REPORTS) == {
        "register",
        "login",
        "logout",
        "sync_time",
        "snapshot_face",
        "qrcode_data",
        "device_sync_person",
        "device_call_param",
        "device_call_result",
    }
    assert set(COMMANDS) == {
        "add_person",
        "update_person",
        "delete_person",
        "clear_person",
        "snapshot_picture",
        "sync_person",
        "add_person_face",
        "add_face",
        "delete_face",
        "device_restart",
        "device_upgrade",
        "serial_output",
        "weigand_output",
        "record_clear",
        "open_door",
        "online_open_door",
        "swiping_card",
        "config_device_pass_rule",
        "config_system",
        "get_configs",
        "reSend_record_set",
    }
    assert [name for name in (*COMMANDS, *REPORTS) if not re.fullmatch(r"[A-Za-z0-9_]{1,32}", name)] == []


@each_message
def test_a_declaration_says_where_it_stands_and_what_it_is(declaration: Declaration) -> None:
    assert declaration.section in SECTIONS
    assert re.fullmatch(r"[A-Z0-9][^.]*\.", declaration.summary), "one sentence"
    assert len(declaration.summary) <= 140
    assert declaration.version in {2, 3, 4, 5}
    assert issubclass(declaration.answer, AnswerData)


@each_message
def test_a_declaration_belongs_to_its_class(declaration: Command | Report) -> None:
    assert declaration.data.declaration is declaration
    assert declaration.data.__doc__


@each_message
def test_fields_are_ours_in_python_and_described(declaration: Command | Report) -> None:
    for shape in (declaration.data, declaration.answer):
        assert [name for name in shape.__struct_fields__ if not re.fullmatch(r"[a-z][a-z0-9_]*", name)] == []
        properties = component(shape).get("properties", {})
        assert [name for name, schema in properties.items() if not schema.get("description")] == []


@each_message
def test_schemas_are_sound(declaration: Command | Report) -> None:
    for shape in (declaration.data, declaration.answer):
        schema = msgspec.json.schema(shape)
        assert json.loads(json.dumps(schema)) == schema
        for each in schemas_within(schema):
            assert_sound(each, schema["$defs"])
        assert component(shape).get("additionalProperties", True) is not issubclass(shape, CommandData)


def component(shape: type[Data]) -> dict[str, Any]:
    schema: dict[str, Any] = msgspec.json.schema(shape)
    own: dict[str, Any] = schema["$defs"][shape.__name__]
    return own


def schemas_within(schema: Any) -> list[dict[str, Any]]:
    """A schema, and every schema in it."""
    inner = [
        *schema.get("properties", {}).values(),
        *schema.get("$defs", {}).values(),
        *schema.get("anyOf", []),
        *([schema["items"]] if isinstance(schema.get("items"), dict) else []),
    ]
    return [schema, *(each for part in inner for each in schemas_within(part))]


def assert_sound(schema: dict[str, Any], components: dict[str, Any]) -> None:
    """What JSON Schema asks of the keywords that msgspec and our words for fields can write."""
    if "$ref" in schema:
        assert schema["$ref"].removeprefix("#/$defs/") in components
    types = {"string", "integer", "number", "boolean", "array", "object", "null"}
    declared = schema.get("type", "object")
    assert set([declared] if isinstance(declared, str) else declared) <= types
    for keyword in ("minLength", "maxLength", "minItems", "maxItems"):
        assert isinstance(schema.get(keyword, 0), int)
        assert schema.get(keyword, 0) >= 0
    for keyword in ("minimum", "maximum"):
        assert isinstance(schema.get(keyword, 0), int | float)
    re.compile(schema.get("pattern", ""))
    assert schema.get("enum", [1])
    assert set(schema.get("required", [])) <= set(schema.get("properties", {}))


@each_message
def test_the_documents_answer_fits_its_declaration(declaration: Declaration) -> None:
    answer = msgspec.convert(dict(declaration.answer_example), declaration.answer)
    assert without_nothing(msgspec.to_builtins(answer)) == declaration.answer_example
    if declaration.answer is NoAnswer:
        assert not declaration.answer_example


# Commands.


@each_command
def test_a_commands_example_passes_and_is_written_as_it_was(command: Command) -> None:
    checked = command.check(command.example)
    assert isinstance(checked, command.data)
    assert json.loads(msgspec.json.encode(checked)) == command.example


@each_command
def test_a_missing_field_is_named(command: Command) -> None:
    required = [field.encode_name for field in msgspec.structs.fields(command.data) if field.required]
    assert set(required) <= set(command.example)
    for name in required:
        with pytest.raises(Invalid) as caught:
            command.check({key: value for key, value in command.example.items() if key != name})
        assert (caught.value.path, caught.value.got) == (f"data.{name}", "nothing")


@each_command
@pytest.mark.parametrize("unknown", ["no_such_field", "", "张三", "x" * 1000])
def test_an_unknown_field_is_named(command: Command, unknown: str) -> None:
    with pytest.raises(Invalid) as caught:
        command.check({**command.example, unknown: 1})
    assert caught.value.path == f"data.{unknown[:64]}"
    assert caught.value.expected == "no such field"


@each_command
@pytest.mark.parametrize("data", [None, [], "text", 5, True])
def test_a_commands_data_is_an_object(command: Command, data: Any) -> None:
    with pytest.raises(Invalid) as caught:
        command.check(data)
    assert caught.value.path == "data"


@each_commands_place
def test_the_example_shows_every_field(command: Command, place: Place) -> None:
    """Else the tests below would pass by leaving it out."""
    assert value_at(command.example, place.path) is not None


@each_commands_place
def test_what_is_beyond_a_limit_is_named(command: Command, place: Place) -> None:
    for value in values_beyond(place.limit, value_at(command.example, place.path)) if place.limit else []:
        with pytest.raises(Invalid) as caught:
            command.check(with_value(command.example, place.path, value))
        assert caught.value.path == place.name
        assert place.limit is not None
        assert caught.value.expected == place.limit.expected
        assert caught.value.got


@each_commands_place
def test_what_is_at_a_limit_passes(command: Command, place: Place) -> None:
    for value in values_within(place.limit, value_at(command.example, place.path)) if place.limit else []:
        command.check(with_value(command.example, place.path, value))


@each_commands_place
def test_a_wrong_type_is_named(command: Command, place: Place) -> None:
    nested = isinstance(place.type, inspect.StructType | inspect.ListType)
    for value in ("text", 7) if nested else ({"x": 1}, [1], None):
        with pytest.raises(Invalid) as caught:
            command.check(with_value(command.example, place.path, value))
        assert caught.value.path == place.name


@each_commands_place
def test_an_id_may_be_a_number(command: Command, place: Place) -> None:
    if place.limit is not None and place.limit.as_text:
        checked = msgspec.to_builtins(command.check(with_value(command.example, place.path, 17)))
        assert value_at(checked, place.path) == "17"


@each_command
def test_a_door_opens_in_time_or_not_at_all(command: Command) -> None:
    assert command.timeout_s == (DOOR_TIMEOUT_S if command.door else DEFAULT_TIMEOUT_S)
    assert command.check(command.example).answer_wait_s() >= 0
    assert DOOR_TTL_S < DOOR_TIMEOUT_S


def test_the_doors_are_marked() -> None:
    doors = {"open_door", "online_open_door", "weigand_output", "serial_output"}
    assert {name for name, command in COMMANDS.items() if command.door} == doors & set(COMMANDS)


@given(json_values)
def test_whatever_a_caller_sends_is_checked_or_invalid(data: Any) -> None:
    for command in COMMANDS.values():
        try:
            msgspec.json.encode(command.check(data))
        except Invalid as error:
            assert error.path.startswith("data")  # noqa: PT017 (either end is right)


@each_command
def test_pictures_of_an_answer_are_fields_of_it(command: Command) -> None:
    assert {picture.attribute for picture in command.answer_pictures} <= set(command.answer.__struct_fields__)


@each_command
def test_what_is_shown_of_an_answer_is_never_refused(command: Command) -> None:
    shown = command.check(command.example).shown_answer
    for data in ({}, [], [1, None, {"a": 1}], {"a": [1]}):
        assert shown(data) == data


# Reports.


@each_report
def test_a_reports_example_is_read_and_written_as_it_was(report: Report) -> None:
    data, extra = report.read(dict(report.example))
    assert extra == {}
    assert without_nothing(msgspec.to_builtins(data)) == {report.aliases.get(name, name): value for name, value in report.example.items()}


def without_nothing(data: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in data.items() if value is not None}


@each_report
def test_numbers_and_text_may_change_places(report: Report) -> None:
    as_text = {name: str(value) if isinstance(value, int | float) else value for name, value in report.example.items()}
    assert report.read(as_text) == report.read(dict(report.example))
    data, extra = report.read({name: int(value) if str(value).isdigit() else value for name, value in report.example.items()})
    assert (data, extra) == report.read(dict(report.example))


@each_report
def test_only_a_required_field_makes_a_report_invalid(report: Report) -> None:
    required = {field.encode_name for field in msgspec.structs.fields(report.data) if field.required}
    assert required <= set(report.example)
    for name in report.example:
        less = {key: value for key, value in report.example.items() if key != name}
        if name in required:
            with pytest.raises(Invalid) as caught:
                report.read(less)
            assert caught.value.path == f"data.{name}"
        else:
            report.read(less)


@each_report
def test_events_are_never_refused(report: Report) -> None:
    """Whatever a terminal reports must reach people, however odd."""
    if report.event is not None:
        assert [field.name for field in msgspec.structs.fields(report.data) if field.required] == []
        data, _ = report.read({})
        assert data.event_type()
        assert re.fullmatch(r"[a-z_]+", report.event)


@given(st.sampled_from(list(REPORTS.values())), st.data())
def test_no_rubbish_in_a_field_loses_a_report(report: Report, data: st.DataObject) -> None:
    required = {field.encode_name for field in msgspec.structs.fields(report.data) if field.required}
    names = [field.encode_name for field in msgspec.structs.fields(report.data) if not field.required] + list(report.aliases)
    rubbish = data.draw(st.dictionaries(st.sampled_from([*names, "unheard of"]), json_values, max_size=6))
    read, extra = report.read({**rubbish, **{name: report.example[name] for name in required}})
    msgspec.json.encode([read, extra, read.event_type(), read.event_fields(UTC), read.record_time(), *read.default_answer(Gate())])


@each_report
def test_what_names_a_field_names_one_that_is_there(report: Report) -> None:
    fields = set(report.data.__struct_fields__)
    assert {picture.within or picture.attribute for picture in report.pictures} <= fields
    assert report.time_field is None or report.time_field in fields
    wire_names = {field.encode_name for field in msgspec.structs.fields(report.data)}
    assert set(report.aliases.values()) <= wire_names
    assert not set(report.aliases) & wire_names
    events = [picture.event_field for picture in report.pictures]
    assert len(events) == len(set(events))
