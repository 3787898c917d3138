"""Commands to terminals and the responses to them: channels and page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from bridge.catalogue import COMMANDS, Command, CommandData
from bridge.catalogue.message import DOOR_TTL_S
from bridge.mqtt.commands import BESIDE, LEFT_OUT, Envelope, RawEnvelope, Response
from bridge.mqtt.topics import RAW
from bridge.reference.channel import PLACES, Channel, key_of, shown
from bridge.reference.fields import Row, rows_of, wire_names
from bridge.reference.markdown import anchor, code, fence, link, page, summary_of, table
from bridge.reference.pictures import picture_fields
from bridge.reference.samples import RAW_EXAMPLE, command_payload, envelope, failed_response, raw_response, response
from bridge.reference.schema import Schema, document, relaxed, schema_of
from bridge.relay.faces import ADD_FACE

_PLACE = "{device}"
_RAW = "Send any message, unchecked; only where the configuration says commands.raw = true."
_FACE = "Add a face: the payload is the JPEG itself, and the ids of person and face stand in the topic."


def command_channels() -> Iterator[Channel]:
    """Each command's topic, and that of its response."""
    for command in COMMANDS.values():
        yield command_channel(command)
        yield response_channel(command.name, _answered(command), (response(command), failed_response(command.name)))
    yield _face_channel()
    yield from raw_channels()


def _face_channel() -> Channel:
    """Where a face is published as it is."""
    address = f"{PLACES.base}/{_PLACE}/command/{ADD_FACE}/{{person}}/{{face}}"
    return Channel(
        key=f"command/{ADD_FACE}/jpeg",
        address=address,
        direction="in",
        title=f"command {ADD_FACE} as a JPEG",
        summary=_FACE,
        content_type="image/jpeg",
        reply=f"response/{ADD_FACE}",
    )


def raw_channels() -> Iterator[Channel]:
    """Where a message that is not checked is published, and answered."""
    title = f"command {RAW}"
    schema, definitions = schema_of(RawEnvelope)
    yield Channel(
        key=f"command/{RAW}",
        address=f"{PLACES.base}/{_PLACE}/command/{RAW}",
        direction="in",
        title=title,
        summary=_RAW,
        schema=document(title, schema | {"description": _RAW}, definitions, [RAW_EXAMPLE]),
        examples=(RAW_EXAMPLE,),
        reply=f"response/{RAW}",
        correlated_by="transaction",
    )
    yield response_channel(RAW, ({}, {}), (raw_response(), failed_response(RAW)))


def command_channel(command: Command) -> Channel:
    """Where a command is published."""
    address = f"{PLACES.base}/{_PLACE}/command/{command.name}"
    examples = (command_payload(command), envelope(command))
    title = f"command {command.name}"
    return Channel(
        key=key_of(address),
        address=address,
        direction="in",
        title=title,
        summary=command.summary,
        schema=document(title, *_asked(command), list(examples)),
        examples=examples,
        reply=f"response/{command.name}",
        correlated_by="transaction",
    )


def response_channel(name: str, data: tuple[Schema, dict[str, Schema]], examples: tuple[Any, ...]) -> Channel:
    """Where a command is answered. `data` is the schema of what comes with success, and what it refers to."""
    address = PLACES.response(_PLACE, name)
    title = f"response to {name}"
    schema, definitions = response_schema(name, *data)
    return Channel(
        key=key_of(address),
        address=address,
        direction="out",
        title=title,
        summary=f"The one response to each {name}.",
        schema=document(title, schema, definitions, list(examples)),
        examples=examples,
        correlated_by="transaction",
    )


def _asked(command: Command) -> tuple[Schema, dict[str, Schema]]:
    """The bare fields with what may stand beside them, or the envelope around them."""
    data, definitions = schema_of(command.data)
    return asked_schema(data, definitions, command.summary, may_be_empty=not data.get("required"))


