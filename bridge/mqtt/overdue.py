"""A PUBACK that never comes from a broker that is there: its place in the window would be taken for ever. No I/O."""

from __future__ import annotations

from typing import Final

from bridge.mqtt.window import Entry, Window

LOOK_S: Final = 5.0
"""How often the window is looked at."""
OVERDUE_S: Final = 60.0
"""Brokers acknowledge in milliseconds, and in order. One that is frozen is the keep-alive's to notice."""
SLOWEST_BYTES_PER_S: Final = 8192
"""Of the way to the broker: what may still be on it is waited for."""


class Overdue:
    """Watches the oldest publication in flight of one connection."""

    def __init__(self) -> None:
        self._oldest: Entry | None = None
        self._since_s = 0.0
        self._acknowledged = 0

    def look(self, window: Window, now_s: float) -> bool:
        """Whether its PUBACK is not to be expected any more. To be called each LOOK_S."""
        if window.oldest is not self._oldest:
            self._oldest, self._since_s, self._acknowledged = window.oldest, now_s, window.acknowledged
        if self._oldest is None:
            return False
        # What was sent after it, the broker has: so it had this one, too, and nothing of it is on the way any more.
        is_passed_over = window.acknowledged > self._acknowledged
        on_the_way_s = 0.0 if is_passed_over else window.in_flight_bytes / SLOWEST_BYTES_PER_S
        return now_s - self._since_s >= OVERDUE_S + on_the_way_s
