from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from paho.mqtt.client import MQTTMessage
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from bridge.errors import Invalid
from bridge.mqtt.message import BrokerLimits, Message, Publication, Subscription
from bridge.mqtt.options import Protocol
from bridge.mqtt.packets import encode, limits_from, message_from, publish_properties, subscribe_topics

PLAIN = Publication("a/b", b"payload")
FULL = Publication(
    "a/b",
    b"payload",
    content_type="image/jpeg",
    user_properties=(("event_id", "1"), ("event_id", "2")),
    response_topic="answers/here",
    correlation_data=b"\0\xff",
    expiry_s=10,
)


def test_the_size_of_a_packet() -> None:
    assert encode(PLAIN, "3.1.1").packet_bytes == 2 + 2 + 3 + 2 + 7
    assert encode(replace(PLAIN, qos=0), "3.1.1").packet_bytes == 2 + 2 + 3 + 7
    assert encode(PLAIN, "5").packet_bytes == 2 + 2 + 3 + 2 + 1 + 7


@pytest.mark.parametrize(("payload_bytes", "length_bytes"), [(112, 1), (113, 2), (16_368, 2), (16_369, 3), (2_097_136, 3), (2_097_137, 4)])
def test_the_length_takes_one_to_four_bytes(payload_bytes: int, length_bytes: int) -> None:
    publication = Publication("t" * 11, bytes(payload_bytes))
    assert encode(publication, "3.1.1").packet_bytes == 1 + length_bytes + 2 + 11 + 2 + payload_bytes


def test_3_1_1_has_no_properties() -> None:
    assert encode(FULL, "3.1.1").properties is None
    assert encode(FULL, "3.1.1").packet_bytes == encode(PLAIN, "3.1.1").packet_bytes


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("topic", {"topic": ""}),
        ("topic", {"topic": "a/+/b"}),
        ("topic", {"topic": "a/#"}),
        ("topic", {"topic": "a\0b"}),
        ("topic", {"topic": "\ud800"}),
        ("topic", {"topic": "ü" * 32_768}),
        ("qos", {"qos": 2}),
        ("payload", {"payload": bytes(268_435_456)}),
    ],
)
def test_what_no_packet_can_say(protocol: Protocol, field: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        encode(replace(PLAIN, **wrong), protocol)
    assert caught.value.path == field


@pytest.mark.parametrize(
    ("field", "wrong"),
    [
        ("response_topic", {"response_topic": "answers/#"}),
        ("response_topic", {"response_topic": ""}),
        ("content_type", {"content_type": "\udfff"}),
        ("content_type", {"content_type": "x" * 65_536}),
        ("user_properties", {"user_properties": (("a", "\0"),)}),
        ("correlation_data", {"correlation_data": bytes(65_536)}),
        ("expiry_s", {"expiry_s": -1}),
        ("expiry_s", {"expiry_s": 1 << 32}),
    ],
)
def test_what_no_property_can_say(field: str, wrong: dict[str, Any]) -> None:
    with pytest.raises(Invalid) as caught:
        encode(replace(PLAIN, **wrong), "5")
    assert caught.value.path == field


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)


@given(text, st.lists(st.tuples(text, text), max_size=3), st.binary(max_size=40), st.integers(0, 0xFFFF_FFFF))
def test_properties_arrive_as_they_were_sent(kind: str, pairs: list[tuple[str, str]], correlation: bytes, expiry_s: int) -> None:
    sent = replace(FULL, content_type=kind, user_properties=tuple(pairs), correlation_data=correlation, expiry_s=expiry_s)
    received = MQTTMessage(1, b"a/b")
    received.payload, received.qos, received.retain = sent.payload, 1, True
    received.properties = Properties(PacketTypes.PUBLISH)
    received.properties.unpack(publish_properties(sent, PacketTypes.PUBLISH).pack())
    assert message_from(received) == Message("a/b", b"payload", 1, True, kind, tuple(pairs), "answers/here", correlation, expiry_s)


def test_a_message_of_3_1_1_has_no_properties() -> None:
    received = MQTTMessage(1, "a/ü".encode())
    received.payload = b"payload"
    assert message_from(received) == Message("a/ü", b"payload")


@pytest.mark.parametrize("topic", [b"", b"a/\xff"])
def test_a_topic_that_is_none(topic: bytes) -> None:
    assert message_from(MQTTMessage(1, topic)) is None


def test_limits_that_a_broker_gives() -> None:
    properties = Properties(PacketTypes.CONNACK)
    properties.ReceiveMaximum, properties.MaximumPacketSize, properties.RetainAvailable = 20, 1000, 0
    properties.MaximumQoS, properties.ServerKeepAlive = 1, 30
    assert limits_from("5", 60, properties) == BrokerLimits("5", 20, 1000, False, 1, 30)


def test_limits_that_it_leaves_out() -> None:
    assert limits_from("5", 60, Properties(PacketTypes.CONNACK)) == BrokerLimits("5", 65_535, None, True, 2, 60)
    assert limits_from("3.1.1", 45, None) == BrokerLimits("3.1.1", 65_535, None, True, 2, 45)


def test_subscriptions() -> None:
    subscriptions = (Subscription("a/#", qos=1), Subscription("b", qos=0, retain_as_published=False, retain_handling=0, no_local=True))
    assert subscribe_topics(subscriptions, "3.1.1") == [("a/#", 1), ("b", 0)]
    assert [options.pack() for _, options in subscribe_topics(subscriptions, "5")] == [b"\x29", b"\x04"]
