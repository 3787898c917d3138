"""Terminals of each kind, as the bridge describes them: `python -m tests.homeassistant.devices` writes the golden payloads anew."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from bridge.catalogue import GROUPS
from bridge.homeassistant import Device, Offer, Terminal, announcement, bridge_device, terminal_device
from bridge.homeassistant.bridge import DEFAULT_ID
from bridge.mqtt.topics import Topics

GOLDEN = Path(__file__).parent / "golden"
TOPICS = Topics("qyzn")
ALL = frozenset(GROUPS)
EVERYTHING = Offer(lock=True, tags=True, body_temperature=True)


@dataclass(frozen=True)
class Kind:
    """A kind of terminal, or a way to offer one."""

    groups: frozenset[str]
    offer: Offer = field(default_factory=Offer)

    @property
    def device(self) -> Device:
        return terminal_device(
            Terminal(serial="T-0001", name="Front door", model="HG02", firmware="V1.0.0", groups=self.groups), TOPICS, self.offer
        )


KINDS = {
    "plain": Kind(ALL, Offer(doorbell=False)),
    "intercom": Kind(ALL),
    "lacking": Kind(frozenset({"version", "audioctl", "ledctl"})),
    "everything": Kind(ALL, EVERYTHING),
    "chinese": Kind(ALL, Offer(language="zh", lock=True, tags=True, body_temperature=True)),
    "unread": Kind(frozenset()),
}
DEVICES = {**{name: kind.device for name, kind in KINDS.items()}, "bridge": bridge_device(TOPICS, Offer())}


def golden(device: Device) -> str:
    """A payload as its golden file has it."""
    said = json.loads(announcement(device, {}))
    said["o"]["sw"] = "$VERSION"
    if "sw" in said["dev"] and device.id == DEFAULT_ID:
        said["dev"]["sw"] = "$VERSION"
    return json.dumps(said, indent=1, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    for name, device in DEVICES.items():
        (GOLDEN / f"{name}.json").write_text(golden(device), encoding="utf-8")
