"""Between the bridge's values and paho's: properties, the size of a PUBLISH packet, messages and limits."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from bridge.errors import Invalid
from bridge.mqtt.message import BrokerLimits, Message, Publication, Subscription
from bridge.mqtt.options import Protocol

LONGEST_STRING_BYTES: Final = 0xFFFF  # MQTT 5, 1.5.4: a string's length has two bytes
LONGEST_EXPIRY_S: Final = 0xFFFF_FFFF  # MQTT 5, 3.3.2.3.3: four bytes
LARGEST_REMAINING_BYTES: Final = 268_435_455  # MQTT 5, 1.5.5: four bytes of seven bits
LONGEST_IN_ERROR: Final = 80  # characters of a wrong string that an error repeats


@dataclass(frozen=True, slots=True)
class PackedProperties:
    """Properties as bytes. paho asks for `pack()` and nothing else, so they are packed once, for the size and for the packet."""

    data: bytes

    def pack(self) -> bytes:
        return self.data


@dataclass(frozen=True, slots=True)
class Encoded:
    """A publication that is known to fit into a packet of `packet_bytes`; `properties` None on 3.1.1."""

    publication: Publication
    properties: PackedProperties | None
    packet_bytes: int


def encode(publication: Publication, protocol: Protocol) -> Encoded:
    """Check a publication and work out its packet. Invalid names the field that cannot be sent."""
    if publication.qos not in (0, 1):
        raise Invalid("qos", "0 or 1", str(publication.qos))
    topic_bytes = check_topic("topic", publication.topic)
    remaining = 2 + topic_bytes + (2 if publication.qos else 0) + len(publication.payload)
    properties = None
    if protocol == "5":
        properties = PackedProperties(publish_properties(publication, PacketTypes.PUBLISH).pack())
        remaining += len(properties.data)
    if remaining > LARGEST_REMAINING_BYTES:
        raise Invalid("payload", f"at most {LARGEST_REMAINING_BYTES} bytes with its topic and properties", f"{remaining} bytes")
    return Encoded(publication, properties, 1 + _length_bytes(remaining) + remaining)


def publish_properties(publication: Publication, packet_type: int) -> Properties:
    """The MQTT 5 properties of a publication, or of a will. Invalid names the field that cannot be sent."""
    properties = Properties(packet_type)
    if publication.content_type is not None:
        check_text("content_type", publication.content_type)
        properties.ContentType = publication.content_type
    if publication.response_topic is not None:
        check_topic("response_topic", publication.response_topic)
        properties.ResponseTopic = publication.response_topic
    if publication.correlation_data is not None:
        if len(publication.correlation_data) > LONGEST_STRING_BYTES:
            raise Invalid("correlation_data", f"at most {LONGEST_STRING_BYTES} bytes", f"{len(publication.correlation_data)} bytes")
        properties.CorrelationData = publication.correlation_data
    if publication.expiry_s is not None:
        if not 0 <= publication.expiry_s <= LONGEST_EXPIRY_S:
            raise Invalid("expiry_s", f"0 to {LONGEST_EXPIRY_S}", str(publication.expiry_s))
        properties.MessageExpiryInterval = publication.expiry_s
    for key, value in publication.user_properties:
        check_text("user_properties", key)
        check_text("user_properties", value)
        properties.UserProperty = (key, value)
    return properties


def check_topic(path: str, topic: str) -> int:
    """Return the topic's length in bytes. Invalid when nobody may publish to it (MQTT 5, 4.7)."""
    if not topic or "+" in topic or "#" in topic:
        raise Invalid(path, "a topic without wildcards, not empty", repr(topic[:LONGEST_IN_ERROR]))
    return check_text(path, topic)


def check_text(path: str, text: str) -> int:
    """Return the text's length in bytes. Invalid when it is no MQTT string (MQTT 5, 1.5.4): a broker would close the connection."""
    try:
        length = len(text.encode())
    except UnicodeEncodeError:
        length = -1
    if length < 0 or length > LONGEST_STRING_BYTES or "\0" in text:
        raise Invalid(path, f"at most {LONGEST_STRING_BYTES} bytes of UTF-8 without U+0000", ascii(text[:LONGEST_IN_ERROR]))
    return length


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


def _length_bytes(remaining: int) -> Literal[1, 2, 3, 4]:
    """How many bytes the remaining length takes (MQTT 5, 1.5.5)."""
    if remaining < 1 << 7:
        return 1
    if remaining < 1 << 14:
        return 2
    return 3 if remaining < 1 << 21 else 4
