"""How long to wait before connecting again: doubling, with full jitter, so that many terminals do not come back all at once."""

from __future__ import annotations

from random import Random

FIRST_S = 1.0
LONGEST_S = 60.0
_SHORTEST_SHARE = 0.1
"""Of the bound: a wait of next to nothing would be no wait."""


class Backoff:
    """Waits in seconds. `reset` after a connection that was good for something."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._bound_s = FIRST_S

    def reset(self) -> None:
        """Begin with short waits again."""
        self._bound_s = FIRST_S

    def next_s(self) -> float:
        """The next wait."""
        bound_s, self._bound_s = self._bound_s, min(self._bound_s * 2, LONGEST_S)
        return bound_s * self._random.uniform(_SHORTEST_SHARE, 1.0)
