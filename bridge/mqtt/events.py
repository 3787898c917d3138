"""A terminal's message as an event: flat JSON in our names, and its pictures before it. Pure functions."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from typing import Any

import msgspec

from bridge.mqtt.message import Publication
from bridge.mqtt.pictures import PictureRules, depict
from bridge.mqtt.topics import Topics
from bridge.session.clock import parse_record_time
from bridge.session.happenings import Received

_KIND = re.compile(r"[A-Za-z0-9_-]{1,64}")
_CLOCK_TOLERANCE_S = 5.0
"""A record may be this much ahead of the bridge's clock without being thought to come from the future."""
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Subject:
    """The terminal an event is about; `zone` is where it hangs."""

    device_id: str
    name: str
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class EventRules:
    """What the configuration says about events: from what age they count as replayed, what is never published, and pictures."""

    replay_after_s: float = 30.0
    omit: frozenset[str] = frozenset()
    pictures: PictureRules = field(default_factory=PictureRules)


def is_kind(name: str) -> bool:
    """Whether a message's name can be a level of a topic, so that a message newer than the catalogue can be passed on."""
    return _KIND.fullmatch(name) is not None


def event_id(device_id: str, received: Received) -> str:
    """The same for the same record, whoever sends it again and whenever: 128 bits of a hash over terminal, message, sequence and body."""
    text = f"{device_id}\n{received.name}\n{received.sequence}\n".encode()
    return hashlib.sha256(text + received.digest).hexdigest()[:32]


def compose(received: Received, subject: Subject, topics: Topics, rules: EventRules, wall: float) -> list[Publication]:
    """What to publish for a message, in this order: its pictures, then its event. `wall` is UNIX seconds, now."""
    kind = received.declaration.event if received.declaration and received.declaration.event else received.name
    identity = event_id(subject.device_id, received)
    properties = (("event_id", identity), ("device_id", subject.device_id))
    happened, age = _when(received, subject.zone, wall)
    replay = age > rules.replay_after_s
    fields, pictures = _fields(received, subject, topics, rules, properties)
    event: dict[str, Any] = {
        "event_id": identity,
        "event_type": received.name if received.data is None else received.data.event_type(),
        "device_id": subject.device_id,
        "device_name": subject.name,
        "time": happened.isoformat(timespec="seconds"),
        "received_at": datetime.fromtimestamp(received.received_at, subject.zone).isoformat(timespec="milliseconds"),
        "sequence": received.sequence,
        "replay": replay,
        **({"age_s": round(age)} if replay else {}),
        **fields,
        "extra": {name: value for name, value in received.extra.items() if name not in rules.omit},
    }
    topic = topics.event(subject.device_id, kind, replay=replay)
    return [*pictures, Publication(topic, msgspec.json.encode(event), content_type=JSON, user_properties=properties)]


def _fields(
    received: Received, subject: Subject, topics: Topics, rules: EventRules, properties: tuple[tuple[str, str], ...]
) -> tuple[dict[str, Any], list[Publication]]:
    """The fields of the event's kind, pictures as what is said of them, and the pictures themselves."""
    declaration, data = received.declaration, received.data
    if declaration is None or data is None:
        return {}, []
    fields = msgspec.structs.asdict(data)
    pictures = []
    for picture in declaration.pictures:
        text = fields.pop(picture.attribute)
        if picture.event_field in rules.omit or (text is None and not picture.expected):
            continue
        depiction = depict(text, picture.event_field, topics.image(subject.device_id, picture.kind), rules.pictures, properties)
        fields |= depiction.fields
        pictures.append(depiction.publication)
    left_out = rules.omit | {declaration.time_field}
    return {name: value for name, value in fields.items() if name not in left_out}, [each for each in pictures if each]


def _when(received: Received, zone: tzinfo, wall: float) -> tuple[datetime, float]:
    """The record's own time, and its age in seconds."""
    field = received.declaration.time_field if received.declaration else None
    text = getattr(received.data, field) if field else None
    happened = parse_record_time(text, zone) if text else None
    if happened is None:
        return datetime.fromtimestamp(received.received_at, zone), max(0.0, wall - received.received_at)
    again = happened.replace(fold=1)  # the hour that comes twice in autumn: a record is not of the future
    if again.timestamp() <= wall + _CLOCK_TOLERANCE_S:
        happened = again
    return happened, age_s(happened.timestamp(), received.skew_s, wall)


def age_s(happened: float, skew_s: float | None, wall: float) -> float:
    """How old a record is, in seconds, when the terminal's clock was `skew_s` ahead of the site's at its last sync_time.

    The terminal has set its clock since, so a record may have been made by either clock; the one that makes it younger, but not of the
    future, is believed.
    """
    ages = [wall - happened, wall - (happened - (skew_s or 0.0))]
    return min((max(age, 0.0) for age in ages if age >= -_CLOCK_TOLERANCE_S), default=0.0)
