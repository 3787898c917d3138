"""Where Home Assistant is spoken to: the topics below its discovery prefix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from bridge.mqtt.message import Subscription

ONLINE: Final = b"online"


@dataclass(frozen=True, slots=True)
class DiscoveryTopics:
    """The topics below one discovery prefix."""

    prefix: str

    @property
    def status(self) -> str:
        """Where Home Assistant says that it is there; by default not retained."""
        return f"{self.prefix}/status"

    @property
    def all_devices(self) -> str:
        """The filter for every device's discovery payload."""
        return self.device("+")

    def device(self, discovery_id: str) -> str:
        """Where a device's discovery payload is."""
        return f"{self.prefix}/device/{discovery_id}/config"

    def device_of(self, topic: str) -> str | None:
        """The discovery id in a device's topic; None for other topics."""
        match topic.removeprefix(f"{self.prefix}/").split("/"):
            case ["device", discovery_id, "config"] if topic == self.device(discovery_id):
                return discovery_id
        return None

    def subscriptions(self) -> tuple[Subscription, ...]:
        """What the bridge listens to: Home Assistant's birth, and what is announced, by itself before its start and then by other bridges. It can
        do without."""
        devices = Subscription(self.all_devices, retain_handling=0, retain_as_published=False, no_local=True, needed=False)
        return (Subscription(self.status, needed=False), devices)
