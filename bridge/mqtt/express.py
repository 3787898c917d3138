"""What there is thousands of in a second, without paho: PUBLISH at QoS 1 on its way out, and its PUBACK on its way back.

For each of them paho makes a Condition, Properties and a reason code, looks through names, and takes a dozen locks: 90 of the 280 µs that an
event without a picture cost. All else, either way, is paho's, which is never told of these two. Nothing here depends on how paho is made:
what it would send is written by other means on the same transport, and what it would read is cut out of what it is fed.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from paho.mqtt import MQTTException
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from bridge.mqtt.happenings import Acknowledged
from bridge.mqtt.packets import reason_in_words

FIRST_ID: Final = 1 << 12  # those below are left to paho, for SUBSCRIBE and UNSUBSCRIBE, which counts from 1 up on each connection
LAST_ID: Final = 0xFFFF
PUBACK: Final = 0x40
PLAIN_PUBACK: Final = b"\x40\x02"  # success, and nothing to add: what follows is the packet identifier
PLAIN_PUBACK_BYTES: Final = 4
LONGEST_PUBACK_BYTES: Final = 1 << 18  # a reason in words has 64 KiB at most, and so has each further property
UNREADABLE: Final = (MQTTException, KeyError, IndexError, ValueError, struct.error)  # what paho raises at properties that are none
LONGEST_LENGTH_BYTES: Final = 4  # MQTT 5, 1.5.5: the length of a packet is in one to four bytes


class Identifiers:
    """The packet identifiers of one connection: taken in turn, those that are still in flight passed over."""

    __slots__ = ("_in_flight", "_last")

    def __init__(self) -> None:
        self._last = FIRST_ID - 1
        self._in_flight: set[int] = set()

    def take(self) -> int:
        """The next. The window sees to it that there is one."""
        while True:
            self._last = self._last + 1 if self._last < LAST_ID else FIRST_ID
            if self._last not in self._in_flight:
                self._in_flight.add(self._last)
                return self._last

    def give_back(self, packet_id: int) -> None:
        """Its PUBACK is there, perhaps not for the first time."""
        self._in_flight.discard(packet_id)


class Incoming:
    """Tells PUBACKs from the rest of what a broker sends, however TCP has split it."""

    __slots__ = ("_rest", "_whole")

    def __init__(self) -> None:
        self._rest = b""
        """What came of a packet of which it is not known yet whose it is, or how long."""
        self._whole = 0
        """So many bytes are paho's, before the next packet begins."""

    def split(self, data: bytes) -> Iterator[Acknowledged | bytes]:
        """In order: PUBACKs, and bytes for paho; among those what calls itself a PUBACK and is none, for paho to judge."""
        if self._rest:
            data, self._rest = self._rest + data, b""
        position, end = 0, len(data)
        while position < end:
            if self._whole:
                theirs = data[position : position + self._whole]
                self._whole -= len(theirs)
                position += len(theirs)
                yield theirs
            elif data.startswith(PLAIN_PUBACK, position) and position + PLAIN_PUBACK_BYTES <= end:
                yield Acknowledged(data[position + 2] << 8 | data[position + 3], None, "")
                position += PLAIN_PUBACK_BYTES
            elif (size := _packet_size(data, position)) is None or (_may_be_puback(data, position, size) and position + size > end):
                self._rest = data[position:]
                return
            elif _may_be_puback(data, position, size) and (acknowledged := _acknowledged(data[position : position + size])):
                yield acknowledged
                position += size
            else:
                self._whole = size


def _packet_size(data: bytes, position: int) -> int | None:
    """How long the packet is that begins there; None when that is not known yet. What is not MQTT is paho's."""
    size = 0
    for index in range(LONGEST_LENGTH_BYTES):
        at = position + 1 + index
        if at >= len(data):
            return None
        size |= (data[at] & 0x7F) << 7 * index
        if data[at] < 0x80:
            return 2 + index + size
    return len(data) - position


def _may_be_puback(data: bytes, position: int, size: int) -> bool:
    """Not one without an end: it is kept until it is whole."""
    return data[position] == PUBACK and size <= LONGEST_PUBACK_BYTES


def _acknowledged(packet: bytes) -> Acknowledged | None:
    """A whole PUBACK that says more than its identifier (MQTT 5, 3.4): a reason code, and perhaps properties. None: it is none."""
    start = 2  # where the length has ended
    while start <= LONGEST_LENGTH_BYTES and packet[start - 1] >= 0x80:
        start += 1
    if len(packet) < start + 3 or packet[start - 1] >= 0x80:
        return None
    try:
        failure_code, reason = _reason(packet[start + 2 :])
    except UNREADABLE:
        return None
    return Acknowledged(packet[start] << 8 | packet[start + 1], failure_code, reason)


@lru_cache(maxsize=64)
def _reason(packed: bytes) -> tuple[int | None, str]:
    """A reason code and properties, as they stand in Acknowledged. Where nobody subscribes, each PUBACK has the same ones."""
    code = ReasonCode(PacketTypes.PUBACK, identifier=packed[0])
    properties = Properties(PacketTypes.PUBACK)
    if packed[1:]:
        properties.unpack(packed[1:])
    return code.value if code.is_failure else None, reason_in_words(code, properties)