def asked_schema(data: Schema, definitions: dict[str, Schema], summary: str, *, may_be_empty: bool) -> tuple[Schema, dict[str, Schema]]:
    """What may be published for these fields."""
    around, _ = schema_of(Envelope)
    beside = {name: around["properties"][name] for name in BESIDE}
    bare = data | {"title": "bare", "description": "the message's fields, and what may stand beside them"}
    bare["properties"] = data.get("properties", {}) | beside
    enveloped = around | {"title": "envelope", "required": ["data"]}
    enveloped["properties"] = around["properties"] | {"data": {"$ref": "#/$defs/data"}}
    parts = {"bare": bare, "envelope": enveloped, "data": data | {"title": "data"}}
    words = f"{summary} The payload may also be empty." if may_be_empty else summary
    return {"description": words, "anyOf": [{"$ref": "#/$defs/bare"}, {"$ref": "#/$defs/envelope"}]}, {**parts, **definitions}


def _answered(command: Command) -> tuple[Schema, dict[str, Schema]]:
    """What a terminal's answer says, its pictures as what is told of them."""
    schema, definitions = schema_of(command.answer)
    wire = wire_names(command.answer)
    properties = dict(schema.get("properties", {}))
    for picture in command.answer_pictures:
        del properties[wire[picture.attribute]]
        properties |= picture_fields(wire[picture.attribute])
    if not properties:
        return {}, {}
    return relaxed(schema | {"properties": properties, "required": []}), relaxed({"$defs": definitions})["$defs"]


def response_schema(name: str, data: Schema, definitions: dict[str, Schema]) -> tuple[Schema, dict[str, Schema]]:
    """A response. What comes with success is described; what comes with an error may be anything."""
    schema, _ = schema_of(Response)
    properties = {field: _said(field, each) for field, each in schema["properties"].items()}
    properties["command"] = properties["command"] | {"const": name}
    told = [field for field in properties if field not in LEFT_OUT and field != "duplicate"]
    success = {"if": {"properties": {"status": {"const": "ok"}}}, "then": {"properties": {"data": {"$ref": "#/$defs/data"}}}}
    whole = schema | {
        "description": "The one response to a command.",
        "properties": properties,
        "required": told,
        "additionalProperties": False,
    }
    return (whole | success, {"data": data, **definitions}) if data else (whole, {})


def _said(field: str, schema: Schema) -> Schema:
    """A field as it is published: one that says nothing is left out, and is never null."""
    kept = {key: value for key, value in schema.items() if key != "default"}
    if field in LEFT_OUT and "anyOf" in kept:
        some = [each for each in kept.pop("anyOf") if each != {"type": "null"}]
        kept |= some[0] if len(some) == 1 else {"anyOf": some}
    return kept


def commands_page() -> str:
    """docs/reference/commands.md."""
    return page("Commands", _INTRO, [*_index(), *_around(), *(line for each in COMMANDS.values() for line in _section(each)), *_raw()])


_INTRO = (
    (
        "Publish on `qyzn/<serial>/command/<name>`, never retained; `all` in place of the serial asks every terminal that is connected. Each terminal"
        " asked gives exactly one response, on `qyzn/<serial>/response/<name>`, and on the MQTT 5 Response Topic where the command named one."
    ),
    (
        'Commands keep the protocol\'s own spelling. What stands under "limits" is checked before anything is sent; a field that is not in the table'
        " is refused, too. Lengths in bytes are those of UTF-8."
    ),
)


def _index() -> list[str]:
    rows = (
        (link(code(each.name), anchor(each.name)), each.summary, "yes" if each.door else "", each.section) for each in COMMANDS.values()
    )
    return table(("command", "what it does", "door", "section"), rows)


def _around() -> Iterator[str]:
    yield from ["## What every command may carry", ""]
    yield from [
        (
            "The payload is the message's own fields, or nothing where none is required; `transaction`, `issued_at`, `ttl` and `source` may stand"
            " beside them. Or it is the envelope, which has all of these around the fields in `data`:"
        ),
        "",
        *_plain_table(rows_of(Envelope)),
        *fence(envelope(next(iter(COMMANDS.values())))),
        "## What every response says",
        "",
        *_plain_table(rows_of(Response)),
        f"The codes and results are explained under {link('Results', 'results.md')}. A response that is an error:",
        "",
        *fence(failed_response(next(iter(COMMANDS)))),
    ]


def _plain_table(rows: list[Row]) -> list[str]:
    return table(("field", "type", "meaning"), ((code(row.name), row.kind, row.meaning) for row in rows))


