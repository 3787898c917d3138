"""A topic of the contract as the reference sees it: what the pages, the schemas and the AsyncAPI document are made from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import msgspec

from bridge.mqtt.message import Publication
from bridge.mqtt.topics import Topics
from bridge.reference.schema import Schema

BASE = "qyzn"
DEVICE = "0a9310e7acc298d3"
PLACES = Topics("{base}")
"""Topics with a parameter for the base topic, as in `{base}/bridge/state`."""
REAL = Topics(BASE)
"""Topics of the examples."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    """One topic, or one for each terminal. `key` is what its address ends with, and the path of its schema.

    `direction` is the bridge's: it publishes "out", and listens to "in". `schema` None: the payload is not JSON, and is described by
    `summary` alone. `values`: a payload of plain text that is one of these. `reply` is the key of the channel on which it is answered.
    """

    key: str
    address: str
    direction: Literal["in", "out"]
    summary: str
    title: str
    schema: Schema | None = None
    examples: tuple[Any, ...] = ()
    values: tuple[str, ...] = ()
    qos: int = 1
    retain: bool = False
    content_type: str | None = "application/json"
    reply: str | None = None
    correlated_by: str | None = None
    schema_key: str | None = None
    """Where the schema stands, if it is another channel's."""

    @property
    def schema_path(self) -> str:
        """The file of its schema, below docs/."""
        return f"schemas/{self.schema_key or self.key}.json"


def key_of(address: str) -> str:
    """What an address ends with, without the parameters of the base topic and the terminal."""
    return address.removeprefix("{base}/").removeprefix("{device}/")


def shown(address: str) -> str:
    """An address as people write it: `qyzn/<serial>/event/recognition`."""
    return address.replace("{base}", BASE).replace("{device}", "<serial>").replace("{", "<").replace("}", ">")


def said(publication: Publication) -> Any:
    """The JSON of what the bridge would publish."""
    return msgspec.json.decode(publication.payload)
