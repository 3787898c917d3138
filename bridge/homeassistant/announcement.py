"""A device as its discovery payload, and back: what an older payload on the broker had."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import Struct

from bridge import __version__
from bridge.homeassistant.component import Component, Device, slug

ORIGIN = "qyzn-bridge"

SHORT = {
    "automation_type": "atype",
    "availability": "avty",
    "command_template": "cmd_tpl",
    "command_topic": "cmd_t",
    "content_type": "cont_type",
    "device_class": "dev_cla",
    "entity_category": "ent_cat",
    "event_types": "evt_typ",
    "expire_after": "exp_aft",
    "icon": "ic",
    "image_topic": "img_t",
    "manufacturer": "mf",
    "model": "mdl",
    "options": "ops",
    "payload": "pl",
    "payload_off": "pl_off",
    "payload_on": "pl_on",
    "serial_number": "sn",
    "state_class": "stat_cla",
    "state_off": "stat_off",
    "state_on": "stat_on",
    "state_topic": "stat_t",
    "subtype": "stype",
    "sw_version": "sw",
    "topic": "t",
    "unit_of_measurement": "unit_of_meas",
    "value_template": "val_tpl",
}
"""Home Assistant's own abbreviations: a payload has to pass brokers that take 20 kB, and is kept for each terminal."""

_encode = msgspec.json.Encoder().encode


def announcement(device: Device, gone: Mapping[str, str]) -> bytes:
    """The discovery payload. `gone` are components that it had before, by key, with their platforms: leaving one out does not remove it."""
    return _encode(
        {
            "dev": {"ids": [device.id], "name": device.name, **_shortened(device.about)},
            "o": {"name": ORIGIN, "sw": __version__},
            "avty": [{"t": topic} for topic in device.availability],
            "avty_mode": "all",
            "cmps": {
                **{each.key: _component(device, each) for each in device.components},
                **{key: {"p": platform} for key, platform in gone.items()},
            },
        }
    )


def _component(device: Device, component: Component) -> dict[str, Any]:
    options = _shortened(component.options)
    options["p"] = component.platform
    options["uniq_id"] = f"{device.id}_{component.key}"
    if component.called:
        options["def_ent_id"] = f"{component.platform}.{slug(device.id)}_{component.called}"
    return options


def _shortened(options: Mapping[str, Any]) -> dict[str, Any]:
    return {SHORT.get(name, name): _nested(value) for name, value in options.items()}


def _nested(value: Any) -> Any:
    return [_shortened(each) if isinstance(each, Mapping) else each for each in value] if isinstance(value, list) else value


class _Origin(Struct):
    name: str


class _Topic(Struct):
    t: str


class _Component(Struct):
    p: str
    uniq_id: str | None = None


class _Payload(Struct):
    o: _Origin
    avty: Annotated[list[_Topic], msgspec.Meta(min_length=1)]
    cmps: dict[str, _Component]


@dataclass(frozen=True, slots=True)
class Announced:
    """What a discovery payload of a bridge's said: the topic of that bridge's state, and the components, by key, with their platforms."""

    bridge_state: str
    components: Mapping[str, str]


def announced(payload: bytes) -> Announced | None:
    """Read a discovery payload; None for one that is not of a bridge like this."""
    try:
        said = msgspec.json.decode(payload, type=_Payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    if said.o.name != ORIGIN:
        return None
    return Announced(said.avty[0].t, {key: each.p for key, each in said.cmps.items() if each.uniq_id is not None})
