"""The terminal's own REQUESTs that wait for an answer, and their re-sends (protocol section 3.2): after 20 s, the same frame, 3 times at most."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

RESEND_S = 20.0
RESENDS = 3


@dataclass(slots=True)
class Waiting:
    """A REQUEST on the wire. `due_at` is monotonic seconds."""

    name: str
    sequence: int
    frame: bytes = field(repr=False)
    due_at: float
    resends_left: int = RESENDS


class Unanswered:
    """The REQUESTs of one connection, by sequence: in by `add`, out by `take`."""

    def __init__(self) -> None:
        self._waiting: dict[int, Waiting] = {}

    def add(self, name: str, sequence: int, frame: bytes, now: float) -> None:
        """It was sent just now."""
        self._waiting[sequence] = Waiting(name, sequence, frame, now + RESEND_S)

    def take(self, sequence: int) -> Waiting | None:
        """The one this answers; None for an answer that came too late or that nobody asked for."""
        return self._waiting.pop(sequence, None)

    def next_due_at(self) -> float:
        """When `due` has something; infinity when nothing waits."""
        return min((each.due_at for each in self._waiting.values()), default=inf)

    def due(self, now: float) -> list[Waiting]:
        """Those to be sent again now. One without re-sends left is there with -1: the bridge is lost."""
        late = [each for each in self._waiting.values() if each.due_at <= now]
        for each in late:
            each.resends_left -= 1
            each.due_at = now + RESEND_S
        return late
