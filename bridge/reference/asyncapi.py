"""The AsyncAPI 3.0 document of every topic, from the bridge's point of view: it sends what it publishes, and receives what others do."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from bridge import __version__
from bridge.reference.channel import BASE, DEVICE, Channel
from bridge.reference.schema import embedded

Part = dict[str, Any]

_MQTT = {"bindingVersion": "0.2.0"}
_PARAMETERS: dict[str, Part] = {
    "base": {"description": "The base topic (base_topic of the configuration).", "default": BASE},
    "device": {
        "description": "A terminal's serial. In a command, all stands for every terminal that is connected.",
        "examples": [DEVICE],
    },
    "person": {"description": "The id of a person.", "examples": ["1001"]},
    "face": {"description": "The id that the face is to have.", "examples": ["f7"]},
    "message": {"description": "The name of a message that the catalogue does not know.", "examples": ["card_swiped"]},
}


def asyncapi_document(channels: Iterable[Channel]) -> Part:
    """The whole document."""
    listed = list(channels)
    schemas: dict[str, Part] = {}
    for channel in listed:
        schemas |= _schemas(channel)
    return {
        "asyncapi": "3.0.0",
        "info": _info(),
        "defaultContentType": "application/json",
        "servers": _servers(),
        "channels": {name_of(each): _channel(each) for each in listed},
        "operations": {f"{_action(each)}.{name_of(each)}": _operation(each) for each in listed},
        "components": {"schemas": schemas, "messages": {name_of(each): _message(each) for each in listed}},
    }


def name_of(channel: Channel) -> str:
    """A channel's name in the document: its key, with dots."""
    return channel.key.replace("/", ".")


def _action(channel: Channel) -> str:
    return "send" if channel.direction == "out" else "receive"


def _info() -> Part:
    return {
        "title": "qyzn-bridge",
        "version": __version__,
        "description": "QYZN face terminals on MQTT. Written from the bridge's point of view: it sends what others subscribe to (events, pictures,"
        " responses, states), and receives what others publish (commands, answers, changes, requests). Where the configuration names an instance,"
        " {base}/bridge is {base}/bridge/<instance>.",
        "license": {"name": "MIT"},
    }


def _servers() -> Part:
    description = "The broker that the configuration names (mqtt.url). MQTT 5, or 3.1.1 where the broker has no 5."
    broker = {"host": "{host}", "description": description, "variables": {"host": {"default": "127.0.0.1:1883"}}}
    return {
        "broker": {**broker, "protocol": "mqtt"},
        "broker_tls": {**broker, "protocol": "mqtts", "variables": {"host": {"default": "127.0.0.1:8883"}}},
    }


def _channel(channel: Channel) -> Part:
    names = [name for name in _PARAMETERS if f"{{{name}}}" in channel.address]
    name = name_of(channel)
    return {
        "address": channel.address,
        "title": channel.title,
        "description": channel.summary,
        "messages": {name: {"$ref": f"#/components/messages/{name}"}},
        "parameters": {each: _PARAMETERS[each] for each in names},
    }


def _operation(channel: Channel) -> Part:
    name = name_of(channel)
    operation: Part = {
        "action": _action(channel),
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": channel.summary,
        "messages": [{"$ref": f"#/channels/{name}/messages/{name}"}],
        "bindings": {"mqtt": {"qos": channel.qos, "retain": channel.retain, **_MQTT}},
    }
    if channel.reply:
        operation["reply"] = {"channel": {"$ref": f"#/channels/{channel.reply.replace('/', '.')}"}}
    return operation


def _message(channel: Channel) -> Part:
    message: Part = {
        "name": name_of(channel),
        "title": channel.title,
        "summary": channel.summary,
        "contentType": channel.content_type,
        "payload": _payload(channel),
        "bindings": {"mqtt": {"contentType": channel.content_type, **_MQTT}},
    }
    if channel.correlated_by:
        message["correlationId"] = {"location": f"$message.payload#/{channel.correlated_by}"}
    if channel.examples:
        message["examples"] = [{"payload": example} for example in channel.examples if isinstance(example, dict)]
    return {key: value for key, value in message.items() if value != []}


def _payload(channel: Channel) -> Part:
    if channel.values:
        return {"type": "string", "enum": list(channel.values)}
    if channel.schema is None:
        return {"type": "string", "format": "binary", "description": "raw bytes"}
    return {"$ref": f"#/components/schemas/{_schema_name(channel)}"}


def _schema_name(channel: Channel) -> str:
    return (channel.schema_key or channel.key).replace("/", ".")


def _schemas(channel: Channel) -> dict[str, Part]:
    """A channel's schema as components: itself, and what it refers to."""
    if channel.schema is None:
        return {}
    name = _schema_name(channel)
    schema, definitions = embedded(channel.schema, name)
    return {name: schema, **definitions}
