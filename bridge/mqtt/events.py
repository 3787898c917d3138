"""A terminal's message as an event: flat JSON in our names, and its pictures before it. Pure functions."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import tzinfo
from itertools import chain
from typing import Any

import msgspec

from bridge.catalogue import REPORTS, Picture
from bridge.mqtt.message import Publication
from bridge.mqtt.pictures import JPEG, OVERHEAD_BYTES, PictureRules, depict
from bridge.mqtt.privacy import hidden_names, without
from bridge.mqtt.times import in_milliseconds, time_of
from bridge.mqtt.topics import Topics
from bridge.session.happenings import Received
from bridge.values import Holding, Value

_KINDS = frozenset(report.event for report in REPORTS.values() if report.event)
_KIND = re.compile(r"[A-Za-z0-9_-]{1,64}")
_PICTURES = frozenset({"image", "compare_image"})
JSON = "application/json"


class Subject(Holding, frozen=True):
    """The terminal an event is about; `zone` is where it hangs."""

    device_id: str
    name: str
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class EventRules:
    """What the configuration says about events: from what age they count as replayed, what is never published, and pictures; and the
    largest event, in bytes, that the broker takes."""

    replay_after_s: float = 30.0
    omit: frozenset[str] = frozenset()
    pictures: PictureRules = field(default_factory=PictureRules)
    max_bytes: int | None = None

    def within(self, packet_bytes: int | None) -> EventRules:
        """The same, for a broker that takes packets of at most so many bytes; None: of any size."""
        if packet_bytes is None:
            return self
        return replace(self, pictures=self.pictures.within(packet_bytes), max_bytes=max(0, packet_bytes - OVERHEAD_BYTES))


class Asking(Holding, frozen=True):
    """What an event that awaits an answer says about it: where it is awaited, and until when (ISO 8601)."""

    answer_topic: str
    answer_by: str


def is_kind(name: str) -> bool:
    """Whether a message's name can be a level of a topic, so that a message newer than the catalogue can be passed on."""
    return _KIND.fullmatch(name) is not None


def event_id(device_id: str, received: Received) -> str:
    """The same for the same record, whoever sends it again and whenever: 128 bits of a hash over terminal, message, sequence and body."""
    text = f"{device_id}\n{received.name}\n{received.sequence}\n".encode()
    return hashlib.sha256(text + received.digest).hexdigest()[:32]


def kind_of(received: Received) -> str:
    """The kind of event that a message becomes: of one that the catalogue does not know, its name, kept apart from the kinds that there
    are, whose consumers expect another form."""
    if received.declaration is not None and received.declaration.event:
        return received.declaration.event
    return f"message_{received.name}" if received.name in _KINDS else received.name


def fresh_for_s(received: Received, zone: tzinfo, rules: EventRules, wall: float) -> float:
    """For how much longer something may come of a message, in seconds; below zero it is a replay, on which no door may act."""
    return rules.replay_after_s - time_of(received, zone, wall).age_s


class Composed(Value, frozen=True):
    """A message as it is to be published: `pictures` in their order, then `event`. `key` is the event's id, `happened_at` when the record was
    made, in UNIX seconds by the bridge's clock."""

    device_id: str
    kind: str
    key: str
    happened_at: float
    pictures: tuple[Publication, ...]
    event: Publication

    @property
    def publications(self) -> list[Publication]:
        """All of it, in order."""
        return [*self.pictures, self.event]

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        return sum(len(each.payload) for each in self.publications)


def compose(
    received: Received,
    subject: Subject,
    topics: Topics,
    rules: EventRules,
    wall: float,
    asking: Asking | None = None,
    identity: str | None = None,
) -> Composed:
    """What to publish for a message. `wall` is UNIX seconds, now; `identity` is its `event_id` where that is known already."""
    identity = identity or event_id(subject.device_id, received)
    properties = _properties(subject.device_id, identity)
    time = time_of(received, subject.zone, wall)
    replay = time.age_s > rules.replay_after_s
    fields, pictures = _fields(received, subject, topics, rules, properties)
    hidden = hidden_names(rules.omit if rules.pictures.published else rules.omit | _PICTURES)
    event: dict[str, Any] = {
        "event_id": identity,
        "event_type": received.name if received.data is None else received.data.event_type(),
        "device_id": subject.device_id,
        "device_name": subject.name,
        "time": time.happened,
        "received_at": in_milliseconds(received.received_at, subject.zone),
        "sequence": received.sequence,
        "replay": replay,
    }
    if replay:
        event["age_s"] = round(time.age_s)
    event |= fields
    if asking:
        event |= msgspec.structs.asdict(asking)
    event["extra"] = without(time.unread | received.extra, hidden)
    kind = kind_of(received)
    publication = Publication(
        topics.event(subject.device_id, kind, replay=replay),
        _encoded(event, rules.max_bytes),
        content_type=JSON,
        user_properties=properties,
        response_topic=asking.answer_topic if asking else None,
        correlation_data=identity.encode() if asking else None,
    )
    return Composed(subject.device_id, kind, identity, wall - time.age_s, tuple(pictures), publication)


