"""Between the bridge's values, MQTT's packets and paho's values: publications, messages and limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from paho.mqtt.client import MQTTMessage
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

from bridge.errors import Invalid
from bridge.mqtt.message import BrokerLimits, Message, Publication, Subscription
from bridge.mqtt.options import Protocol
from bridge.mqtt.packing import LARGEST_REMAINING_BYTES, PUBLISH, packed_length, packed_properties, packed_topic
from bridge.values import Value


@dataclass(frozen=True, slots=True)
class PackedProperties:
    """Properties as bytes, where paho asks for `pack()` and nothing else."""

    data: bytes

    def pack(self) -> bytes:
        return self.data


class Encoded(Value, frozen=True):
    """A publication that is known to fit into a packet of `packet_bytes`. `head` is what stands before the packet identifier; `properties`
    None on 3.1.1."""

    publication: Publication
    head: bytes
    properties: bytes | None
    packet_bytes: int

    def packet(self, packet_id: int) -> bytes:
        """The PUBLISH (MQTT 5, 3.3). The identifier is left out at QoS 0."""
        identifier = packet_id.to_bytes(2, "big") if self.publication.qos else b""
        return b"".join((self.head, identifier, self.properties or b"", self.publication.payload))


def encode(publication: Publication, protocol: Protocol) -> Encoded:
    """Check a publication and work out its packet. Invalid names the field that cannot be sent."""
    if publication.qos not in (0, 1):
        raise Invalid("qos", "0 or 1", str(publication.qos))
    topic = packed_topic("topic", publication.topic)
    properties = packed_properties(publication) if protocol == "5" else None
    remaining = len(topic) + (2 if publication.qos else 0) + len(properties or b"") + len(publication.payload)
    if remaining > LARGEST_REMAINING_BYTES:
        raise Invalid("payload", f"at most {LARGEST_REMAINING_BYTES} bytes with its topic and properties", f"{remaining} bytes")
    start = bytes((PUBLISH | publication.qos << 1 | publication.retain,)) + packed_length(remaining)
    return Encoded(publication, start + topic, properties, len(start) + remaining)


def publish_properties(publication: Publication, packet_type: int) -> Properties:
    """The properties of a publication as paho has them, for what is left to paho: the will, above all. Nothing is checked: what is
    published, and the will, have been encoded."""
    properties = Properties(packet_type)
    if publication.content_type is not None:
        properties.ContentType = publication.content_type
    if publication.response_topic is not None:
        properties.ResponseTopic = publication.response_topic
    if publication.correlation_data is not None:
        properties.CorrelationData = publication.correlation_data
    if publication.expiry_s is not None:
        properties.MessageExpiryInterval = publication.expiry_s
    for pair in publication.user_properties:
        properties.UserProperty = pair
    return properties


def message_from(received: MQTTMessage) -> Message | None:
    """What arrived, as a value; None when its topic is not one (no UTF-8, or empty)."""
    try:
        topic = received.topic
    except UnicodeDecodeError:
        return None
    if not topic:
        return None
    properties = received.properties
    return Message(
        topic=topic,
        payload=bytes(received.payload),
        qos=received.qos,
        retain=bool(received.retain),
        content_type=getattr(properties, "ContentType", None),
        user_properties=tuple(getattr(properties, "UserProperty", ())),
        response_topic=getattr(properties, "ResponseTopic", None),
        correlation_data=getattr(properties, "CorrelationData", None),
        expiry_s=getattr(properties, "MessageExpiryInterval", None),
    )


def limits_from(protocol: Protocol, keepalive_s: int, properties: Properties | None) -> BrokerLimits:
    """The limits in a CONNACK (MQTT 5, 3.2.2.3). What it leaves out, and 3.1.1 cannot say, has the standard's default."""
    return BrokerLimits(
        protocol=protocol,
        receive_maximum=getattr(properties, "ReceiveMaximum", 65_535),
        maximum_packet_bytes=getattr(properties, "MaximumPacketSize", None),
        retain_available=bool(getattr(properties, "RetainAvailable", 1)),
        maximum_qos=getattr(properties, "MaximumQoS", 2),
        keepalive_s=getattr(properties, "ServerKeepAlive", keepalive_s),
    )


def subscribe_topics(subscriptions: tuple[Subscription, ...], protocol: Protocol) -> list[tuple[str, Any]]:
    """What paho's `subscribe` takes: options on MQTT 5, the QoS alone on 3.1.1."""
    if protocol == "3.1.1":
        return [(each.topic_filter, each.qos) for each in subscriptions]
    return [(each.topic_filter, _subscribe_options(each)) for each in subscriptions]


def _subscribe_options(subscription: Subscription) -> SubscribeOptions:
    return SubscribeOptions(
        qos=subscription.qos,
        noLocal=subscription.no_local,
        retainAsPublished=subscription.retain_as_published,
        retainHandling=subscription.retain_handling,
    )


def reason_in_words(code: ReasonCode, properties: Properties | None) -> str:
    """The code's name, and what the broker adds to it."""
    name = code.getName()
    text = getattr(properties, "ReasonString", None)
    return f"{name} ({text})" if text else name
