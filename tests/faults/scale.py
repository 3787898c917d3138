"""How long and how large a run is: a short one unless the environment says otherwise."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field


def _number(name: str, default: int) -> int:
    return int(os.environ.get(name) or default)


@dataclass(frozen=True, slots=True)
class Scale:
    """`seconds` of faults of each kind, with so many `terminals`; a `crowd` of them for memory. The `seed` of all that is left to chance."""

    seconds: int = field(default_factory=lambda: _number("QYZN_FAULTS_SECONDS", 6))
    terminals: int = field(default_factory=lambda: _number("QYZN_FAULTS_TERMINALS", 24))
    crowd: int = field(default_factory=lambda: _number("QYZN_FAULTS_CROWD", 200))
    seed: int = field(default_factory=lambda: _number("QYZN_FAULTS_SEED", secrets.randbelow(1_000_000)))

    @property
    def is_long(self) -> bool:
        """Whether there is time for what is measured only."""
        return self.seconds >= LONG_S


LONG_S = 20
SCALE = Scale()
REPLAY_AFTER_S = 5.0  # events.replay_after_s of the bridges here: most faults last longer than that
