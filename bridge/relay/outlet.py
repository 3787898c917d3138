"""What the relay uses of the link to the broker; anything that publishes will do."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.internet.defer import Deferred

from bridge.mqtt.message import BrokerLimits, Publication
from bridge.mqtt.window import Done


class Sent(Protocol):
    """One publication, as the link has it."""

    @property
    def is_waiting(self) -> bool:
        """Whether it has not been sent: withdrawn, it never will be."""


class Outlet(Protocol):
    """The link, as the relay sees it."""

    @property
    def is_up(self) -> bool:
        """Whether the broker can be spoken to now."""

    @property
    def limits(self) -> BrokerLimits | None:
        """What the broker allows; None before it was ever reached."""

    @property
    def congested(self) -> bool:
        """Whether more is waiting to go out than should be."""

    def publish(self, publication: Publication) -> Deferred[None]:
        """Fires at the broker's PUBACK. Fails with a BrokerFault."""

    def send(self, publication: Publication, done: Done) -> Sent | None:
        """The same for what there is much of: tells `done` at the PUBACK, or why there will be none. None when that is known at once, and told."""

    def withdraw(self, *sent: Any) -> None:
        """Of what `send` returned these for, what is waiting will not be sent, and nothing is told of it. Whoever waits for room may be told so
        within this."""

    def when_drained(self) -> Deferred[None]:
        """Fires when the link is not congested, or is down; never fails."""
