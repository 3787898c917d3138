"""What the configuration says about who may join."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from ..config.values import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """`approved` serials need no further approval; `held` ones do, under the policy `open` as well. `names`, by serial, win over
    those given over MQTT."""

    policy: Literal["approve", "open", "closed"]
    approved: frozenset[str] = frozenset()
    held: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, config: Config) -> Terms:
        """The terms that stand in `[registration]` and `[devices]`."""
        return cls(
            policy=config.registration.policy,
            approved=config.approved_serials,
            held=frozenset(config.devices) - config.approved_serials,
            names={serial: device.name for serial, device in config.devices.items() if device.name},
        )

    def shuts_out(self, serial: str) -> bool:
        """Whether this terminal cannot join, whatever the operator does over MQTT."""
        return self.policy == "closed" and serial not in self.approved

    def admits_unasked(self, serial: str) -> bool:
        """Whether a terminal that nobody knows may join."""
        return serial in self.approved or (self.policy == "open" and serial not in self.held)
