"""The bridge as a device of Home Assistant's, of which the terminals' devices hang."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from bridge import __version__
from bridge.config.values import DEFAULT_BASE
from bridge.homeassistant import templates
from bridge.homeassistant.component import Component, Device, available_with, entity
from bridge.homeassistant.offer import Offer
from bridge.homeassistant.words import word
from bridge.mqtt.topics import Topics

DEFAULT_ID = "qyzn_bridge"
"""No terminal can have this id: its serial would be "bridge"."""
PERMIT_JOIN_S = 120
"""How long new terminals are let in: time to switch one on, and not more."""


def bridge_id(topics: Topics) -> str:
    """The bridge's discovery id. Several bridges on one broker have different ones, and none has a terminal's."""
    if topics.bridge == Topics(DEFAULT_BASE).bridge:
        return DEFAULT_ID
    return f"qyznbridge_{hashlib.sha256(topics.bridge.encode()).hexdigest()[:10]}"


def bridge_device(topics: Topics, offer: Offer) -> Device:
    """The device and everything it has."""
    beside = (each for each in (topics.base, topics.instance) if each not in ("", DEFAULT_BASE))
    return Device(
        id=bridge_id(topics),
        name=" ".join((word("bridge", offer.language), *beside)),
        about={"manufacturer": "qyzn-bridge", "model": "qyzn-bridge", "sw_version": __version__},
        availability=(topics.state,),
        components=tuple(_components(topics, offer)),
    )


def _components(topics: Topics, offer: Offer) -> Iterator[Component]:
    language = offer.language
    yield entity(
        "binary_sensor",
        "connection",
        language,
        device_class="connectivity",
        entity_category="diagnostic",
        state_topic=topics.state,
        payload_on="online",
        payload_off="offline",
        availability=[{**each, "payload_not_available": "never"} for each in available_with(topics.state)],
    )
    counted = {"state_topic": topics.devices, "state_class": "measurement", "entity_category": "diagnostic"}
    online, pending = templates.count_where("online", True), templates.count_where("status", "pending")
    yield entity("sensor", "terminals_online", language, icon="mdi:door", value_template=online, **counted)
    yield entity("sensor", "terminals_pending", language, icon="mdi:account-question", value_template=pending, **counted)
    yield entity(
        "sensor",
        "outbox",
        language,
        icon="mdi:tray-full",
        entity_category="diagnostic",
        state_topic=topics.health,
        state_class="measurement",
        value_template=templates.within("outbox", "events"),
    )
    yield entity(
        "sensor",
        "version",
        language,
        icon="mdi:tag",
        entity_category="diagnostic",
        state_topic=topics.info,
        value_template=templates.field("version"),
    )
    if offer.may_join:
        yield _permit_join(topics, offer)


def _permit_join(topics: Topics, offer: Offer) -> Component:
    return entity(
        "switch",
        "permit_join",
        offer.language,
        icon="mdi:account-plus",
        entity_category="config",
        command_topic=topics.bridge_request("permit_join"),
        payload_on=f'{{"time": {PERMIT_JOIN_S}}}',
        payload_off='{"time": 0}',
        state_topic=topics.info,
        state_on="ON",
        state_off="OFF",
        value_template=templates.switch_within("permit_join", "open"),
    )
