"""How the bridge tells whether the broker has forgotten something: by what is left of its own word, `<bridge>/checkpoint`.

A checkpoint is retained, and says up to where the broker had acknowledged everything when it was published. mosquitto writes retained messages,
sessions and what waits in them into one file at one time. So when it has come back with a checkpoint, it has what it acknowledged before, too. Other
brokers keep retained messages on their disk and sessions in their memory; of those no checkpoint is believed, and everything is published again.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import msgspec
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from bridge.errors import BridgeError, BrokerAway
from bridge.mqtt.message import Message, Publication
from bridge.mqtt.topics import Topics
from bridge.outbox import Checkpoint
from bridge.relay.noticeboard import say
from bridge.relay.outlet import Outlet

EVERY_S: Final = 1.0
"""How often at most a checkpoint is published: what was acknowledged since the last is published again after a lost connection."""
MOSQUITTO: Final = b"mosquitto version "
_decoder = msgspec.json.Decoder(Checkpoint, strict=True)


class Checkpoints:
    """Publishes them, and asks the broker for the one it has. `now` gives the outbox's."""

    log = Logger()

    def __init__(self, outlet: Outlet, topics: Topics, clock: IReactorTime, now: Callable[[], Checkpoint]) -> None:
        self._outlet = outlet
        self._topics = topics
        self._clock = clock
        self._now = now
        self._found: Checkpoint | None = None
        self._is_believed = False
        self._told: Checkpoint | None = None
        self._due: IDelayedCall | None = None

    async def ask(self) -> Checkpoint | None:
        """The checkpoint that the broker has, if it has one that can be believed. Raises BrokerAway.

        What it retains it sends when it is subscribed to, so before it acknowledges what is published after that.
        """
        self._found, self._told, self._is_believed = None, None, False
        try:
            await self._outlet.publish(Publication(self._topics.checkpoint, b""))
        except BrokerAway:
            raise
        except BridgeError as error:
            self.log.warn("cannot publish on {topic}: {reason}", topic=self._topics.checkpoint, reason=str(error))
            self._is_believed = False
        return self._found if self._is_believed else None

    def message(self, message: Message) -> None:
        """What the broker retains of a checkpoint, or of its own name."""
        if not message.retain:
            return
        if message.topic == self._topics.checkpoint:
            self._found = _read(message.payload)
        else:
            self._is_believed = message.payload.startswith(MOSQUITTO)

    def due(self) -> None:
        """More has been acknowledged."""
        if self._is_believed and self._due is None:
            self._due = self._clock.callLater(EVERY_S, self._publish)

    def publish_first(self) -> None:
        """It is known what the broker has forgotten: say so in terms of this opening of the file, for the next may know only those of this one."""
        if self._is_believed:
            self._publish()

    def publish_last(self) -> None:
        """The end is near: say it now."""
        if self._due is not None:
            self._due.cancel()
            self._publish()

    def stop(self) -> None:
        """Say nothing more, for the connection is lost."""
        self._is_believed = False
        due, self._due = self._due, None
        if due is not None:
            due.cancel()

    def _publish(self) -> None:
        self._due = None
        checkpoint = self._now()
        if checkpoint != self._told:
            self._told = checkpoint
            payload = msgspec.json.encode(checkpoint)
            say(self._outlet, Publication(self._topics.checkpoint, payload, retain=True, content_type="application/json"), self.log)


def _read(payload: bytes) -> Checkpoint | None:
    try:
        return _decoder.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
