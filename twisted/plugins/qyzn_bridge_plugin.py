"""Tells twistd about the bridge; `bridge.tap` is imported only when it is asked for."""

from __future__ import annotations

from twisted.application.service import ServiceMaker

qyzn_bridge = ServiceMaker(
    "QYZN bridge",
    "bridge.tap",
    "QYZN face terminals on MQTT.",
    "qyzn-bridge",
)
