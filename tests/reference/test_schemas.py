"""The schemas are good ones, and take what the bridge takes and says."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from bridge.catalogue import COMMANDS
from bridge.catalogue.configuration import GROUPS
from bridge.mqtt.commands import read_order
from bridge.reference import output, shapes
from bridge.reference.channel import Channel
from bridge.reference.schema import document, embedded, relaxed, schema_of
from bridge.reference.stage import Stage

SCHEMAS = {path: json.loads(text) for path, text in output.files().items() if path.startswith("schemas/")}
SAMPLE = Path(__file__).parents[2] / "etc" / "qyzn-bridge.toml"
CHANNELS = {channel.key: channel for channel in output.all_channels()}


def validate(value: Any, path: str) -> None:
    """Raises ValidationError."""
    Draft202012Validator(SCHEMAS[f"schemas/{path}.json"]).validate(value)


@pytest.mark.parametrize("path", SCHEMAS)
def test_it_is_a_schema_and_takes_its_examples(path: str) -> None:
    schema = SCHEMAS[path]
    Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"]
    assert schema["examples"]
    for example in schema["examples"]:
        Draft202012Validator(schema).validate(example)


@pytest.mark.parametrize("path", SCHEMAS)
def test_it_refuses_something(path: str) -> None:
    with pytest.raises(ValidationError):
        Draft202012Validator(SCHEMAS[path]).validate("no such thing")


@pytest.mark.parametrize("channel", output.all_channels(), ids=lambda channel: channel.key)
def test_every_topic_has_one_unless_its_payload_is_no_json(channel: Channel) -> None:
    assert (channel.schema is None) == (channel.content_type != "application/json")
    assert channel.schema is None or channel.schema_path in SCHEMAS


@pytest.mark.parametrize("name", COMMANDS)
def test_the_bridge_takes_the_examples_of_commands(name: str) -> None:
    for example in CHANNELS[f"command/{name}"].examples:
        COMMANDS[name].check(read_order(json.dumps(example).encode()).data)


@pytest.mark.parametrize("name", COMMANDS)
def test_an_unknown_field_of_a_command_is_refused_bare_and_in_an_envelope(name: str) -> None:
    bare, enveloped = CHANNELS[f"command/{name}"].examples
    for wrong in ({**bare, "typo": 1}, {**enveloped, "typo": 1}, {**enveloped, "data": {**enveloped["data"], "typo": 1}}):
        with pytest.raises(ValidationError):
            validate(wrong, f"command/{name}")
    validate({**bare, "transaction": 7, "ttl": 5}, f"command/{name}")


def test_the_example_of_a_reading_shows_what_was_read() -> None:
    asked = CHANNELS["command/get_configs"].examples[0]["groupKey"]
    read = CHANNELS["response/get_configs"].examples[0]["data"]
    assert [each["groupKey"] for each in read] == asked
    assert all(each.items() >= dict(GROUPS[each["groupKey"]].example).items() for each in read)


@pytest.mark.parametrize("name", [name for name, group in GROUPS.items() if not group.read_only])
def test_the_bridge_takes_the_examples_of_changes(name: str) -> None:
    (example,) = CHANNELS[f"config/{name}/set"].examples
    assert GROUPS[name].check_part(example) == example
    with pytest.raises(ValidationError):
        validate({"data": {}}, f"config/{name}/set")


@pytest.mark.parametrize("name", Stage().requests)
def test_the_bridge_takes_the_examples_of_requests(name: str) -> None:
    (example,) = CHANNELS[f"bridge/request/{name}"].examples
    assert Stage().answered(name, example)["status"] == "ok"


def test_limits_hold_for_callers_only() -> None:
    (answered, _) = CHANNELS["response/swiping_card"].examples
    validate({**answered, "data": {"icNum": "9" * 100}}, "response/swiping_card")
    (event,) = CHANNELS["event/recognition"].examples
    validate({**event, "person_type": 9, "score": 1000, "person_name": "x" * 100}, "event/recognition")
    validate({**CHANNELS["config/audioctl"].examples[0], "level": 999}, "config/audioctl")
    with pytest.raises(ValidationError):
        validate({"level": 999}, "config/audioctl/set")


def test_an_event_has_no_field_that_is_not_declared() -> None:
    (event,) = CHANNELS["event/recognition"].examples
    with pytest.raises(ValidationError):
        validate({**event, "typo": 1}, "event/recognition")


def test_an_error_may_carry_anything() -> None:
    (_, failed) = CHANNELS["response/snapshot_picture"].examples
    validate({**failed, "data": [1]}, "response/snapshot_picture")
    with pytest.raises(ValidationError):
        validate({**failed, "status": "ok", "data": [1]}, "response/snapshot_picture")


def test_the_sample_configuration_fits_its_schema() -> None:
    validate(tomllib.loads(SAMPLE.read_text(encoding="utf-8")), "configuration")


@pytest.mark.parametrize("wrong", [{"typo": 1}, {"registration": {"policy": "sometimes"}}, {"devices": {"HG1": {"approved": "yes"}}}])
def test_the_configuration_is_checked(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        validate(wrong, "configuration")


def test_a_relaxed_schema_keeps_fields_that_are_called_like_limits() -> None:
    strict = {"properties": {"pattern": {"type": "string", "pattern": "a"}, "enum": {"enum": [1]}}, "additionalProperties": False}
    assert relaxed(strict) == {"properties": {"pattern": {"type": "string"}, "enum": {}}}


def test_a_document_can_be_embedded() -> None:
    whole = document("a title", {"description": "words", "$ref": "#/$defs/it"}, {"it": {"type": "string"}}, ["x"])
    schema, definitions = embedded(whole, "a.key")
    assert schema == {"title": "a title", "description": "words", "$ref": "#/components/schemas/a.key.it"}
    assert definitions == {"a.key.it": {"type": "string"}}


def test_null_comes_last_whatever_msgspec_says() -> None:
    (schema, _) = schema_of(shapes.Info)
    assert schema["properties"]["mqtt"]["anyOf"] == [{"$ref": "#/$defs/MqttInfo"}, {"type": "null"}]
