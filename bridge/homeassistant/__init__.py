"""What Home Assistant is told of terminals and of the bridge (MQTT discovery): pure functions over the catalogue.

The words are those of Home Assistant's own documentation: a device has components, and a component is an entity of some platform, a
device trigger or a tag scanner.
"""

from .announcement import Announced, announced, announcement
from .bridge import bridge_device, bridge_id
from .component import Device
from .discovery_topics import DiscoveryTopics
from .offer import Offer
from .pattern import Patterns
from .terminal import Terminal, serial_of, terminal_device, terminal_id

__all__ = [
    "Announced",
    "Device",
    "DiscoveryTopics",
    "Offer",
    "Patterns",
    "Terminal",
    "announced",
    "announcement",
    "bridge_device",
    "bridge_id",
    "serial_of",
    "terminal_device",
    "terminal_id",
]
