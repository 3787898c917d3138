"""What a connection to the broker has to tell, as values, and how it introduces itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct

from bridge.mqtt.message import BrokerLimits, Message, Publication, Subscription
from bridge.mqtt.options import Protocol


@dataclass(frozen=True, slots=True)
class Accepted:
    """A CONNACK that says yes."""

    limits: BrokerLimits


@dataclass(frozen=True, slots=True)
class Refused:
    """A CONNACK, or a SUBACK, that says no. `code` is a reason code of MQTT 5; paho translates those of 3.1.1."""

    code: int
    reason: str


@dataclass(frozen=True, slots=True)
class Subscribed:
    """A SUBACK for every subscription; `refusals` are about those that may be refused."""

    refusals: tuple[str, ...] = ()


class Acknowledged(Struct, frozen=True, gc=False):
    """A PUBACK, or for QoS 0 the packet written. `failure_code` None is success; 0x10 (nobody subscribes) is success too."""

    packet_id: int
    failure_code: int | None
    reason: str


class Arrived(Struct, frozen=True):
    """A PUBLISH; None when its topic is not one."""

    message: Message | None


@dataclass(frozen=True, slots=True)
class Disconnected:
    """The broker sent DISCONNECT with a code, or paho gave up (`code` None)."""

    code: int | None
    reason: str


Happening = Accepted | Refused | Subscribed | Acknowledged | Arrived | Disconnected


@dataclass(frozen=True, slots=True)
class Introduction:
    """What CONNECT and SUBSCRIBE say."""

    protocol: Protocol
    client_id: str
    keepalive_s: int
    username: str | None
    password: str | None = field(repr=False)
    will: Publication
    subscriptions: tuple[Subscription, ...]
