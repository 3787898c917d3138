"""A terminal as a device of Home Assistant's: what happens there, what it can do, how it is, and its settings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from bridge.catalogue import REPORTS
from bridge.homeassistant import templates
from bridge.homeassistant.bridge import bridge_id
from bridge.homeassistant.component import Component, Device, available_with, entity
from bridge.homeassistant.offer import Offer
from bridge.homeassistant.settings import settings
from bridge.mqtt.topics import Topics

MANUFACTURER = "QYZN"
TEMPERATURE_S = 300
"""A body temperature says something of whoever stood there just now, and nothing of anybody later."""
SNAPSHOT_S = 5
"""How long the terminal may look for a good face."""
AT_LEAST_ONCE = 1
"""The QoS of commands."""

_PREFIX = "qyzn_"
_ICONS = {"recognition": "mdi:face-recognition", "qrcode": "mdi:qrcode-scan", "open_door": "mdi:door-open", "snapshot": "mdi:camera"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Terminal:
    """What is known of a terminal; `groups` are the configuration groups that it has."""

    serial: str
    name: str
    model: str = ""
    firmware: str = ""
    groups: frozenset[str] = frozenset()


def terminal_id(serial: str) -> str:
    """Its discovery id, with which the ids of its entities begin."""
    return f"{_PREFIX}{serial}"


def serial_of(discovery_id: str) -> str | None:
    """The serial in a terminal's discovery id; None where it is no terminal's."""
    return discovery_id.removeprefix(_PREFIX) if discovery_id.startswith(_PREFIX) else None


def terminal_device(terminal: Terminal, topics: Topics, offer: Offer) -> Device:
    """The device and everything it has."""
    serial = terminal.serial
    about = {
        "manufacturer": MANUFACTURER,
        "model": terminal.model,
        "sw_version": terminal.firmware,
        "serial_number": serial,
        "via_device": bridge_id(topics),
    }
    return Device(
        id=terminal_id(serial),
        name=terminal.name,
        about={name: value for name, value in about.items() if value},
        availability=(topics.state, topics.availability(serial)),
        components=tuple(_components(terminal, topics, offer)),
    )


def _components(terminal: Terminal, topics: Topics, offer: Offer) -> Iterator[Component]:
    serial = terminal.serial
    yield from _events(serial, topics, offer)
    if offer.pictures:
        yield from _images(serial, topics, offer)
    yield from _commands(serial, topics, offer)
    yield from _condition(serial, topics, offer)
    yield from _triggers(serial, topics, offer)
    if offer.tags:
        yield from _tags(serial, topics, offer)
    if "config_system" not in offer.deny:
        yield from settings(serial, terminal.groups, topics, offer.language)


def _kinds(offer: Offer) -> dict[str, str]:
    """The kinds of events that become entities, and what each is called here."""
    return {**({"call": "doorbell"} if offer.doorbell else {}), "recognition": "recognition", "qrcode": "qrcode"}


def event_types(kind: str) -> list[str]:
    """Every type that events of a kind may have."""
    return list(dict.fromkeys(each for report in REPORTS.values() if report.event == kind for each in report.data.event_types))


def _events(serial: str, topics: Topics, offer: Offer) -> Iterator[Component]:
    for kind, key in _kinds(offer).items():
        yield entity(
            "event",
            key,
            offer.language,
            state_topic=topics.event(serial, kind),
            event_types=event_types(kind),
            device_class="doorbell" if key == "doorbell" else None,
            icon=_ICONS.get(key),
            value_template=templates.without_base64() if offer.inline else None,
        )


def _images(serial: str, topics: Topics, offer: Offer) -> Iterator[Component]:
    """The last picture of each kind. Its state is when Home Assistant got it, which for a retained picture is at each restart, too."""
    of_events = [kind for kind in ("recognition", "call") if kind in _kinds(offer) and "image" not in offer.omit]
    for kind in (*of_events, *(["snapshot"] if "snapshot_picture" not in offer.deny else [])):
        yield entity("image", f"{kind}_image", offer.language, image_topic=topics.image(serial, kind), content_type="image/jpeg")


def _commands(serial: str, topics: Topics, offer: Offer) -> Iterator[Component]:
    """Buttons, and the lock; none for a command that is denied."""
    open_door = {**_command(serial, "open_door", topics), "command_template": templates.command()}
    take = {**_command(serial, "snapshot_picture", topics), "command_template": templates.command({"timeoutSeconds": SNAPSHOT_S})}
    restart = {**_command(serial, "device_restart", topics), "command_template": templates.command()}
    buttons = {
        "open_door": entity("button", "open_door", offer.language, icon=_ICONS["open_door"], **open_door),
        "snapshot_picture": entity("button", "snapshot", offer.language, icon=_ICONS["snapshot"], **take),
        "device_restart": entity("button", "restart", offer.language, device_class="restart", entity_category="config", **restart),
    }
    yield from (button for name, button in buttons.items() if name not in offer.deny)
    if offer.lock and "open_door" not in offer.deny:
        yield _lock(serial, topics, offer)


def _command(serial: str, name: str, topics: Topics) -> dict[str, object]:
    """The message expiry has the broker drop a command that it cannot deliver in time; Home Assistant knows that option since the middle
    of 2026, and before that drops it as long as it stands in a component."""
    return {
        "command_topic": topics.command(serial, name),
        "qos": AT_LEAST_ONCE,
        "message_expiry_interval": templates.COMMAND_TTL_S,
    }


def _lock(serial: str, topics: Topics, offer: Offer) -> Component:
    """Always shown locked: it says nothing of the door, and can be unlocked for a moment."""
    return entity(
        "lock",
        "lock",
        offer.language,
        state_topic=topics.availability(serial),
        value_template="LOCKED",
        **_command(serial, "open_door", topics),
        command_template=templates.unlock(),
    )


def _condition(serial: str, topics: Topics, offer: Offer) -> Iterator[Component]:
    """How the terminal is; shown also while it is away."""
    info = {"state_topic": topics.device_info(serial), "availability": available_with(topics.state), "entity_category": "diagnostic"}
    language = offer.language
    yield entity(
        "binary_sensor",
        "connection",
        language,
        device_class="connectivity",
        payload_on="online",
        payload_off="offline",
        **{**info, "state_topic": topics.availability(serial)},
    )
    yield entity("sensor", "last_seen", language, device_class="timestamp", value_template=templates.field("last_seen"), **info)
    yield entity("sensor", "firmware", language, icon="mdi:tag", value_template=templates.field("firmware"), **info)
    yield entity("sensor", "address", language, icon="mdi:ip-network", value_template=templates.field("address"), **info)
    if "sync_person" not in offer.deny:
        yield _people(serial, topics, offer)
    if offer.body_temperature and "body_temperature" not in offer.omit:
        yield _body_temperature(serial, topics, offer)


def _people(serial: str, topics: Topics, offer: Offer) -> Component:
    """How many people it knows; unavailable while it is away, when nobody knows. No button asks for the number: the terminal would report
    each of them, pictures and all."""
    return entity(
        "sensor",
        "people",
        offer.language,
        icon="mdi:account-group",
        entity_category="diagnostic",
        state_class="measurement",
        state_topic=topics.device_info(serial),
        value_template=templates.field("person_count"),
    )


def _body_temperature(serial: str, topics: Topics, offer: Offer) -> Component:
    return entity(
        "sensor",
        "body_temperature",
        offer.language,
        device_class="temperature",
        unit_of_measurement="°C",
        state_class="measurement",
        expire_after=TEMPERATURE_S,
        state_topic=topics.event(serial, "recognition"),
        value_template=templates.field("body_temperature"),
    )


def _triggers(serial: str, topics: Topics, offer: Offer) -> Iterator[Component]:
    """What an automation of the device can start with: a ring, and each type of recognition."""
    for kind, key in _kinds(offer).items():
        types = {"call": ["ring"], "recognition": event_types(kind)}.get(kind, [])
        for each in types:
            options = {
                "automation_type": "trigger",
                "topic": topics.event(serial, kind),
                "type": each,
                "subtype": key,
                "payload": each,
                "value_template": templates.field("event_type"),
            }
            yield Component("device_automation", f"trigger_{kind}_{each}", options, "")


def _tags(serial: str, topics: Topics, offer: Offer) -> Iterator[Component]:
    for kind, field in (("recognition", "card_number"), ("qrcode", "content")):
        if field not in offer.omit:
            options = {"topic": topics.event(serial, kind), "value_template": templates.or_nothing(field)}
            yield Component("tag", f"tag_{kind}", options, "")