@dataclass(frozen=True, slots=True)
class Kept:
    """An event that had to wait: its JSON as it was composed, and its pictures by topic, without those that gave way to others. It is at
    least `least_age_s` old, whatever the clock on the wall says by now."""

    device_id: str
    kind: str
    key: str
    happened_at: float
    event: bytes
    pictures: tuple[tuple[str, bytes | None, bool], ...] = ()
    """Topic, JPEG, and whether it is retained."""
    least_age_s: float = 0.0


def recompose(kept: Kept, topics: Topics, rules: EventRules, wall: float) -> list[Publication]:
    """An event that had to wait, as it is to be published now: it may have become a replay, and asks nothing any more."""
    event = msgspec.json.decode(kept.event)
    age = max(kept.least_age_s, wall - kept.happened_at)
    for name in ("age_s", "answer_topic", "answer_by"):
        event.pop(name, None)
    event["replay"] = age > rules.replay_after_s
    if event["replay"]:
        event = _behind(event, "replay", {"age_s": round(age)})
    properties = _properties(kept.device_id, kept.key)
    pictures = []
    for topic, picture, retain in kept.pictures:
        if picture is None:
            _forget_picture(event, topic, None, "dropped, to make room for newer events")
        elif len(picture) > rules.pictures.max_bytes:
            _forget_picture(event, topic, picture, f"{len(picture)} bytes are over the limit of {rules.pictures.max_bytes}")
        else:
            pictures.append(Publication(topic, picture, retain=retain, content_type=JPEG, user_properties=properties))
    topic = topics.event(kept.device_id, kept.kind, replay=event["replay"])
    payload = _encoded(event, rules.max_bytes)
    return [*pictures, Publication(topic, payload, content_type=JSON, user_properties=properties)]


def _properties(device_id: str, identity: str) -> tuple[tuple[str, str], ...]:
    return (("event_id", identity), ("device_id", device_id))


def _behind(event: dict[str, Any], name: str, more: dict[str, Any]) -> dict[str, Any]:
    """The event with more fields, behind the one of this name."""
    names = list(event)
    cut = names.index(name) + 1
    return {**{each: event[each] for each in names[:cut]}, **more, **{each: event[each] for each in names[cut:]}}


def _forget_picture(event: dict[str, Any], topic: str, picture: bytes | None, why: str) -> None:
    """A picture on this topic is not published: the event must not promise it. None: it is any that was there."""
    digest = None if picture is None else hashlib.sha256(picture).hexdigest()
    for holder in _holders_within(event):
        for name in [name for name, value in holder.items() if value == topic]:
            if digest in (None, holder.get(f"{name}_sha256")):
                holder.update({name: None, f"{name}_bytes": None, f"{name}_sha256": None, f"{name}_error": why})


def _holders_within(event: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Where pictures may be told of: at the top, and in the objects of a list."""
    lists = (value for value in event.values() if isinstance(value, list))
    yield from (event, *(each for each in chain.from_iterable(lists) if isinstance(each, dict)))


def _encoded(event: dict[str, Any], max_bytes: int | None) -> bytes:
    """The event as JSON. One that the broker would not take goes without its pictures in base64, or even without `extra`, and says so."""
    payload = msgspec.json.encode(event)
    if max_bytes is None or len(payload) <= max_bytes:
        return payload
    bulky = [*_pictures_within(event), *([(event, "extra")] if event.get("extra") else [])]
    while len(payload) > max_bytes and bulky:
        holder, name = bulky.pop(0)
        holder.pop(name)
        holder[f"{name.removesuffix('_base64')}_error"] = "too large for the broker"
        payload = msgspec.json.encode(event)
    return payload


def _pictures_within(event: dict[str, Any]) -> Iterator[tuple[dict[str, Any], str]]:
    """Where pictures stand in base64."""
    for holder in _holders_within(event):
        yield from ((holder, name) for name in list(holder) if name.endswith("_base64"))


def _fields(
    received: Received, subject: Subject, topics: Topics, rules: EventRules, properties: tuple[tuple[str, str], ...]
) -> tuple[dict[str, Any], list[Publication]]:
    """The fields of the event's kind, pictures as what is said of them, and the pictures themselves."""
    declaration, data = received.declaration, received.data
    if declaration is None or data is None:
        return {}, []
    fields = data.event_fields(subject.zone)
    fields.pop(declaration.time_field or "", None)
    pictures = []
    for picture in declaration.pictures:
        for holder in _holders(fields, picture):
            text = holder.pop(picture.attribute)
            if picture.event_field in rules.omit or picture.within in rules.omit or (text is None and not picture.expected):
                continue
            topic = topics.image(subject.device_id, picture.kind)
            depiction = depict(text, picture.event_field, topic, rules.pictures, properties)
            holder.update(depiction.fields)
            if depiction.publication is not None:
                pictures.append(depiction.publication)
    return without(fields, rules.omit), pictures


def _holders(fields: dict[str, Any], picture: Picture) -> list[dict[str, Any]]:
    """Where a picture stands in an event's fields: at the top, or in each object of a list."""
    return [fields] if picture.within is None else fields[picture.within] or []
