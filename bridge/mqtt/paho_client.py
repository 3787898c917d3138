"""paho's client without its socket: bytes come in through `feed`, go out through a transport, and what happened is kept as values.

Nothing of the bridge runs inside a paho callback: an exception there would make paho take the same packet again for ever, and a
publish there deadlocks or overtakes. The callbacks append to `happenings`, and the owner takes them when paho has returned.
"""

from __future__ import annotations

import inspect
from collections import deque
from collections.abc import Callable
from importlib.metadata import version
from typing import Final

import paho.mqtt.client as paho
from paho.mqtt.client import MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from bridge.errors import ConfigError
from bridge.mqtt.happenings import Accepted, Acknowledged, Arrived, Disconnected, Happening, Introduction, Refused, Subscribed
from bridge.mqtt.message import Publication
from bridge.mqtt.packets import Encoded, PackedProperties, limits_from, message_from, publish_properties, reason_in_words, subscribe_topics

HOOK: Final = "_create_socket"  # called by connect(), and what it returns is all that paho reads from and writes to
LARGEST_PACKET_BYTES: Final = 16 << 20  # what MQTT 5 brokers may send us: twice the largest frame that a terminal takes
SUBACK_FAILURE: Final = 0x80  # and above
SESSION_ENDS_WITH_CONNECTION: Final = 0  # the broker keeps no commands while the bridge is away


class TransportSocket:
    """What paho takes for its non-blocking socket: reads from what was fed, writes to a transport."""

    def __init__(self, write: Callable[[bytes], object], close: Callable[[], None]) -> None:
        self._write = write
        self._close = close
        self._data = b""
        self._position = 0

    @property
    def has_data(self) -> bool:
        return self._position < len(self._data)

    def feed(self, data: bytes) -> None:
        self._data = self._data[self._position :] + data if self.has_data else data
        self._position = 0

    def recv(self, buffer_size: int) -> bytes:
        data = self._data[self._position : self._position + buffer_size]
        if not data:
            raise BlockingIOError
        self._position += len(data)
        return data

    def send(self, buffer: bytes | bytearray) -> int:
        self._write(bytes(buffer))
        return len(buffer)

    def close(self) -> None:
        self._close()

    def fileno(self) -> int:
        return -1

    def setblocking(self, flag: bool) -> None:
        """Nothing here blocks."""


class TransportClient(paho.Client):
    """One client for one connection, so that no queue of paho's outlives it."""

    def __init__(self, introduction: Introduction, socket: TransportSocket, wants_flush: Callable[[], None]) -> None:
        """`wants_flush` is called when there is something to write; `loop_write` writes it, and must be called later, not from inside."""
        self.happenings: deque[Happening] = deque()
        self._introduction = introduction
        self._transport_socket = socket
        is_5 = introduction.protocol == "5"
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=introduction.client_id,
            clean_session=None if is_5 else True,
            protocol=MQTTProtocolVersion.MQTTv5 if is_5 else MQTTProtocolVersion.MQTTv311,
            reconnect_on_failure=False,
        )
        self.max_inflight_messages_set(0)  # no limit, and so no queue: the window is ours
        self.username_pw_set(introduction.username, introduction.password)
        self._set_will(introduction.will)
        self._set_callbacks(wants_flush)

    def _create_socket(self) -> paho.SocketLike:
        return self._transport_socket

    def say_connect(self) -> None:
        """Queue CONNECT."""
        keepalive_s = self._introduction.keepalive_s
        if self._introduction.protocol == "3.1.1":
            self.connect("transport", keepalive=keepalive_s)  # the name is not used: the socket is connected
            return
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = SESSION_ENDS_WITH_CONNECTION
        properties.MaximumPacketSize = LARGEST_PACKET_BYTES
        self.connect("transport", keepalive=keepalive_s, clean_start=True, properties=properties)

    def say_subscribe(self) -> None:
        """Queue one SUBSCRIBE for everything; Subscribed or Refused will happen."""
        self.subscribe(subscribe_topics(self._introduction.subscriptions, self._introduction.protocol))

    def say_publish(self, encoded: Encoded) -> int:
        """Queue a PUBLISH and return its packet identifier; Acknowledged will happen. Only while the connection is accepted."""
        publication = encoded.publication
        properties = None if encoded.properties is None else PackedProperties(encoded.properties)
        while True:
            info = self.publish(
                publication.topic,
                publication.payload,
                publication.qos,
                publication.retain,
                properties,  # type: ignore[arg-type]  # paho packs them, and asks for nothing else
            )
            if info.rc != MQTTErrorCode.MQTT_ERR_QUEUE_SIZE:  # this identifier is still in flight: take the next one
                return info.mid

    def drain(self) -> None:
        """Let paho read all that was fed."""
        while self.socket() is not None and self._transport_socket.has_data:
            self.loop_read()

    def detach(self) -> None:
        """The transport is gone: paho has no socket any more. Reading to the end instead would take a packet that it failed on once more."""
        self._sock = None

    def _set_will(self, will: Publication) -> None:
        properties = publish_properties(will, PacketTypes.WILLMESSAGE) if self._introduction.protocol == "5" else None
        self.will_set(will.topic, will.payload, will.qos, will.retain, properties)

    def _set_callbacks(self, wants_flush: Callable[[], None]) -> None:
        self.on_connect = self._connack
        self.on_subscribe = self._suback
        self.on_publish = self._puback
        self.on_message = self._arrived
        self.on_disconnect = self._disconnect
        self.on_socket_register_write = lambda *_: wants_flush()

    def _connack(self, _client: object, _userdata: object, _flags: object, code: ReasonCode, properties: Properties | None) -> None:
        if code.is_failure:
            self.happenings.append(Refused(code.value, reason_in_words(code, properties)))
            return
        limits = limits_from(self._introduction.protocol, self._introduction.keepalive_s, properties)
        self.happenings.append(Accepted(limits))

    def _suback(self, _client: object, _userdata: object, _id: int, codes: list[ReasonCode], properties: Properties | None) -> None:
        refusals = []
        for code, subscription in zip(codes, self._introduction.subscriptions, strict=False):
            if code.value >= SUBACK_FAILURE:
                refusal = f"subscription to {subscription.topic_filter}: {reason_in_words(code, properties)}"
                if subscription.needed:
                    self.happenings.append(Refused(code.value, refusal))
                    return
                refusals.append(refusal)
        self.happenings.append(Subscribed(tuple(refusals)))

    def _puback(self, _client: object, _userdata: object, packet_id: int, code: ReasonCode, properties: Properties | None) -> None:
        self.happenings.append(Acknowledged(packet_id, code.value if code.is_failure else None, reason_in_words(code, properties)))

    def _arrived(self, _client: object, _userdata: object, message: MQTTMessage) -> None:
        self.happenings.append(Arrived(message_from(message)))

    def _disconnect(
        self, _client: object, _userdata: object, flags: paho.DisconnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        is_told = flags.is_disconnect_packet_from_server
        self.happenings.append(Disconnected(code.value if is_told else None, reason_in_words(code, properties)))


def check_hook() -> None:
    """ConfigError when this paho has no hook for the socket as we override it: then it would open a blocking socket of its own."""
    hook = getattr(paho.Client, HOOK, None)
    if hook is None or list(inspect.signature(hook).parameters) != ["self"]:
        raise ConfigError("paho-mqtt", f"a version whose Client has {HOOK}(self)", version("paho-mqtt"))
