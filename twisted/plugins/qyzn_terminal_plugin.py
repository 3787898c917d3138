"""Tells twistd about the simulated terminals; `bridge.simulator.tap` is imported only when they are asked for."""

from __future__ import annotations

from twisted.application.service import ServiceMaker

qyzn_terminal = ServiceMaker(
    "QYZN terminals in software",
    "bridge.simulator.tap",
    "QYZN face terminals in software, to try, show and load a bridge.",
    "qyzn-terminal",
)
