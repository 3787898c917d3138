"""When records first came that could not be made safe: a terminal sends them again, and they are no younger for that."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

MOST_REMEMBERED = 10_000
"""In all; the oldest give way. While the broker is away, each terminal has one record that it sends again and again."""
REMEMBERED_S = 600.0
"""After the last time: a terminal that still has it sends it each 20 s, but for the time it takes to connect again."""


@dataclass(slots=True)
class _Arrival:
    first_at: float
    last_at: float


class Arrivals:
    """By event id. Times are UNIX seconds."""

    def __init__(self) -> None:
        self._arrivals: OrderedDict[str, _Arrival] = OrderedDict()

    def first(self, event_id: str, received_at: float) -> float:
        """When this record first came: now, unless it is remembered."""
        arrival = self._arrivals.get(event_id)
        if arrival is None or received_at - arrival.last_at > REMEMBERED_S:
            return received_at
        arrival.last_at = received_at
        return arrival.first_at

    def remember(self, event_id: str, first_at: float, now: float) -> None:
        """It is not safe, and will come again."""
        self._arrivals[event_id] = _Arrival(first_at, now)
        self._arrivals.move_to_end(event_id)
        if len(self._arrivals) > MOST_REMEMBERED:
            self._arrivals.popitem(last=False)

    def forget(self, event_id: str) -> None:
        """It is safe."""
        self._arrivals.pop(event_id, None)
