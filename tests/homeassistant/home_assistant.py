"""Home Assistant, as far as a discovery payload can tell: its abbreviations, the options it knows, and how it renders templates."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from jinja2 import StrictUndefined
from jinja2.sandbox import ImmutableSandboxedEnvironment

NOW = datetime(2026, 11, 24, 6, 25, 49, tzinfo=UTC)

LONG = {
    "atype": "automation_type", "avty": "availability", "avty_mode": "availability_mode", "cmd_t": "command_topic", "cmd_tpl": "command_template",
    "cmps": "components",
    "cont_type": "content_type", "def_ent_id": "default_entity_id", "dev": "device", "dev_cla": "device_class", "ent_cat": "entity_category",
    "evt_typ": "event_types", "exp_aft": "expire_after", "ic": "icon", "img_t": "image_topic", "o": "origin", "ops": "options",
    "p": "platform", "pl": "payload", "pl_off": "payload_off", "pl_on": "payload_on", "stat_cla": "state_class", "stat_off": "state_off",
    "stat_on": "state_on", "stat_t": "state_topic", "stype": "subtype", "t": "topic", "uniq_id": "unique_id",
    "unit_of_meas": "unit_of_measurement", "val_tpl": "value_template",
}  # fmt: skip
LONG_OF_DEVICE = {"ids": "identifiers", "mf": "manufacturer", "mdl": "model", "sn": "serial_number", "sw": "sw_version"}
"""Its abbreviations, as it spells them out."""

COMMON = {"platform", "unique_id", "default_entity_id", "name", "icon", "entity_category", "availability"}
COMMAND = {"command_topic", "command_template", "qos", "message_expiry_interval"}
STATE = {"state_topic", "value_template"}
OF_TRIGGER = {"automation_type", "topic", "type", "subtype", "payload", "value_template"}
SWITCHED = {"payload_on", "payload_off", "state_on", "state_off"}
# By platform: what there must be, and what there may be as well.
REQUIRED_AND_ALLOWED: dict[str, tuple[set[str], set[str]]] = {
    "event": ({"state_topic", "event_types"}, COMMON | STATE | {"device_class"}),
    "image": ({"image_topic"}, COMMON | {"content_type"}),
    "button": ({"command_topic"}, COMMON | COMMAND | {"device_class"}),
    "lock": ({"command_topic"}, COMMON | COMMAND | STATE),
    "sensor": ({"state_topic"}, COMMON | STATE | {"device_class", "unit_of_measurement", "state_class", "expire_after"}),
    "binary_sensor": ({"state_topic"}, COMMON | STATE | {"device_class", "payload_on", "payload_off"}),
    "number": ({"command_topic", "min", "max"}, COMMON | COMMAND | STATE | {"unit_of_measurement"}),
    "select": ({"command_topic", "options"}, COMMON | COMMAND | STATE),
    "switch": ({"command_topic"}, COMMON | COMMAND | STATE | SWITCHED),
    "text": ({"command_topic"}, COMMON | COMMAND | STATE | {"max"}),
    "device_automation": (OF_TRIGGER, {"platform", "unique_id"}),
    "tag": ({"topic"}, {"platform", "unique_id", "value_template"}),
}
OF_DEVICE = {"identifiers", "name", "manufacturer", "model", "sw_version", "serial_number", "via_device"}
"""An unknown key in `device` costs the whole device."""
ENTITIES = set(REQUIRED_AND_ALLOWED) - {"device_automation", "tag"}
ENTITY_ID = re.compile(r"(?!.+__)[a-z_]+\.(?!_)[\da-z_]+(?<!_)")


def read(payload: bytes) -> dict[str, Any]:
    """A discovery payload, spelled out."""
    said = _spelled_out(json.loads(payload), LONG)
    said["device"] = _spelled_out(said["device"], LONG_OF_DEVICE)
    said["availability"] = [_spelled_out(each, LONG) for each in said["availability"]]
    said["components"] = {key: _component(each) for key, each in said["components"].items()}
    return said


def _component(said: dict[str, Any]) -> dict[str, Any]:
    component = _spelled_out(said, LONG)
    if "availability" in component:
        component["availability"] = [_spelled_out(each, LONG) for each in component["availability"]]
    return component


def _spelled_out(said: dict[str, Any], long: dict[str, str]) -> dict[str, Any]:
    return {long.get(name, name): value for name, value in said.items()}


def complaints(said: dict[str, Any]) -> list[str]:
    """What Home Assistant would not like about a payload."""
    found = [f"{part} is missing" for part in ("device", "origin", "components", "availability", "availability_mode") if part not in said]
    found += [f"unknown in device: {name}" for name in set(said["device"]) - OF_DEVICE]
    for key, component in said["components"].items():
        found += [f"{key}: {complaint}" for complaint in _complaints(component)]
    for name in ("unique_id", "default_entity_id", "name"):
        values = [each[name] for each in said["components"].values() if name in each]
        found += [f"two have the {name} {value}" for value in set(values) if values.count(value) > 1]
    return found


def _complaints(component: dict[str, Any]) -> list[str]:
    platform = component["platform"]
    required, allowed = REQUIRED_AND_ALLOWED[platform]
    wanted = required | ({"name", "unique_id", "default_entity_id"} if platform in ENTITIES else {"unique_id"})
    found = [f"{name} is missing" for name in wanted - set(component)]
    found += [f"{name} is unknown" for name in set(component) - required - allowed]
    entity_id = component.get("default_entity_id", f"{platform}.none")
    if not ENTITY_ID.fullmatch(entity_id) or not entity_id.startswith(f"{platform}."):
        found.append(f"{entity_id} is no entity id of a {platform}")
    if component.get("entity_category") == "config" and platform in ("sensor", "binary_sensor", "event", "image"):
        found.append(f"a {platform} cannot be of the category config")
    if component.get("device_class") == "doorbell" and "ring" not in component["event_types"]:
        found.append("a doorbell must list ring")
    return found


def rendered(template: str, payload: bytes) -> str:
    """A value template over a payload. Raises where Home Assistant would log a warning or an error."""
    known: dict[str, Any] = {"value": payload.decode()}
    with suppress(ValueError):
        known["value_json"] = json.loads(payload)
    return _environment().from_string(template).render(known)


def commanded(template: str, value: Any) -> str:
    """A command template, for what a user entered."""
    return _environment().from_string(template).render(value=value)


def _environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    environment.filters["to_json"] = lambda value: json.dumps(value, ensure_ascii=False)
    environment.tests["search"] = lambda value, find: re.search(find, value) is not None
    environment.globals["now"] = lambda: NOW
    return environment
