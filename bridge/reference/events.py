"""What terminals report: channels of the events, and of the answers that some of them await."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import inspect

from bridge.catalogue import REPORTS, Picture, Report
from bridge.reference.channel import PLACES, Channel, key_of, said
from bridge.reference.fields import structs_in
from bridge.reference.pictures import picture_fields
from bridge.reference.samples import passed_through, published
from bridge.reference.schema import Schema, document, relaxed, schema_of
from bridge.reference.shapes import AnswerFields, EventHead, EventTail

PLACE = "{device}"
OTHER = "{message}"
"""Stands in topics for the name of a message that the catalogue does not know."""


def kinds() -> dict[str, list[Report]]:
    """The reports that become events, by the kind of event."""
    found: dict[str, list[Report]] = {}
    for report in REPORTS.values():
        if report.event is not None:
            found.setdefault(report.event, []).append(report)
    return found


def event_channels() -> Iterator[Channel]:
    """The topics of each kind, of its replays and its answers; and those of messages that the catalogue does not know."""
    for kind, reports in kinds().items():
        examples = tuple(said(published(report)[-1]) for report in reports)
        answers = [_answer_channel(kind, report) for report in reports if report.question]
        yield from _pair(kind, _described(reports), kind_schema(kind, reports, examples), examples, answers[0].key if answers else None)
        yield from answers
    other = (said(passed_through()[-1]),)
    summary = "A message that the catalogue does not know, passed through under its own name; its fields stand in extra."
    yield from _pair(OTHER, summary, document("any other event", _whole({}, summary), {}, list(other)), other)


def _described(reports: list[Report]) -> str:
    return " Or: ".join(report.summary for report in reports)


def _pair(kind: str, summary: str, schema: Schema, examples: tuple[Any, ...], answered_on: str | None = None) -> Iterator[Channel]:
    """The topic of what happens now, and that of what happened a while ago, to which nobody may answer any more."""
    key = "event/other" if kind == OTHER else f"event/{kind}"
    for replay, title in ((False, schema["title"]), (True, f"{schema['title']}, replayed")):
        address = PLACES.event(PLACE, kind, replay=replay)
        yield Channel(
            key=key.replace("event/", "event_replay/") if replay else key,
            address=address,
            direction="out",
            title=title,
            summary=f"The same for what is over: older than events.replay_after_s. {summary}" if replay else summary,
            schema=schema,
            schema_key=key,
            examples=() if replay else examples,
            reply=None if replay else answered_on,
        )


def kind_schema(kind: str, reports: list[Report], examples: tuple[Any, ...]) -> Schema:
    """The events of one kind, whichever message they come from."""
    title = f"event {kind}"
    wholes = [_whole(_fields(report), report.summary) for report in reports]
    if len(wholes) == 1:
        return document(title, wholes[0], {}, list(examples))
    parts = {report.name: schema for report, schema in zip(reports, wholes, strict=True)}
    schema = {"description": _described(reports), "anyOf": [{"$ref": f"#/$defs/{name}"} for name in parts]}
    return document(title, schema, parts, list(examples))


def _whole(fields: dict[str, Schema], summary: str) -> Schema:
    """An event with these fields of its kind."""
    head, tail, answer = (schema_of(shape)[0] for shape in (EventHead, EventTail, AnswerFields))
    properties = {**head["properties"], **fields, **answer["properties"], **tail["properties"]}
    return {
        "description": summary,
        "type": "object",
        "properties": properties,
        "required": head["required"],
        "additionalProperties": False,
    }


def _fields(report: Report) -> dict[str, Schema]:
    """The fields of a report in our names and without limits: what a terminal says is never refused for being out of range."""
    inline = _named(report.data)
    inline.pop(report.time_field or "", None)
    for picture in report.pictures:
        _depict(inline, picture)
    return inline


def _named(shape: type[Any]) -> dict[str, Schema]:
    """The fields of a struct and of what is nested in it, by our names."""
    schema, definitions = schema_of(shape)
    declared = inspect.type_info(shape)
    assert isinstance(declared, inspect.StructType)
    structs = {each.__name__: each for field in declared.fields for each in structs_in(field.type)}
    below = {name: definitions[name] | {"properties": _named(each)} for name, each in structs.items()}
    return {field.name: _inline(relaxed(schema["properties"][field.encode_name]), below) for field in declared.fields}


def _inline(value: Any, below: dict[str, Schema]) -> Any:
    """A schema in which what it refers to stands itself."""
    if isinstance(value, list):
        return [_inline(each, below) for each in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        schema = below[value["$ref"].removeprefix("#/$defs/")]
        return {key: schema[key] for key in ("description", "type", "properties") if key in schema}
    return {key: _inline(each, below) for key, each in value.items()}


def _depict(fields: dict[str, Schema], picture: Picture) -> None:
    """In place of a picture's base64, what is told of it."""
    holder = fields if picture.within is None else _items_of(fields[picture.within])
    del holder[picture.attribute]
    holder.update(picture_fields(picture.event_field))


def _items_of(schema: Schema) -> dict[str, Schema]:
    """The properties of the objects in a list, which may be null."""
    arrays = [each for each in (schema, *schema.get("anyOf", ())) if "items" in each]
    properties: dict[str, Schema] = arrays[0]["items"]["properties"]
    return properties


def _answer_channel(kind: str, report: Report) -> Channel:
    question = report.question
    assert question is not None
    schema, definitions = schema_of(question.reply)
    title = f"answer to {kind}"
    example = dict(question.example)
    address = PLACES.answer(PLACE, kind)
    alone = {"enum": [0, 1, True, False], "description": "the same in one word"}
    spelled = question.reply.spelled_out(1) != 1
    whole = {"description": schema["description"], "anyOf": [{"$ref": "#/$defs/reply"}, alone]} if spelled else schema
    return Channel(
        key=key_of(address),
        address=address,
        direction="in",
        title=title,
        summary=f"The answer to an event {kind}: {schema['description']}",
        schema=document(title, whole, {"reply": schema, **definitions} if spelled else definitions, [example]),
        examples=(example,),
        correlated_by="event_id",
    )
