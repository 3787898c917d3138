"""The bridge's half of the conversation: requests to the terminal, their re-sends and their ends. The rules stand in `inflight`."""

from __future__ import annotations

from math import inf
from typing import Any, Protocol

from ..catalogue import Result
from ..wire import Body, MessageType, encode_frame
from .happenings import Answered, Concluded, Failed, Happening
from .inflight import BUSY_WAIT_S, RESENDS, AnswerTo, InFlight, Request

_SEQUENCES = (1 << 32) - 1
"""1 to 2^32 - 1: zero is for heartbeats."""
_LEAST_WAIT_S = 0.1
"""A terminal that names no wait at all is not asked again in a tight loop."""
_WRONG = {AnswerTo.LATE: "an answer that came too late", AnswerTo.BOGUS: "an answer to no request", AnswerTo.COPY: None}


class Line(Protocol):
    """What requests go out on: the session's end of the connection."""

    def send(self, frame: bytes) -> None:
        """Put a frame on the wire."""

    def tell(self, happening: Happening) -> None:
        """Tell the owner."""

    def wall(self) -> float:
        """UNIX seconds, for the header."""


class Requests:
    """The requests of one session, which is the `line` that they go out on: it is named with each act, for if it were kept here, only the
    collector could free the two of them. `now` is monotonic seconds."""

    __slots__ = ("_in_flight", "_is_abandoned", "_next_sequence", "_next_token")

    def __init__(self, first_sequence: int) -> None:
        self._next_sequence = first_sequence
        self._next_token = 0
        self._in_flight = InFlight()
        self._is_abandoned = False

    def __len__(self) -> int:
        return len(self._in_flight)

    def next_due_at(self) -> float:
        """When `tick` has something to do; infinity when nothing waits."""
        return self._in_flight.next_due_at()

    def send(
        self,
        line: Line,
        message: str,
        body: bytes,
        *,
        now: float,
        version: int,
        timeout_s: float,
        answer_wait_s: float = 0.0,
        expires_at: float = inf,
        resend: bool = True,
    ) -> int:
        """Send a request; returns the token under which its end is told, once, as a Concluded.

        `answer_wait_s` is what the request itself grants the terminal before the first re-send; `timeout_s` bounds it all; after
        `expires_at` nothing is sent (again); `resend` False for what must never be sent twice. A request that cannot be sent at all
        (expired, too many waiting, or the connection gone) concludes at once.
        """
        self._next_token += 1
        request = Request(
            token=self._next_token,
            message=message,
            version=version,
            body=body,
            resends_left=RESENDS if resend else 0,
            first_wait_s=answer_wait_s,
            queued_at=now,
            timeout_at=now + timeout_s,
            expires_at=expires_at,
        )
        if self._is_abandoned:
            line.tell(Concluded(request.token, request.failed("superseded", now)))
        elif self._in_flight.is_full:
            line.tell(Concluded(request.token, request.failed("busy", now)))
        elif now >= expires_at:
            line.tell(Concluded(request.token, request.failed("expired", now)))
        else:
            self._send_anew(line, request, now)
        return request.token

    def answered(self, line: Line, sequence: int, body: Body, now: float) -> str | None:
        """A RESPONSE came. Returns what is wrong with it, if no request waits for it."""
        request = self._in_flight.take(sequence, answered=True)
        if isinstance(request, AnswerTo):
            return _WRONG[request]
        if request.busy and body.result == Result.BUSY:
            self._in_flight.add(request)
            return None if request.copies > 1 else "a second answer to one request"
        result = body.result if body.result is not None else Result.OPERATION_FAILED
        if result == Result.BUSY and self._ask_again_later(request, body.data, now):
            return None
        outcome: Answered | Failed
        if result == Result.BUSY:
            outcome = request.failed("busy", now)
        else:
            outcome = Answered(sequence, request.attempts, now - request.queued_at, result, body.desc, body.data)
        line.tell(Concluded(request.token, outcome))
        return None

    def tick(self, line: Line, now: float) -> None:
        """Re-send or give up what is due."""
        for request in self._in_flight.due(now):
            if now >= request.timeout_at:
                self._fail(line, request, now)
            elif now >= request.expires_at:
                self._conclude(line, request, request.failed("busy" if request.busy else "expired", now))
            elif request.busy:
                self._in_flight.take(request.sequence, answered=True)
                self._send_anew(line, request, now)
            else:
                request.resends_left -= 1
                self._put_on_wire(line, request, now)

    def abandon(self, line: Line, now: float) -> None:
        """The connection is gone: what waits fails, and so does what is yet to come."""
        self._is_abandoned = True
        for request in self._in_flight.clear():
            line.tell(Concluded(request.token, request.failed("superseded", now)))

    def _fail(self, line: Line, request: Request, now: float) -> None:
        self._conclude(line, request, request.failed("busy" if request.busy else "timeout", now))

    def _conclude(self, line: Line, request: Request, outcome: Failed) -> None:
        self._in_flight.take(request.sequence)
        line.tell(Concluded(request.token, outcome))

    def _send_anew(self, line: Line, request: Request, now: float) -> None:
        """With a sequence of its own."""
        self._next_sequence = self._next_sequence % _SEQUENCES + 1
        request.renumber(self._next_sequence)
        self._in_flight.add(request)
        self._put_on_wire(line, request, now)

    def _put_on_wire(self, line: Line, request: Request, now: float) -> None:
        line.send(encode_frame(MessageType.REQUEST, request.sequence, int(line.wall()), request.body, request.version))
        request.sent(now)

    def _ask_again_later(self, request: Request, data: Any, now: float) -> bool:
        """Keep a request that the terminal was too busy for, if there is time; it did nothing, so a door command may be asked again too."""
        retry_at = now + _wait_seconds(data)
        if request.busy_retries_left == 0 or retry_at >= min(request.timeout_at, request.expires_at):
            return False
        request.busy_retries_left -= 1
        request.busy = True
        request.due_at = retry_at
        self._in_flight.add(request)
        return True


def _wait_seconds(data: Any) -> float:
    """`data.waitSeconds` of a busy answer; the default when it is absent or no number."""
    wait = data.get("waitSeconds") if isinstance(data, dict) else None
    try:
        seconds = float(wait) if isinstance(wait, int | float | str) and not isinstance(wait, bool) else BUSY_WAIT_S
    except (ValueError, OverflowError):
        return BUSY_WAIT_S
    return max(seconds, _LEAST_WAIT_S) if seconds < inf else BUSY_WAIT_S
