"""One terminal's connection: bytes from the transport to the session and back, with one timer.

This is the only file that touches a terminal's transport.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any
from typing import Protocol as TypingProtocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..catalogue import Result
from ..errors import FramingError
from ..session.admission import Identity
from ..session.happenings import Answered, Concluded, Ended, Failed, Faulted, Happening, Identified, Received, Rejected
from ..session.session import Session, StaleAnswer, State, Surroundings
from ..wire import Framer
from .audience import Audience
from .directory import Directory

CLOSE_S = 5.0
"""How long a peer that does not read may keep a connection that is being closed."""

Outcome = Answered | Failed


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """The largest body accepted, in bytes, before a connection has said who it is and after."""

    before_login: int = 64 * 1024
    after_login: int = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Later:
    """What copies of a message are answered from so many seconds from now on."""

    after_s: float
    result: Result
    data: Any = None


@dataclass(frozen=True, slots=True)
class Hall:
    """What all connections of a bridge share. `clock.seconds()` is monotonic."""

    clock: IReactorTime
    surroundings: Surroundings
    limits: FrameLimits
    directory: Directory
    audience: Audience
    first_sequence: Callable[[], int]


class StreamTransport(TypingProtocol):
    """What is used of a transport, TCP or TLS."""

    def write(self, data: bytes) -> None: ...
    def registerProducer(self, producer: object, streaming: bool) -> None: ...
    def unregisterProducer(self) -> None: ...
    def pauseProducing(self) -> None: ...
    def resumeProducing(self) -> None: ...
    def loseConnection(self) -> None: ...
    def abortConnection(self) -> None: ...


@implementer(IPushProducer)
class TerminalProtocol(Protocol):
    """A connection. Once `identity` is set it speaks for that terminal, and stands in the directory until it ends."""

    log = Logger()
    transport: StreamTransport | None  # type: ignore[assignment]  # ITransport says less than is used here

    def __init__(self, hall: Hall, address: str, connections: set[TerminalProtocol]) -> None:
        """`connections` is where it stands for as long as it is connected."""
        self._hall = hall
        self._connections = connections
        self.address = address
        self._framer = Framer(hall.limits.before_login)
        self._session = Session(hall.surroundings, address, hall.first_sequence(), hall.clock.seconds(), self._wake)
        self._timer: IDelayedCall | None = None
        self._timer_at = inf
        self._closing: IDelayedCall | None = None
        self._is_lost = False
        """There is no transport any more."""
        self._is_settling = False
        self._pauses: set[str] = set()
        self._waiting: dict[int, Deferred[Outcome]] = {}
        self.joined_at: float | None = None
        """UNIX seconds at which it first identified itself."""
        self.protocol_version: int | None = None
        """What the last frame's header said."""

    # For those who deal with the terminal.

    @property
    def identity(self) -> Identity | None:
        """Whom the connection speaks for."""
        return self._session.identity

    @property
    def serial(self) -> str:
        """The terminal's id. Only to be asked once it is identified."""
        assert self._session.identity is not None
        return self._session.identity.serial

    def request(
        self,
        message: str,
        body: bytes,
        *,
        version: int,
        timeout_s: float,
        answer_wait_s: float = 0.0,
        expires_in_s: float = inf,
        resend: bool = True,
    ) -> Deferred[Outcome]:
        """Send a REQUEST, as in `Requests.send`. The Deferred fires with the outcome, always and once; it does not fail."""
        now = self._hall.clock.seconds()
        token = self._session.requests.send(
            message,
            body,
            now=now,
            version=version,
            timeout_s=timeout_s,
            answer_wait_s=answer_wait_s,
            expires_at=now + expires_in_s,
            resend=resend,
        )
        answer: Deferred[Outcome] = Deferred()
        self._waiting[token] = answer
        self._settle()
        return answer

    def answer(self, received: Received, result: Result, data: Any = None, later: Later | None = None) -> None:
        """Answer a message that was told to the audience; `later` is what its copies are answered when they come late."""
        stale = StaleAnswer(self._hall.clock.seconds() + later.after_s, later.result, later.data) if later else None
        self._session.answer(received, result, data, stale)
        self._settle()

    def forget(self, received: Received) -> None:
        """Leave a message unanswered, so that the terminal keeps it and sends it again."""
        self._session.forget(received)

    def close(self, reason: str) -> None:
        """End the conversation and the connection."""
        self._session.end(reason, self._hall.clock.seconds())
        self._settle()

    def pause(self, why: str) -> None:
        """Stop reading, for a reason of the bridge's own; silence is not held against the terminal meanwhile."""
        if not self._is_over:
            self._session.is_paused = True
            self._pause(why)

    def resume(self, why: str) -> None:
        """That reason is over."""
        if not self._is_over:
            self._session.resume(self._hall.clock.seconds())
            self._resume(why)
            self._arm()

    # Twisted's side.

    def connectionMade(self) -> None:
        """A terminal, or somebody, has connected."""
        assert self.transport is not None
        self._connections.add(self)
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
            self.transport.setTcpKeepAlive(True)
        self.transport.registerProducer(self, True)
        self._arm()

    def dataReceived(self, data: bytes) -> None:
        """Bytes, cut anywhere."""
        if not self._is_over:
            self._framer.feed(data)
            self._read_frames()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone, by whatever hand."""
        self._is_lost = True
        self._connections.discard(self)
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None
        self._session.end(f"connection lost: {reason.getErrorMessage().rstrip('.')}", self._hall.clock.seconds())
        self._settle()

    def pauseProducing(self) -> None:
        """The peer does not read what it is sent: read no more from it until it does."""
        if not self._is_over:
            self._pause("output")

    def resumeProducing(self) -> None:
        """The peer has read."""
        if not self._is_over:
            self._resume("output")

    def stopProducing(self) -> None:
        """The transport is gone; connectionLost follows."""

    # Inside.

    @property
    def _is_over(self) -> bool:
        """The session has ended: nothing is read any more, and nothing asked."""
        return self._session.state is State.ENDED

    def _read_frames(self) -> None:
        try:
            while not (self._pauses or self._is_over) and (frame := self._framer.next_frame()) is not None:
                self.protocol_version = frame.version
                self._session.receive(frame, self._hall.clock.seconds())
                self._settle()
        except FramingError as error:
            self._act_on(Faulted(error.reason))
            self.close(error.reason)

    def _pause(self, why: str) -> None:
        if not self._pauses and self.transport is not None:
            self.transport.pauseProducing()
        self._pauses.add(why)

    def _resume(self, why: str) -> None:
        if why not in self._pauses:
            return
        self._pauses.remove(why)
        if not self._pauses and self.transport is not None:
            self.transport.resumeProducing()
            self._read_frames()

    def _wake(self) -> None:
        if not self._is_settling:
            self._flush()

    def _flush(self) -> None:
        output = self._session.take_output()
        if output and self.transport is not None and not self._is_lost:
            self.transport.write(b"".join(output))

    def _settle(self) -> None:
        """Act on what the session has to say; acting may give it more to say."""
        if self._is_settling:
            return
        self._is_settling = True
        try:
            while happenings := self._session.take_happenings():
                for happening in happenings:
                    self._act_on(happening)
        finally:
            self._is_settling = False
        self._flush()
        self._arm()

    def _act_on(self, happening: Happening) -> None:
        """One of the two borders: whatever goes wrong in here is a defect of the bridge, and costs one message, not the connection."""
        try:
            _ACTIONS[type(happening)](self, happening)
        except Exception:  # noqa: BLE001 - a border: see above
            self.log.failure("defect while acting on {what} of {address}", what=type(happening).__name__, address=self.address)

    def _identified(self, happening: Identified) -> None:
        self._framer.max_body_bytes = self._hall.limits.after_login
        if self.joined_at is not None:
            self._hall.audience.updated(self)
            return
        self.joined_at = self._hall.surroundings.wall()
        replaced = self._hall.directory.enter(self)
        self._hall.audience.joined(self, replaced=replaced)

    def _rejected(self, happening: Rejected) -> None:
        self._hall.audience.rejected(self.address, happening.refusal)

    def _received(self, happening: Received) -> None:
        try:
            self._hall.audience.received(self, happening)
        except BaseException:
            self._session.forget(happening)  # or its copies would wait for ever for an answer that does not come
            raise

    def _faulted(self, happening: Faulted) -> None:
        self._hall.audience.faulted(self, happening.reason)

    def _concluded(self, happening: Concluded) -> None:
        self._waiting.pop(happening.token).callback(happening.outcome)

    def _ended(self, happening: Ended) -> None:
        self._flush()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._is_lost:
            self._close_transport()
        if self.joined_at is not None and self._hall.directory.leave(self):
            self._hall.audience.left(self, happening.reason, clean=happening.clean)

    def _close_transport(self) -> None:
        assert self.transport is not None
        self.transport.unregisterProducer()
        self.transport.loseConnection()
        self._closing = self._hall.clock.callLater(CLOSE_S, self._abort)

    def _abort(self) -> None:
        self._closing = None
        if self.transport is not None:
            self.transport.abortConnection()

    def _arm(self) -> None:
        """See that the timer fires by the session's deadline. A deadline that moved on is left to the timer to find: with thousands of
        terminals, most frames only move it on."""
        deadline = self._session.deadline()
        if deadline == inf or (self._timer is not None and self._timer_at <= deadline):
            return
        if self._timer is not None:
            self._timer.cancel()
        self._timer_at = deadline
        self._timer = self._hall.clock.callLater(max(0.0, deadline - self._hall.clock.seconds()), self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._session.tick(self._hall.clock.seconds())
        self._settle()


_ACTIONS: dict[type[Any], Callable[[TerminalProtocol, Any], None]] = {
    Identified: TerminalProtocol._identified,
    Rejected: TerminalProtocol._rejected,
    Received: TerminalProtocol._received,
    Faulted: TerminalProtocol._faulted,
    Concluded: TerminalProtocol._concluded,
    Ended: TerminalProtocol._ended,
}
