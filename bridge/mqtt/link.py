"""The connection to the broker, kept up for as long as the service runs."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Protocol

from twisted.application.service import Service
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime, IStreamClientEndpoint

from bridge.errors import BrokerRefused
from bridge.mqtt.address import BrokerAddress
from bridge.mqtt.message import BrokerLimits, Message, Publication, Subscription
from bridge.mqtt.options import ConnectOptions


class LinkListener(Protocol):
    """Whoever is told what happens on the link. Nothing of this is called from inside paho; an exception is logged and ends nothing."""

    def link_up(self, limits: BrokerLimits) -> None:
        """The broker has accepted the connection and every subscription."""

    def link_down(self, reason: str) -> None:
        """The connection is gone, and every Deferred of `publish` has failed. Comes once after each `link_up`."""

    def message(self, message: Message) -> None:
        """A message arrived; its PUBACK is on the way already."""

    def link_fatal(self, error: BrokerRefused) -> None:
        """The broker refuses the bridge for good, and the link has stopped trying. `str(error)` is a line for the operator."""


class Link(Service):
    """Publishes and subscribes; dials again, with jittered back-off, when the connection is lost."""

    def __init__(
        self,
        reactor: IReactorTime,
        address: BrokerAddress,
        options: ConnectOptions,
        will: Publication,
        subscriptions: Sequence[Subscription],
        listener: LinkListener,
        random: random.Random,
        endpoint: IStreamClientEndpoint | None = None,
    ) -> None:
        """`endpoint` replaces the one that follows from the address. ConfigError: a certificate or key that cannot be read."""
        raise NotImplementedError

    is_up: bool
    limits: BrokerLimits | None
    congested: bool

    def publish(self, publication: Publication) -> Deferred[None]:
        """Fires at the broker's PUBACK (QoS 0: when written), in order. Fails with BrokerAway (not up, or lost before the PUBACK), BrokerRefused
        (the PUBACK says no), TooLarge (over the broker's Maximum Packet Size, nothing is sent), or Invalid (no MQTT packet can say it)."""
        raise NotImplementedError

    def when_drained(self) -> Deferred[None]:
        """Fires when the link is not congested, or is down; never fails."""
        raise NotImplementedError

    def goodbye(self, publication: Publication) -> Deferred[None]:
        """Publish a last message, DISCONNECT once it is acknowledged, and dial no more. Without a PUBACK within GOODBYE_S the connection is cut
        instead, so that the broker sends the will. Fires when the connection is gone; never fails."""
        raise NotImplementedError
