"""What the bridge says of itself and of the terminals it knows, and what it may be asked: channels and page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec
from msgspec import Struct

from bridge.mqtt.message import Publication
from bridge.reference import shapes
from bridge.reference.channel import DEVICE, PLACES, REAL, Channel, key_of, shown
from bridge.reference.fields import Row, rows_of
from bridge.reference.happenings import BRIDGE_EVENTS
from bridge.reference.markdown import anchor, code, fence, link, page, summary_of, table
from bridge.reference.schema import Schema, document, schema_of
from bridge.reference.stage import REQUEST_SAMPLES, Stage
from bridge.relay.bridge_events import MOST_SAID, SAID_OFTEN, SAID_WITHIN_S
from bridge.relay.requests import Request

ONLINE = ("online", "offline")
_PLACE = "{device}"


@dataclass(frozen=True, slots=True)
class _Topic:
    """A topic that always means the same: where it is, really and with parameters, and what it says."""

    real: str
    address: str
    summary: str
    shape: Any = None
    values: tuple[str, ...] = ()


_TOPICS = (
    _Topic(
        REAL.state,
        PLACES.state,
        "Whether the bridge is there. It is the bridge's last will: the broker itself says offline when the bridge is lost.",
        values=ONLINE,
    ),
    _Topic(REAL.info, PLACES.info, "What the bridge is and how it is set up; again whenever that changes.", shapes.Info),
    _Topic(REAL.devices, PLACES.devices, "Every terminal that the bridge knows; again whenever that changes.", list[shapes.Device]),
    _Topic(REAL.health, PLACES.health, "How the bridge does; each minute.", shapes.Health),
    _Topic(
        REAL.checkpoint,
        PLACES.checkpoint,
        "A note of the bridge to itself, by which it sees after a lost connection whether the broker has forgotten something. Only with"
        ' `outbox.mode = "always"`, and where the broker is mosquitto.',
        shapes.Checkpoint,
    ),
    _Topic(
        REAL.availability(DEVICE),
        PLACES.availability(_PLACE),
        "Whether a terminal is connected: offline 5 s after the connection is lost unless it is back by then, at once after a logout.",
        values=ONLINE,
    ),
    _Topic(
        REAL.device_info(DEVICE),
        PLACES.device_info(_PLACE),
        "What a terminal is; again whenever it says something new of itself.",
        shapes.DeviceInfo,
    ),
)


@cache
def _played() -> dict[str, Publication]:
    """What the bridge publishes when a terminal joins, by topic."""
    stage = Stage()
    health = Publication(REAL.health, msgspec.json.encode(stage.health()), qos=0, retain=True)
    return {each.topic: each for each in (*stage.play(), health, stage.checkpoint())}


def own_channels() -> Iterator[Channel]:
    """All of them, in the order of the page."""
    yield from map(_topic_channel, _TOPICS)
    yield _event_channel()
    for name, request in Stage().requests.items():
        yield from _request_channels(name, request)


def _topic_channel(topic: _Topic) -> Channel:
    publication = _played()[topic.real]
    key = key_of(topic.address)
    title = " ".join(key.split("/"))
    example = publication.payload.decode() if topic.values else msgspec.json.decode(publication.payload)
    schema, definitions = ({}, {}) if topic.values else schema_of(topic.shape)
    return Channel(
        key=key,
        address=topic.address,
        direction="out",
        title=title,
        summary=topic.summary,
        schema=None if topic.values else document(title, schema, definitions, [example]),
        examples=(example,),
        values=topic.values,
        qos=publication.qos,
        retain=publication.retain,
        content_type="text/plain" if topic.values else "application/json",
    )


def _event_channel() -> Channel:
    told = Stage().told()
    title = "event of the bridge"
    kinds = {kind: _told_schema(kind, shape) for kind, shape in BRIDGE_EVENTS.items()}
    schema = {"description": "What happens to terminals, but not at them.", "anyOf": [{"$ref": f"#/$defs/{kind}"} for kind in kinds]}
    return Channel(
        key=key_of(PLACES.bridge_event),
        address=PLACES.bridge_event,
        direction="out",
        title=title,
        summary="What happens to terminals, but not at them.",
        schema=document(title, schema, kinds, list(told.values())),
        examples=tuple(told.values()),
    )


def _told_schema(kind: str, shape: type[Struct]) -> Schema:
    data, _ = schema_of(shape)
    return {
        "description": summary_of(shape),
        "type": "object",
        "properties": {"type": {"const": kind}, "time": {"type": "string"}, **(_OMITTED if kind in SAID_OFTEN else {}), "data": data},
        "required": ["type", "time", "data"],
        "additionalProperties": False,
    }


_OMITTED = {"omitted": {"description": "how many more of this kind came before it, and were not told singly", "type": "integer"}}


def _request_channels(name: str, request: Request) -> Iterator[Channel]:
    asked = _sample(request)
    schema, definitions = schema_of(request.fields)
    schema = schema | {"description": request.summary}
    asking, answering = f"bridge/request/{name}", f"bridge/response/{name}"
    yield Channel(
        key=asking,
        address=f"{PLACES.bridge}/request/{name}",
        direction="in",
        title=f"request {name}",
        summary=request.summary,
        schema=document(f"request {name}", schema, definitions, [asked]),
        examples=(asked,),
        reply=answering,
        correlated_by="transaction",
    )
    answers = (Stage().answered(name, asked), Stage().answered(name, {**asked, "typo": 1}))
    title = f"response to {name}"
    yield Channel(
        key=answering,
        address=PLACES.bridge_response(name),
        direction="out",
        title=title,
        summary=f"The answer to the request {name}.",
        schema=document(title, _answer_schema(answers[0]), {}, list(answers)),
        examples=answers,
        correlated_by="transaction",
    )


def _sample(request: Request) -> dict[str, Any]:
    """A request with all that it can say."""
    return {name: REQUEST_SAMPLES[name] for name in request.fields.__struct_fields__}


_STATUS = {"description": "whether it was done", "enum": ["ok", "error"]}
_TRANSACTION = {"description": "the request's own as it came, if it had one", "type": ["string", "integer"]}


def _answer_schema(answer: dict[str, Any]) -> Schema:
    """An answer has `data` or `error`."""
    return {
        "type": "object",
        "properties": {
            "status": _STATUS,
            "data": {"description": "the state after it", "type": "object", "properties": {name: {} for name in answer["data"]}},
            "error": {"description": "why not, in words", "type": "string"},
            "transaction": _TRANSACTION,
        },
        "required": ["status"],
        "oneOf": [{"required": ["data"]}, {"required": ["error"]}],
        "additionalProperties": False,
    }


def bridge_page() -> str:
    """docs/reference/bridge.md."""
    return page("The bridge's own topics", _INTRO, [*_index(), *_topics_body(), *_events_body(), *_requests_body()])


_INTRO = (
    (
        "What the bridge says of itself and of the terminals it knows, and what it may be asked. Where the configuration names an `instance`,"
        " `qyzn/bridge` is `qyzn/bridge/<instance>`."
    ),
)


def _index() -> Iterator[str]:
    channels = list(own_channels())
    out = [each for each in channels if each.direction == "out" and "response" not in each.key]
    yield from table(
        ("topic", "retained", "what"),
        ((link(code(shown(each.address)), anchor(_heading(each))), "yes" if each.retain else "no", each.summary) for each in out),
    )
    requests = Stage().requests.items()
    yield from table(("request", "what it does"), ((link(code(name), anchor(f"request {name}")), each.summary) for name, each in requests))


def _heading(channel: Channel) -> str:
    return code(shown(channel.address))


def _topics_body() -> Iterator[str]:
    for topic in _TOPICS:
        channel = _topic_channel(topic)
        yield from [f"## {_heading(channel)}", "", channel.summary, "", *_facts(channel)]
        if topic.values:
            yield from [f"Plain text: {' or '.join(map(code, topic.values))}.", ""]
            continue
        shape = topic.shape if isinstance(topic.shape, type) and issubclass(topic.shape, Struct) else shapes.Device
        yield from field_table(rows_of(shape))
        yield from fence(channel.examples[0])


def _facts(channel: Channel) -> list[str]:
    schema = f" {link('JSON Schema', f'../{channel.schema_path}')}." if channel.schema else ""
    return [f"QoS {channel.qos}, {'retained' if channel.retain else 'not retained'}.{schema}", ""]


def field_table(rows: list[Row]) -> list[str]:
    """The fields of what the bridge says."""
    return table(("field", "type", "unit", "meaning"), ((code(row.name), row.kind_or_null, row.unit, row.meaning) for row in rows))


def _events_body() -> Iterator[str]:
    channel = _event_channel()
    yield from [f"## {_heading(channel)}", "", channel.summary, "", *_facts(channel)]
    often = ", ".join(map(code, sorted(SAID_OFTEN)))
    yield from [
        (
            f'`{{"type": …, "time": …, "data": {{…}}}}`, where `type` is one of these. Of {often}, which others can cause as often as they like, at most'
            f" {MOST_SAID} each are told within {SAID_WITHIN_S:g} s; `omitted`, beside `data`, says how many more there were before this one."
        ),
        "",
    ]
    for kind, shape in BRIDGE_EVENTS.items():
        example = next(each for each in channel.examples if each["type"] == kind)
        yield from [f"### {kind}", "", summary_of(shape), "", *field_table(rows_of(shape)), *fence(example)]


def _requests_body() -> Iterator[str]:
    yield from ["## Requests", ""]
    yield from [
        (
            "Publish JSON, or nothing where no field is required, on `qyzn/bridge/request/<name>`, never retained. The answer comes on"
            " `qyzn/bridge/response/<name>`, and on the MQTT 5 Response Topic with the Correlation Data where the request carried one."
        ),
        "",
    ]
    for name, request in Stage().requests.items():
        asking, answering = _request_channels(name, request)
        yield from [f"### request {name}", "", f"{request.summary} Topic `{shown(asking.address)}`.", ""]
        yield from [
            f"JSON Schema of the {link('request', f'../{asking.schema_path}')} and the {link('response', f'../{answering.schema_path}')}.",
            "",
        ]
        yield from table(
            ("field", "required", "type", "meaning"),
            ((code(row.name), "yes" if row.required else "", row.kind, row.meaning) for row in rows_of(request.fields)),
        )
        yield from [*fence(asking.examples[0]), "Answers:", ""]
        for example in answering.examples:
            yield from fence(example)
