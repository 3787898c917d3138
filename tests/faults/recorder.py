"""The independent witness: a persistent subscriber, as a consumer is that must not miss anything (clean start false, QoS 1, session expiry)."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from tests.integration.broker import LOOPBACK

PATIENCE_S = 10.0
SESSION_S = 3600
OF_ANY_EVENT = ""
"""Whose pictures those are that the bridge published while it spoke MQTT 3.1.1, as it does once when a broker hangs up on its first words."""
TOPICS = ("qyzn/+/event/recognition", "qyzn/+/event_replay/recognition", "qyzn/+/image/recognition")


@dataclass(frozen=True, slots=True)
class Sight:
    """An event, as it was seen. `is_whole`: the picture that it names came before it, and was what it says. Monotonic seconds."""

    serial: str
    sequence: int
    event_id: str
    is_replay: bool
    picture_sha256: str | None
    is_whole: bool
    seen_at: float


class Recorder:
    """Sees everything from when it is made; comes back by itself when the broker does."""

    def __init__(self, port: int) -> None:
        self.sights: list[Sight] = []
        self.sessions_lost = 0
        """How often the broker did not know it any more."""
        self._pictures: dict[str, set[str]] = defaultdict(set)
        self._seen: set[tuple[str, int]] = set()
        self._news = threading.Condition()
        self._is_here = False
        client = paho.Client(CallbackAPIVersion.VERSION2, "recorder", protocol=MQTTProtocolVersion.MQTTv5)
        client.reconnect_delay_set(1, 1)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_disconnect = self._disconnected
        client.on_message = self._arrived
        self._client = client
        self._port = port
        self.come()
        self.sessions_lost = 0  # the first it never had

    def come(self) -> None:
        """Connect, to the session that it has at the broker, and be there."""
        properties = Properties(PacketTypes.CONNECT)
        properties.SessionExpiryInterval = SESSION_S
        self._client.connect(LOOPBACK, self._port, keepalive=60, clean_start=False, properties=properties)
        self._client.loop_start()
        self.be_here()

    def be_here(self) -> None:
        """Wait until everything that is published is for it as well."""
        with self._news:
            assert self._news.wait_for(lambda: self._is_here, PATIENCE_S), "the recorder is not let in"

    def go(self) -> None:
        """Disconnect; the broker keeps what it misses."""
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()  # paho leaves the pair that wakes its thread to the garbage collector

    def close(self) -> None:
        """For good."""
        self.go()

    def has_seen(self, wanted: set[tuple[str, int]], within_s: float) -> bool:
        """Wait until all of these records (serial, sequence) were seen; whether that came."""
        with self._news:
            return self._news.wait_for(lambda: wanted <= self._seen, within_s)

    # In paho's thread.

    def _connected(self, client: paho.Client, _userdata: Any, flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            return
        if flags.session_present:
            self._subscribed()
        else:
            self.sessions_lost += 1
            client.subscribe([(topic, 1) for topic in TOPICS])

    def _disconnected(self, *_: Any) -> None:
        self._is_here = False

    def _subscribed(self, *_: Any) -> None:
        with self._news:
            self._is_here = True
            self._news.notify_all()

    def _arrived(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        _, serial, kind, _ = message.topic.split("/")
        if kind == "image":
            event_id = dict(getattr(message.properties, "UserProperty", [])).get("event_id", OF_ANY_EVENT)
            self._pictures[event_id].add(hashlib.sha256(message.payload).hexdigest())
            return
        event = json.loads(message.payload)
        digest = event["image_sha256"]
        is_whole = digest in self._pictures[event["event_id"]] | self._pictures[OF_ANY_EVENT]
        sight = Sight(serial, event["sequence"], event["event_id"], kind == "event_replay", digest, is_whole, time.monotonic())
        with self._news:
            self.sights.append(sight)
            self._seen.add((serial, sight.sequence))
            self._news.notify_all()
