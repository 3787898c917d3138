"""The permit_join window: for some minutes whoever registers is let in."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from ..errors import Invalid

MAX_WINDOW_S = 3600


class JoinWindow:
    """Closed until it is opened, and closes by itself. Measured by `monotonic`, so that a step of the wall clock does not move it."""

    def __init__(self, wall: Callable[[], float], monotonic: Callable[[], float]) -> None:
        self._wall = wall
        self._monotonic = monotonic
        self._closes_at = -inf

    @property
    def is_open(self) -> bool:
        """Whether it is open now."""
        return self._monotonic() < self._closes_at

    @property
    def until(self) -> float | None:
        """When it closes, in UNIX seconds; None when it is closed."""
        return self._wall() + self._closes_at - self._monotonic() if self.is_open else None

    def open_for(self, seconds: object) -> float | None:
        """Open it for so long from now; 0 closes it. Returns `until`. Raises Invalid."""
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 <= seconds <= MAX_WINDOW_S:
            raise Invalid("time", f"a number of seconds, 0 to {MAX_WINDOW_S}", str(seconds)[:40])
        self._closes_at = self._monotonic() + seconds if seconds else -inf
        return self.until
