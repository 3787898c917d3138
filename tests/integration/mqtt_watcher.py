"""An MQTT client as the bridge's consumers are: it sees everything that is published, and publishes commands."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from tests.integration.broker import LOOPBACK

PATIENCE_S = 10.0  # for anything that a test waits for; it takes milliseconds
VERSIONS = {"5": MQTTProtocolVersion.MQTTv5, "3.1.1": MQTTProtocolVersion.MQTTv311}


@dataclass(frozen=True, slots=True)
class Seen:
    """A message that arrived. With MQTT 5 `retain` is as its publisher said; with 3.1.1 it tells what the broker had kept before."""

    topic: str
    payload: bytes
    retain: bool
    content_type: str | None
    user_properties: dict[str, str]
    correlation_data: bytes | None
    response_topic: str | None

    @property
    def json(self) -> Any:
        return json.loads(self.payload)


Wanted = Callable[[Seen], bool]


class MqttWatcher:
    """Subscribed to `topics`, all of them unless told otherwise, when it is made. A thread reads. Raises PermissionError when refused."""

    def __init__(self, port: int, protocol: str = "5", topics: tuple[str, ...] = ("#",), user: tuple[str, str] | None = None) -> None:
        self.messages: list[Seen] = []
        self._protocol = protocol
        self._news = threading.Condition()
        self._is_subscribed = False
        self._refusal = ""
        self._is_let: dict[int, bool] = {}
        """By the identifiers of what was acknowledged: whether the broker took it."""
        self._topics = topics
        client = paho.Client(CallbackAPIVersion.VERSION2, protocol=VERSIONS[protocol], reconnect_on_failure=False)
        if user is not None:
            client.username_pw_set(*user)
        client.on_connect = self._connected
        client.on_subscribe = self._subscribed
        client.on_message = self._arrived
        client.on_publish = self._acknowledged
        self._client = client
        client.connect(LOOPBACK, port)
        client.loop_start()
        self.wait(lambda: self._is_subscribed or bool(self._refusal), "a SUBACK")
        if self._refusal:
            self.close()
            raise PermissionError(self._refusal)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()
        self._client._reset_sockets()  # paho leaves the pair that wakes its thread to the garbage collector

    def first(self, topic: str, wanted: Wanted = lambda _: True) -> Seen:
        """The first message on this topic that is `wanted`, arrived already or not."""
        found: list[Seen] = []

        def look() -> bool:
            found[:] = [each for each in self.messages if each.topic == topic and wanted(each)][:1]
            return bool(found)

        self.wait(look, f"such a message on {topic}")
        return found[0]

    def on(self, topic: str) -> list[Seen]:
        """What has arrived on this topic."""
        return [each for each in self.messages if each.topic == topic]

    def publish(
        self,
        topic: str,
        payload: Any = b"",
        *,
        retain: bool = False,
        response_topic: str | None = None,
        correlation_data: bytes | None = None,
        expiry_s: int | None = None,
        user_properties: Mapping[str, str] | None = None,
    ) -> bool:
        """Publish bytes, text, or anything else as JSON. Returns when the broker has acknowledged it: whether it was let (3.1.1: always)."""
        properties = Properties(PacketTypes.PUBLISH) if self._protocol == "5" else None
        if properties is not None and response_topic is not None:
            properties.ResponseTopic = response_topic
        if properties is not None and correlation_data is not None:
            properties.CorrelationData = correlation_data
        if properties is not None and expiry_s is not None:
            properties.MessageExpiryInterval = expiry_s
        if properties is not None and user_properties is not None:
            properties.UserProperty = list(user_properties.items())
        encoded = payload if isinstance(payload, bytes | str) else json.dumps(payload)
        sent = self._client.publish(topic, encoded, qos=1, retain=retain, properties=properties)
        sent.wait_for_publish(PATIENCE_S)
        assert sent.is_published(), "no PUBACK came"
        return self._is_let.pop(sent.mid)

    def publish_later(self, topic: str, payload: Any) -> None:
        """Publish JSON to a broker that does not answer now."""
        self._client.publish(topic, json.dumps(payload), qos=1)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Until the condition holds, which is looked at after each message. Fails after PATIENCE_S, and says `what` did not come."""
        deadline = time.monotonic() + PATIENCE_S
        with self._news:
            while not condition():
                left_s = deadline - time.monotonic()
                assert left_s > 0, f"{what} did not come; these did: {[(each.topic, each.payload[:200]) for each in self.messages]}"
                self._news.wait(left_s)

    # In paho's thread.

    def _connected(self, client: paho.Client, _userdata: Any, _flags: Any, reason: Any, _properties: Any) -> None:
        if reason.is_failure:
            with self._news:
                self._refusal = str(reason)
                self._news.notify_all()
            return
        options = SubscribeOptions(qos=1, retainAsPublished=True)
        client.subscribe([(topic, options if self._protocol == "5" else 1) for topic in self._topics])  # type: ignore[arg-type]

    def _subscribed(self, *_: Any) -> None:
        with self._news:
            self._is_subscribed = True
            self._news.notify_all()

    def _acknowledged(self, _client: paho.Client, _userdata: Any, packet_id: int, reason: Any, _properties: Any) -> None:
        self._is_let[packet_id] = not reason.is_failure

    def _arrived(self, _client: paho.Client, _userdata: Any, message: paho.MQTTMessage) -> None:
        properties = message.properties
        seen = Seen(
            message.topic,
            bytes(message.payload),
            message.retain,
            getattr(properties, "ContentType", None),
            dict(getattr(properties, "UserProperty", [])),
            getattr(properties, "CorrelationData", None),
            getattr(properties, "ResponseTopic", None),
        )
        with self._news:
            self.messages.append(seen)
            self._news.notify_all()
