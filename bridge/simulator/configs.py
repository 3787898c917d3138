"""The configuration groups of a simulated terminal, as it leaves the factory (protocol section 4.5.10)."""

from __future__ import annotations

from typing import Any

from ..catalogue.configuration import GROUPS
from .identity import FIRMWARE, MODEL, Identity


def factory_settings(identity: Identity) -> dict[str, dict[str, Any]]:
    """Values by group: all there are, as in the document's examples where nothing is better."""
    digits = identity.mac
    own: dict[str, dict[str, Any]] = {
        "version": {"devType": MODEL, "appVer": FIRMWARE, "sysVer": "simulated 1.0", "license": identity.serial},
        "netinfo": {
            "item": [_network("eth0", ":".join(digits[i : i + 2] for i in range(0, 12, 2)), "192.0.2.17"), _network("eth1", "", "")]
        },
        "time": {"timezone": 20, "time_control": 1, "currenttime": "", "ntpServer": "192.0.2.1", "ntpPort": 123},
        "audioctl": {"level": 7},
        "ProductNameSet": {"UIName": "Simulated terminal"},
        "OpenDoorModeSet": {"OpenDoor": 0},
        "HttpPush": {**GROUPS["HttpPush"].example, "httpPushEnable": False},
    }
    return {name: own.get(name, dict(group.example)) for name, group in GROUPS.items()}


def _network(name: str, mac: str, address: str) -> dict[str, str]:
    router = "192.0.2.1" if address else ""
    mask = "255.255.255.0" if address else ""
    return {"name": name, "macaddr": mac, "ipaddr": address, "maskaddr": mask, "gateway": router, "DNS": router}
