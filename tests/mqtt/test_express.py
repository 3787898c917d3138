from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from bridge.mqtt.express import FIRST_ID, LAST_ID, Identifiers, Incoming
from bridge.mqtt.happenings import Acknowledged
from bridge.mqtt.message import Publication
from bridge.mqtt.options import Protocol
from bridge.mqtt.packets import encode, publish_properties
from bridge.mqtt.packing import packed_properties
from tests.mqtt.fake_broker import PUBACK, PUBLISH, packet
from tests.mqtt.test_paho_client import CONNACK, Wire

REASON = Properties(PacketTypes.PUBACK)
REASON.ReasonString = "the list says no"
LONG_REASON = Properties(PacketTypes.PUBACK)
LONG_REASON.ReasonString = "no" * 100


def split(data: bytes, *cuts: int) -> tuple[list[Acknowledged], bytes]:
    """The PUBACKs, and what goes to paho, of a stream that comes in pieces."""
    incoming = Incoming()
    edges = [0, *sorted(cuts), len(data)]
    parts = [part for start, end in pairwise(edges) for part in incoming.split(data[start:end])]
    return [part for part in parts if isinstance(part, Acknowledged)], b"".join(part for part in parts if isinstance(part, bytes))


PUBACKS = {
    packet(PUBACK, b"\x10\x01"): Acknowledged(0x1001, None, ""),
    packet(PUBACK, b"\x10\x02\x00"): Acknowledged(0x1002, None, "Success"),
    packet(PUBACK, b"\x10\x03\x10\x00"): Acknowledged(0x1003, None, "No matching subscribers"),
    packet(PUBACK, b"\x10\x04\x87"): Acknowledged(0x1004, 0x87, "Not authorized"),
    packet(PUBACK, b"\x10\x05\x87" + REASON.pack()): Acknowledged(0x1005, 0x87, "Not authorized (the list says no)"),
    packet(PUBACK, b"\x10\x06\x87" + LONG_REASON.pack()): Acknowledged(0x1006, 0x87, f"Not authorized ({'no' * 100})"),
}
OTHERS = [packet(PUBLISH, b"\0\1a" + b"\x40\x02\x10\x01" * 50), packet(0xD0, b""), packet(PUBLISH, b"\0\1a"), packet(0xB0, b"\0\2\0\0")]


@given(st.lists(st.sampled_from([*PUBACKS, *OTHERS]), max_size=8), st.lists(st.integers(0, 300), max_size=6))
def test_pubacks_are_told_from_the_rest_however_they_are_split(packets: list[bytes], cuts: list[int]) -> None:
    data = b"".join(packets)
    acknowledged, others = split(data, *(min(cut, len(data)) for cut in cuts))
    assert acknowledged == [PUBACKS[each] for each in packets if each in PUBACKS]
    assert others == b"".join(each for each in packets if each not in PUBACKS)


@pytest.mark.parametrize(
    "rubbish",
    [
        b"\x40\x00",
        b"\x40\x01\0",
        b"\x40\x03\0\x01\x63",
        b"\x40\x04\0\x01\x87\x05",
        b"\x40\xff\xff\xff\xff\x01",
        b"\x40\xff\xff\xff\xff",
        packet(PUBACK, b"\x10\x01\x87\x02\x1f\0"),  # the length of a reason, cut off
        packet(PUBACK, b"\x10\x01\x87\x04\x1f\0\x01\xff"),  # a reason that is no UTF-8
        packet(PUBACK, b"\x10\x01\x10\x80"),  # the length of properties, cut off
    ],
)
def test_a_puback_that_is_none_is_left_to_paho(rubbish: bytes) -> None:
    assert split(rubbish + OTHERS[1]) == ([], rubbish + OTHERS[1])


def test_what_calls_itself_a_puback_and_has_no_end_is_not_kept_until_it_is_whole() -> None:
    beginning = b"\x40\xff\xff\xff\x7f" + bytes(1000)
    assert split(beginning) == ([], beginning)


@pytest.mark.parametrize("data", [b"\x40", b"\x40\x02\x10", b"\x30\x80", b"\x30"])
def test_nothing_is_said_of_a_beginning(data: bytes) -> None:
    assert split(data) == ([], b"")


def test_identifiers_in_flight_are_passed_over_and_those_of_paho_left_alone() -> None:
    identifiers = Identifiers()
    assert [identifiers.take() for _ in range(3)] == [FIRST_ID, FIRST_ID + 1, FIRST_ID + 2]
    identifiers.give_back(FIRST_ID)
    identifiers.give_back(FIRST_ID + 2)
    identifiers.give_back(FIRST_ID + 2)
    assert [identifiers.take() for _ in range(FIRST_ID + 3, LAST_ID + 1)][-1] == LAST_ID
    assert [identifiers.take(), identifiers.take()] == [FIRST_ID, FIRST_ID + 2]


text = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=200)
publications = st.builds(
    Publication,
    topic=text.map(lambda topic: "t" + topic.replace("+", "").replace("#", "")),
    payload=st.binary(max_size=300),
    qos=st.sampled_from([0, 1]),
    retain=st.booleans(),
    content_type=st.none() | text,
    user_properties=st.lists(st.tuples(text, text), max_size=3).map(tuple),
    response_topic=st.none() | st.just("answers/here"),
    correlation_data=st.none() | st.binary(max_size=40),
    expiry_s=st.none() | st.integers(0, 0xFFFF_FFFF),
)


@given(publications)
def test_properties_are_packed_as_paho_packs_them(publication: Publication) -> None:
    assert packed_properties(publication) == publish_properties(publication, PacketTypes.PUBLISH).pack()


@given(publications, st.sampled_from(["5", "3.1.1"]))
def test_a_packet_is_what_paho_would_send(publication: Publication, protocol: Protocol) -> None:
    wire = Wire(protocol)
    wire.client.loop_write()
    wire.feed(CONNACK[protocol])
    encoded = encode(publication, protocol)
    packet_id = wire.client.say_publish(encoded)
    wire.client.loop_write()
    assert encoded.packet(packet_id) == wire.written[-1]
    assert len(wire.written[-1]) == encoded.packet_bytes
