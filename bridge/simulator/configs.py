"""The configuration groups of a simulated terminal, as it leaves the factory (protocol section 4.5.10)."""

from __future__ import annotations

from typing import Any

from .identity import FIRMWARE, MODEL, Identity


def factory_settings(identity: Identity) -> dict[str, dict[str, Any]]:
    """Values by group, in the forms of the document's examples."""
    digits = identity.mac
    return {
        "version": {"devType": MODEL, "appVer": FIRMWARE, "sysVer": "simulated 1.0", "license": identity.serial},
        "netinfo": {
            "item": [_network("eth0", ":".join(digits[i : i + 2] for i in range(0, 12, 2)), "192.0.2.17"), _network("eth1", "", "")]
        },
        "time": {"timezone": 20, "time_control": 1, "currenttime": "", "ntpServer": "192.0.2.1", "ntpPort": 123},
        "ledctl": {"mode": 2, "closeScreen": 1},
        "audioctl": {"level": 7},
        "VoiceTips": {"SuccessTips": 1, "FailTips": 1},
        "ProductNameSet": {"UIName": "Simulated terminal"},
        "OpenDoorModeSet": {"OpenDoor": 0},
    }


def _network(name: str, mac: str, address: str) -> dict[str, str]:
    router = "192.0.2.1" if address else ""
    mask = "255.255.255.0" if address else ""
    return {"name": name, "macaddr": mac, "ipaddr": address, "maskaddr": mask, "gateway": router, "DNS": router}
