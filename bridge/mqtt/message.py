"""What goes out and what comes in, as values: no paho, no Twisted. Those that each event makes are msgspec's, at a tenth of the time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from msgspec import Struct


class Publication(Struct, frozen=True, gc=False):
    """A message to publish. `expiry_s` is the message expiry interval; the MQTT 5 properties are left out on 3.1.1."""

    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
    content_type: str | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    response_topic: str | None = None
    correlation_data: bytes | None = None
    expiry_s: int | None = None


class Message(Struct, frozen=True, gc=False):
    """A message that came from the broker; `expiry_s` is what was left of its message expiry interval on arrival."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    content_type: str | None = None
    user_properties: tuple[tuple[str, str], ...] = ()
    response_topic: str | None = None
    correlation_data: bytes | None = None
    expiry_s: int | None = None


@dataclass(frozen=True, slots=True)
class Subscription:
    """What to ask the broker for. Retain handling 2 and retain-as-published keep retained commands out, or at least known as such.

    Without one that is `needed` the bridge is of no use; one that is not may be refused.
    """

    topic_filter: str
    qos: int = 1
    retain_as_published: bool = True
    retain_handling: int = 2
    no_local: bool = False
    needed: bool = True


@dataclass(frozen=True, slots=True)
class BrokerLimits:
    """What the broker's CONNACK lets the bridge do. `maximum_packet_bytes` None: no limit was given."""

    protocol: Literal["5", "3.1.1"]
    receive_maximum: int = 65_535
    maximum_packet_bytes: int | None = None
    retain_available: bool = True
    maximum_qos: int = 2
    keepalive_s: int = 60
