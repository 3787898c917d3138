"""What the relay uses of the link to the broker; anything that publishes will do."""

from __future__ import annotations

from typing import Protocol

from twisted.internet.defer import Deferred

from bridge.mqtt.message import BrokerLimits, Publication


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

    def is_waiting(self, published: Deferred[None]) -> bool:
        """Whether what `publish` returned this for has not been sent: cancelled, it never will be."""

    def when_drained(self) -> Deferred[None]:
        """Fires when the link is not congested, or is down; never fails."""