def _section(command: Command) -> Iterator[str]:
    asked = command_channel(command)
    yield from [f"## {command.name}", "", command.summary, "", *_facts(command)]
    yield from command_fields(rows_of(command.data)) or ["It has no fields.", ""]
    rules = getattr(command.data, "check_rules", None)
    if rules is not None:
        yield from [f"Beyond the single fields: {summary_of(rules)}", ""]
    yield from [f"For example, on `{shown(asked.address)}`:", "", *fence(command_payload(command))]
    if command.name == ADD_FACE:
        yield from [f"Or on `{shown(_face_channel().address)}`: {_FACE}", ""]
    answer = _answer_rows(command)
    if answer:
        yield from ["In the response's `data`, as the terminal says it:", "", *answer_fields(answer)]
    if command.data.combined is not CommandData.combined:
        yield from [f"In the response's `data`: {summary_of(command.data.combined)}", ""]
    yield from ["The response:", "", *fence(response(command))]


def _raw() -> Iterator[str]:
    asking, answering = raw_channels()
    yield from [f"## {RAW}", "", _RAW, ""]
    facts = (
        "It is for a message, or a field, that the bridge does not know. Nothing is checked but the name's letters and the depth of `data`.",
        "A message that is named above is carried out as it says there, re-sends, time-outs and pictures included.",
        f"**Any other is treated as a door command**: stale after {DOOR_TTL_S:g} s, never sent twice, counted by `commands.door_per_10_s`.",
        "What `commands.deny` names is denied here as well, by either of its names.",
        "Configuration that is set this way is not read back: say what you can with `config_system` instead.",
        f"JSON Schema of the {link('command', f'../{asking.schema_path}')} and the {link('response', f'../{answering.schema_path}')}.",
    )
    yield from (f"- {fact}" for fact in facts)
    yield from ["", *_plain_table(rows_of(RawEnvelope))]
    yield from [f"For example, on `{shown(asking.address)}`:", "", *fence(RAW_EXAMPLE), "The response:", "", *fence(raw_response())]


def _facts(command: Command) -> Iterator[str]:
    longer = ", and longer where a field grants it" if _waits(command) else ""
    facts = [
        f"Section {command.section} of the vendor's document; protocol version {command.version} or later.",
        f"The terminal has {command.timeout_s:g} s to answer unless `timeout` says otherwise{longer}.",
    ]
    if command.door:
        facts.append(f"**A door command**: stale {DOOR_TTL_S:g} s after it was issued unless `ttl` says otherwise, and never sent twice.")
    if command.other_name:
        facts.append(f"A terminal that does not know it is asked by its other name, `{command.other_name}`.")
    schemas = f"JSON Schema of the {link('command', f'../schemas/command/{command.name}.json')}"
    facts.append(f"{schemas} and the {link('response', f'../schemas/response/{command.name}.json')}.")
    yield from (f"- {fact}" for fact in facts)
    yield ""


def _waits(command: Command) -> bool:
    """Whether the command may tell the terminal to take its time."""
    return command.check(command_payload(command)).answer_wait_s() > 0


def command_fields(rows: list[Row]) -> list[str]:
    """The fields that a caller gives."""
    return table(
        ("field", "required", "type", "unit", "limits", "meaning"),
        ((code(row.wire), "yes" if row.required else "", row.kind, row.unit, row.limit, meaning_of(row)) for row in rows),
    )


def answer_fields(rows: list[Row]) -> list[str]:
    """The fields that come back."""
    return table(("field", "type", "unit", "meaning"), ((code(row.wire), row.kind, row.unit, meaning_of(row)) for row in rows))


def meaning_of(row: Row) -> str:
    """What a field means, and each of its values."""
    if row.group:
        return f"{row.meaning} See {link(code(row.group), f'groups.md{anchor(row.group)}')}."
    values = ", ".join(f"`{value}` {words}" for value, words in row.values.items())
    return f"{row.meaning}: {values}" if values else row.meaning


def _answer_rows(command: Command) -> list[Row]:
    wire = wire_names(command.answer)
    pictures = {wire[each.attribute] for each in command.answer_pictures}
    rows = []
    for row in rows_of(command.answer):
        name = row.wire
        topic = f"the topic on which it was published just before, or null; `{name}_bytes` and `{name}_sha256` stand beside it"
        rows.append(replace(row, kind="topic", meaning=f"{row.meaning}: {topic}") if row.wire in pictures else row)
    return rows
