"""The conversation with one terminal (protocol section 3), without I/O.

Frames and the time go in. What comes out is collected for the owner: bytes to send (`take_output`), happenings (`take_happenings`), and
the time by which `tick` wants to be called (`deadline`). `now` is monotonic seconds; wall-clock time comes from an injected function.

States: NEW until the terminal has registered or logged in, then IDENTIFIED, then ENDED. Whatever a terminal sends, the session does not
raise: it answers with a result code, reports a fault, or ends.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from enum import Enum, auto
from math import inf
from typing import Any, Protocol

from ..catalogue import REPORTS, ReportData, Result
from ..catalogue.identity import Login, Logout, Register, RegisterAnswer, SyncTime, SyncTimeAnswer
from ..errors import Invalid, TerminalFault
from ..values import Holding
from ..wire import JSON_DATA, Body, Frame, MessageType, decode_body, digest_of, encode_frame, response_body
from .admission import Admitted, Attempt, Identity, Refused, Undecided
from .clock import terminal_time
from .happenings import Deciding, Ended, Faulted, Happening, Identified, Received, Rejected
from .memory import AnswerMemory, LastAnswer, Stale
from .requests import Requests
from .surroundings import Surroundings
from .syncing import Synced, synced


class State(Enum):
    """How far the conversation has come."""

    NEW = auto()
    IDENTIFIED = auto()
    ENDED = auto()


class StaleAnswer(Holding, frozen=True):
    """What copies of a message are answered that come at `at` or later (monotonic seconds)."""

    at: float
    result: Result
    data: Any = None


class Owner(Protocol):
    """Whose session it is."""

    def wake(self) -> None:
        """There is something to send."""


class Session:
    """One connection's conversation. Call one of the inputs (`receive`, `answer`, `forget`, `decided`, `requests.send`, `tick`, `end`), then act on
    `take_output` and `take_happenings`, and call `tick` at `deadline`. The `owner` is woken whenever there is something to send: an
    answer may come by way of another connection of the same terminal."""

    __slots__ = (
        "_address",
        "_around",
        "_clock",
        "_connected_at",
        "_happenings",
        "_heard_at",
        "_last_answer",
        "_memory",
        "_output",
        "_owner",
        "_was_rejected",
        "identity",
        "is_paused",
        "requests",
        "state",
    )

    def __init__(self, surroundings: Surroundings, address: str, first_sequence: int, now: float, owner: Owner) -> None:
        self._around = surroundings
        self._owner: Owner | None = owner
        self._was_rejected = False
        self._address = address
        self._connected_at = self._heard_at = now
        self._output: list[bytes] | None = None
        self._happenings: list[Happening] | None = None
        self._last_answer = LastAnswer()
        self._memory: AnswerMemory | None = None
        self.state = State.NEW
        self.identity: Identity | None = None
        self.is_paused = False
        """Set while the owner does not read: then silence is not the terminal's."""
        self._clock: Synced | None = None
        self.requests = Requests(first_sequence)

    # What comes out.

    def take_output(self) -> list[bytes]:
        """The frames to send, in order, taken once."""
        output, self._output = self._output, None
        return output or []

    def take_happenings(self) -> list[Happening]:
        """What happened since the last call, in order, taken once."""
        happenings, self._happenings = self._happenings, None
        return happenings or []

    def deadline(self) -> float:
        """When `tick` must be called at the latest; infinity once the session has ended."""
        if self.state is State.ENDED:
            return inf
        limits = self._around.limits
        at = inf if self.is_paused else self._heard_at + limits.silence_s
        if self.state is State.NEW:
            at = min(at, self._connected_at + limits.login_s)
        due_at = self.requests.next_due_at()
        return min(at, due_at)

    # What goes in.

    def receive(self, frame: Frame, now: float) -> None:
        """A whole frame came."""
        if self.state is State.ENDED:
            return
        self._heard_at = now
        act = _BY_MESSAGE_TYPE.get(frame.message_type)
        if act is None:
            self._fault(f"unknown msgType {frame.message_type}")
        elif frame.message_type == MessageType.HEARTBEAT:
            self.send(encode_frame(MessageType.HEARTBEAT, 0, int(self._around.wall()), version=frame.version))
        elif (body := self._read_body(frame)) is not None:
            act(self, frame, body, now)

    def answer(self, received: Received, result: Result, data: Any = None, stale: StaleAnswer | None = None) -> None:
        """Answer a message, now that it is safe or has been refused. Its copies get the same answer, on whatever connection they come,
        and the `stale` one, if there is one, when they come too late."""
        if not received.wants_answer:
            return
        answer = self._answer_frame(received, result, data)
        later = Stale(stale.at, self._answer_frame(received, stale.result, stale.data)) if stale else None
        self._memory_of_reports().settle(received.key, answer, self.send, later)

    def forget(self, received: Received) -> None:
        """The message could not be made safe: say nothing, so that the terminal keeps its record and sends it again."""
        if received.wants_answer:
            self._memory_of_reports().forget(received.key)

    def decided(self, received: Received, verdict: Admitted | Refused) -> None:
        """The verdict about a register that was being decided."""
        if self.state is not State.ENDED:
            self._admit(received, verdict)

    def tick(self, now: float) -> None:
        """Act on the deadlines that have passed. A terminal that does nothing but beat comes by here, too: what is remembered of it goes in time."""
        limits = self._around.limits
        if self.state is State.ENDED:
            return
        self._last_answer.drop_old(now)
        if self._memory is not None:
            self._memory.drop_old(now)
        if self.state is State.NEW and now >= self._connected_at + limits.login_s:
            if not self._was_rejected:
                self._fault(
                    f"it said nothing of who it is within {limits.login_s:g} s: is it a terminal, set to speak QYZN TCP to this port?"
                )
            self.end(f"no successful register or login within {limits.login_s:g} s", now)
        elif not self.is_paused and now >= self._heard_at + limits.silence_s:
            self.end(f"silent for {limits.silence_s:g} s", now)
        else:
            self.requests.tick(self, now)

    def resume(self, now: float) -> None:
        """The owner reads again: silence counts from here."""
        self.is_paused = False
        self._heard_at = now

    def end(self, reason: str, now: float, clean: bool = False) -> None:
        """End the conversation: whatever waits for the terminal fails as superseded. Does nothing the second time."""
        if self.state is State.ENDED:
            return
        self.state = State.ENDED
        self.requests.abandon(self, now)
        self.tell(Ended(reason, clean))
        self._owner = None  # it may go, and needs no collector for it

    # Inside.

    def send(self, frame: bytes) -> None:
        """Put a frame on the wire."""
        if self.state is not State.ENDED:
            if self._output is None:
                self._output = []
            self._output.append(frame)
            if self._owner is not None:
                self._owner.wake()

    def tell(self, happening: Happening) -> None:
        """Tell the owner, who takes it with `take_happenings`."""
        if self._happenings is None:
            self._happenings = []
        self._happenings.append(happening)

    def wall(self) -> float:
        """UNIX seconds."""
        return self._around.wall()

    def _fault(self, reason: str) -> None:
        self.tell(Faulted(reason))

    def _memory_of_reports(self) -> AnswerMemory:
        assert self._memory is not None, "before it said who it is, nothing that it reports is heard"
        return self._memory

    def _read_body(self, frame: Frame) -> Body | None:
        try:
            if frame.data_type != JSON_DATA:
                raise TerminalFault(f"unknown dataType {frame.data_type}")
            return decode_body(frame.body)
        except TerminalFault as fault:
            self._fault(fault.reason)
            self._refuse(frame, Result.BAD_PARAMETER)
            return None

    def _refuse(self, frame: Frame, result: Result, data: Any = None) -> None:
        if frame.message_type == MessageType.REQUEST:
            self.send(self._response(frame.sequence, frame.version, result, data))

    def _response(self, sequence: int, version: int, result: Result, data: Any, named: str | None = None) -> bytes:
        body = response_body(result, result.words, {} if data is None else data, named)
        return encode_frame(MessageType.RESPONSE, sequence, int(self._around.wall()), body, version)

    def _answer_frame(self, received: Received, result: Result, data: Any) -> bytes:
        declaration = received.declaration
        named = received.name if declaration is not None and declaration.answer_named else None
        return self._response(received.sequence, received.version, result, data, named)

    def _said(self, frame: Frame, body: Body, now: float) -> None:
        """A REQUEST or NOTIFICATION: read it by its declaration, then act."""
        if body.message is None:
            self._fault("a request without a message")
            self._refuse(frame, Result.BAD_PARAMETER)
        elif self.state is State.NEW and body.message not in _ANSWERED_IN_ANY_STATE:
            self._refuse(frame, Result.REGISTER_AGAIN)
        else:
            self._said_by_name(body.message, frame, body, now)

    def _said_by_name(self, name: str, frame: Frame, body: Body, now: float) -> None:
        declaration = REPORTS.get(name)
        fields = body.data if isinstance(body.data, dict) else {"data": body.data}
        try:
            data, extra = (None, fields) if declaration is None else declaration.read(fields)
        except Invalid as error:
            self._fault(f"{name}: {error.path}: expected {error.expected}")
            self._refuse(frame, Result.BAD_PARAMETER)
            return
        wall = self._around.wall()
        received = Received(
            name=name if declaration is None else declaration.name,  # as one object for all, while the record is remembered
            declaration=declaration,
            data=data,
            extra=extra,
            sequence=frame.sequence,
            version=frame.version,
            digest=digest_of(frame.body),
            received_at=wall,
            clock=self._clock.clock_at(wall, now) if self._clock else None,
            wants_answer=frame.message_type == MessageType.REQUEST,
            body_bytes=len(frame.body),
        )
        self._act_once(received, now)

    def _act_once(self, received: Received, now: float) -> None:
        """Copies of a REQUEST are answered from memory. A NOTIFICATION has none, and would be remembered for ever, being never answered;
        the time is told anew each time it is asked for."""
        own = _OWN.get(type(received.data))
        if own is None:
            if not received.wants_answer or self._memory_of_reports().is_new(received.key, self.send, now):
                self.tell(received)
            return
        may_be_copy = received.wants_answer and own is not Session._sync_time
        if not may_be_copy or self._last_answer.is_new(received.sequence, received.digest, self.send, now):
            own(self, received, received.data, now)

    def _answer_own(self, received: Received, result: Result, data: Any = None) -> None:
        if received.wants_answer:
            frame = self._response(received.sequence, received.version, result, data)
            self._last_answer.settle(received.sequence, received.digest, frame)
            self.send(frame)

    def _register(self, received: Received, data: Register, now: float) -> None:
        verdict = self._around.admission.register(data, self._attempt())
        if isinstance(verdict, Undecided):
            self.tell(Deciding(received, verdict))
        else:
            self._admit(received, verdict)

    def _login(self, received: Received, data: Login, now: float) -> None:
        self._admit(received, self._around.admission.login(data, self._attempt()))

    def _attempt(self) -> Attempt:
        return Attempt(self._address, self.identity.serial if self.identity else None)

    def _admit(self, received: Received, verdict: Admitted | Refused) -> None:
        if isinstance(verdict, Refused):
            wait = {} if verdict.wait_s is None else {"waitSeconds": verdict.wait_s}
            self._answer_own(received, verdict.result, wait)
            self._last_answer.forget(received.sequence, received.digest)  # its next copy is judged anew: it may be approved by then
            self._was_rejected = True
            self.tell(Rejected(verdict))
            return
        identity = verdict.identity
        answer = RegisterAnswer(uuid=identity.uuid, passwd=verdict.passwd) if verdict.passwd is not None else None
        self._answer_own(received, Result.SUCCESS, answer)
        self.identity = identity
        self.state = State.IDENTIFIED
        self._memory = self._around.memory_of(identity.serial)
        self.tell(Identified(identity))

    def _logout(self, received: Received, data: Logout, now: float) -> None:
        self._answer_own(received, Result.SUCCESS)
        self.end("it logged out", now, clean=True)

    def _sync_time(self, received: Received, data: SyncTime, now: float) -> None:
        zone = self._around.zone_of(self.identity.serial if self.identity else None)
        site = datetime.fromtimestamp(self._around.wall(), zone)
        self._clock = synced(data.timestamp or "", site, now, self._clock)
        self._answer_own(received, Result.SUCCESS, SyncTimeAnswer(timestamp=terminal_time(site)))

    def _answered(self, frame: Frame, body: Body, now: float) -> None:
        """A RESPONSE: whichever request it belongs to is over."""
        if body.result is None:
            self._fault("a response without a result")
        elif fault := self.requests.answered(self, frame.sequence, body, now):
            self._fault(fault)


_Own = Callable[[Session, Received, Any, float], None]
_OWN: dict[type[ReportData | None], _Own] = {
    Register: Session._register,
    Login: Session._login,
    Logout: Session._logout,
    SyncTime: Session._sync_time,
}
"""What the session itself acts on, by declaration; everything else is for its owner."""
_ANSWERED_IN_ANY_STATE = {shape.declaration.name for shape in (Register, Login, Logout, SyncTime)}
_BY_MESSAGE_TYPE: dict[int, Callable[[Session, Frame, Body, float], None]] = {
    MessageType.HEARTBEAT: Session._said,
    MessageType.NOTIFICATION: Session._said,
    MessageType.REQUEST: Session._said,
    MessageType.RESPONSE: Session._answered,
}
