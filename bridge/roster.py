"""Which terminals there are: what the registry and the directory know, put together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bridge.registry import Registry, RegistryAdmission
from bridge.relay.claims import Claims
from bridge.terminal.directory import Directory
from bridge.terminal.protocol import TerminalProtocol


@dataclass(frozen=True, slots=True)
class Roster:
    """Which terminals there are, for whoever asks: the registry's and the directory's knowledge together."""

    registry: Registry
    admission: RegistryAdmission
    directory: Directory
    claims: Claims
    wall: Callable[[], float]

    def is_known(self, device: str) -> bool:
        """Whether this is a terminal of this bridge: one that was approved and let in, and has not joined another bridge since."""
        known = self.registry.get(device)
        return known is not None and known.status == "approved" and not self.claims.is_elsewhere(device)

    def find(self, device: str) -> TerminalProtocol | None:
        """Its connection, if it is there."""
        return self.directory.find(device)

    def online(self) -> list[str]:
        """Those that are there."""
        return [terminal.serial for terminal in self.directory]

    def name_of(self, device: str) -> str:
        """What people call it."""
        known = self.registry.get(device)
        return device if known is None else self.admission.name_of(known)

    def heard(self, device: str) -> None:
        """It was there until now."""
        if self.registry.get(device) is not None:
            self.registry.touch(device, self.wall())
