"""Requests to the terminal that wait for their answers (protocol section 3.2, item 5; results 107 and 109).

The rules:
- A request that is not answered within RESEND_S is sent again with the same sequence, at most RESENDS times. A request that was told
  how long the terminal may take (snapshot_picture) waits that much longer before its first re-send.
- A door command is never sent twice for want of an answer: the door may have opened.
- A terminal that answers 109 has done nothing. It is asked anew, with a new sequence, after the wait it names, at most BUSY_RETRIES times.
- Nothing is sent once it has expired, and nothing waits longer than its time-out.
- Answers come in any order. One that comes after its request was given up is late; one to a sequence never used is bogus. A terminal
  answers each copy of a request, as the bridge does: the answers after the first are nobody's fault.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from math import inf

from .happenings import Failed, FailureCode

RESEND_S = 20.0
RESENDS = 3
BUSY_RETRIES = 3
BUSY_WAIT_S = 3.0
"""When a busy terminal does not say how long: the document's own example."""
MOST_WAITING = 256
"""For one terminal at one time; more are `busy` at once."""
_FINISHED_REMEMBERED = 2 * MOST_WAITING
"""All may time out together, and be answered late."""


@dataclass(slots=True)
class Request:
    """A request under way. Times are monotonic seconds."""

    token: int
    message: str
    version: int
    body: bytes
    resends_left: int
    first_wait_s: float
    queued_at: float
    timeout_at: float
    expires_at: float = inf
    sequence: int = 0
    attempts: int = 0
    copies: int = 0
    sent_at: float = 0.0
    due_at: float = 0.0
    busy_retries_left: int = BUSY_RETRIES
    busy: bool = False

    def sent(self, now: float) -> None:
        """It was put on the wire just now."""
        wait = RESEND_S + (self.first_wait_s if self.attempts == 0 or self.busy else 0.0)
        self.attempts += 1
        self.copies += 1
        self.sent_at = now
        self.busy = False
        self.due_at = min(now + wait, self.timeout_at) if self.resends_left > 0 else self.timeout_at

    def renumber(self, sequence: int) -> None:
        """It is to be asked anew, with a sequence of its own."""
        self.sequence = sequence
        self.copies = 0

    def failed(self, code: FailureCode, now: float) -> Failed:
        """The way it ended."""
        return Failed(self.sequence, self.attempts, now - self.queued_at, code)


class AnswerTo(Enum):
    """What an answer without a waiting request answers; COPY: a further copy of a request that has been answered."""

    COPY = auto()
    LATE = auto()
    BOGUS = auto()


class InFlight:
    """The requests of one connection, by sequence: one way in (`add`), one way out (`take`, or `clear` for all).

    There are thousands of these, nearly all of them quiet: so there is a table only while something waits, and what is over is remembered as
    plain numbers, the sequence of an AnswerTo.LATE and the complement of an AnswerTo.COPY.
    """

    __slots__ = ("_finished", "_waiting")

    def __init__(self) -> None:
        self._waiting: dict[int, Request] | None = None
        self._finished: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self._waiting or ())

    @property
    def is_full(self) -> bool:
        """Whether one more would be too many."""
        return len(self) >= MOST_WAITING

    def __contains__(self, sequence: int) -> bool:
        return self._waiting is not None and sequence in self._waiting

    def add(self, request: Request) -> None:
        """It waits under its sequence."""
        if self._waiting is None:
            self._waiting = {}
        self._waiting[request.sequence] = request

    def take(self, sequence: int, *, answered: bool = False) -> Request | AnswerTo:
        """The request with this sequence, which then waits no more; or what an answer to it would be. `answered`: because of its
        answer, and not for want of one."""
        request = self._waiting.pop(sequence, None) if self._waiting else None
        if request is None:
            return self._answer_to_finished(sequence)
        number = ~sequence if answered and request.copies > 1 else sequence
        self._finished = (*self._finished[1 - _FINISHED_REMEMBERED :], number)
        self._waiting = self._waiting or None
        return request

    def due(self, now: float) -> list[Request]:
        """Those on which something must be done by now; they keep waiting."""
        return [request for request in self._waiting.values() if request.due_at <= now] if self._waiting else []

    def next_due_at(self) -> float:
        """When something must be done next; infinity when nothing waits."""
        return min(request.due_at for request in self._waiting.values()) if self._waiting else inf

    def clear(self) -> list[Request]:
        """All of them, which then wait no more."""
        waiting, self._waiting = self._waiting, None
        return list(waiting.values()) if waiting else []

    def _answer_to_finished(self, sequence: int) -> AnswerTo:
        if sequence in self._finished:
            return AnswerTo.LATE
        return AnswerTo.COPY if ~sequence in self._finished else AnswerTo.BOGUS
