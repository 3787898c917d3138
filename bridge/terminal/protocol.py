"""One terminal's connection: bytes from its channel to the session and back, with one deadline."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from math import inf
from typing import Any, ClassVar, cast

from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionClosed
from twisted.internet.interfaces import IProtocol, ITransport
from twisted.internet.protocol import connectionDone
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..catalogue import Result
from ..errors import FramingError
from ..session.admission import Admitted, Identity, Refused, Undecided
from ..session.happenings import Concluded, Deciding, Ended, Faulted, Happening, Identified, Received, Rejected
from ..session.session import Session, StaleAnswer, State
from ..wire import Framer, MessageType
from .channel import Channel
from .hall import Hall, StreamTransport
from .happenings import Later, Outcome, Slowed, TurnedAway
from .limits import Pace
from .reading import PACE
from .tls import words_of

LEAST_PAUSE_S = 0.1
"""A terminal that is too fast is held back for at least this: not with every frame anew."""
MOST_UNREAD_FRAMES = 4
"""So many of the largest frames may wait for a peer that does not read what it is sent."""


@implementer(IProtocol)
class TerminalProtocol:
    """A connection. Once `identity` is set it speaks for that terminal, and stands in the directory until it ends.

    There are thousands, nearly all of them quiet. So it has slots, which Twisted's own Protocol has not, and makes what only some of them need
    when they need it.
    """

    __slots__ = (
        "_channel",
        "_connections",
        "_framer",
        "_hall",
        "_is_settling",
        "_pace",
        "_session",
        "_undecided",
        "_waiting",
        "address",
        "joined_at",
        "protocol_version",
        "wakes_at",
    )
    log: ClassVar = Logger()

    def __init__(self, hall: Hall, address: str, connections: dict[TerminalProtocol, None]) -> None:
        """`connections` is where it stands for as long as it is connected: a set would take twice the room."""
        self._hall = hall
        self._connections = connections
        self.address = address
        self._channel = Channel(hall.clock, self)
        self._framer = Framer(hall.limits.before_login)
        self._session = Session(hall.surroundings, address, hall.first_sequence(), hall.clock.seconds(), self)
        self._undecided: Undecided | None = None
        self.wakes_at = inf
        self._is_settling = False
        self._pace = Pace(hall.rates.before_login())
        self._waiting: dict[int, Deferred[Outcome]] | None = None
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
        self._channel.bound_stalls(now, None if resend else expires_in_s)
        token = self._session.requests.send(
            self._session,
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
        if self._waiting is None:
            self._waiting = {}
        self._waiting[token] = answer
        self._settle()
        return answer

    def answer(self, received: Received, result: Result, data: Any = None, later: Later | None = None) -> None:
        """Answer a message that was told to the audience; `later` is what its copies are answered when they come late."""
        stale = StaleAnswer(self._hall.clock.seconds() + later.after_s, later.result, later.data) if later else None
        self._session.answer(received, result, data, stale)  # it wakes whose connection the answer goes to, and nothing else happens

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
            self._channel.pause(why)

    def resume(self, why: str) -> None:
        """That reason is over."""
        if not self._is_over:
            self._channel.resume(why)
            if not self._channel.is_held:
                self._session.resume(self._hall.clock.seconds())
            self._arm()

    # Twisted's side.

    def makeConnection(self, transport: ITransport) -> None:
        """A terminal, or somebody, has connected."""
        stream = cast("StreamTransport", transport)  # ITransport says less than is used here
        full = self._hall.places.take(self.address)
        if full is not None:
            self._session.end("turned away", self._hall.clock.seconds())
            self._session.take_happenings()
            stream.abortConnection()
            self._act_on(TurnedAway(full))
            return
        self._connections[self] = None
        self._channel.open(stream)
        self._arm()

    def connectionMade(self) -> None:
        """All is done by makeConnection."""

    def dataReceived(self, data: bytes) -> None:
        """Bytes, cut anywhere."""
        if not self._is_over:
            now = self._hall.clock.seconds()
            self._pace.read(len(data), now)
            self._framer.feed(data)
            self._read_frames(now)
            self._keep_pace(now)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """The connection is gone, by whatever hand."""
        self._channel.lost()
        if self in self._connections:
            del self._connections[self]
            self._hall.places.leave(self.address)
        if reason.check(ConnectionClosed) is None:
            self._act_on(Faulted(f"TLS failed: {words_of(reason.value)}"))
        self._session.end(f"connection lost: {reason.getErrorMessage().rstrip('.')}", self._hall.clock.seconds())
        self._settle()

    # The channel's side.

    def read_on(self) -> None:
        """Nothing stands against reading any more: there may be frames that have come before."""
        now = self._hall.clock.seconds()
        self._pace.read(0, now)  # its quiet time was before them
        self._read_frames(now)

    def wake(self) -> None:
        """The session has something to send."""
        if not self._is_settling:
            self._flush()

    # Inside.

    @property
    def _is_over(self) -> bool:
        """The session has ended: nothing is read any more, and nothing asked."""
        return self._session.state is State.ENDED

    @property
    def _is_read(self) -> bool:
        return self._session.state is not State.ENDED and not self._channel.is_paused

    def _read_frames(self, now: float) -> None:
        try:
            while self._is_read and (frame := self._framer.next_frame()) is not None:
                self._pace.frame()
                self.protocol_version = frame.version
                if self._undecided is not None and frame.message_type != MessageType.HEARTBEAT:
                    self._undecided.hurry()
                    now = self._hall.clock.seconds()  # the disk may have been slow, which is no step of the bridge's clock
                self._session.receive(frame, now)
                self._settle()
                self._keep_pace(now)
        except FramingError as error:
            self._act_on(Faulted(error.reason))
            self.close(error.reason)

    def _keep_pace(self, now: float) -> None:
        """Do not read for as long as it has been too fast. It is not disconnected for that, however long it goes on: a terminal may have
        thousands of records to catch up on, and one that had to connect again would cost more. Before login, the time to login ends it."""
        wait_s = self._pace.wait_s(now)
        if wait_s > 0 and not self._is_over and not self._channel.is_paused_for(PACE):
            wait_s = max(wait_s, LEAST_PAUSE_S)
            self._session.is_paused = True
            self._channel.pause_for(wait_s, partial(self.resume, PACE))
            self._act_on(Slowed(wait_s))

    def _flush(self) -> None:
        output = self._session.take_output()
        if output:
            self._channel.write(b"".join(output))

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
        if self._channel.unread_bytes > MOST_UNREAD_FRAMES * self._hall.limits.after_login and not self._is_over:
            self.close("it does not read what it is sent")
        self._arm()

    def _act_on(self, happening: Happening | TurnedAway | Slowed) -> None:
        """One of the two borders: whatever goes wrong in here is a defect of the bridge, and costs one message, not the connection."""
        try:
            _ACTIONS[type(happening)](self, happening)
        except Exception:  # noqa: BLE001 - a border: see above
            self.log.failure("defect while acting on {what} of {address}", what=type(happening).__name__, address=self.address)

    def _identified(self, happening: Identified) -> None:
        self._framer.max_body_bytes = self._hall.limits.after_login
        self._pace = self._hall.directory.pace_of(self.serial, partial(Pace, self._hall.rates))
        if self.joined_at is not None:
            self._hall.audience.updated(self)
            return
        self.joined_at = self._hall.surroundings.wall()
        replaced = self._hall.directory.enter(self)
        self._hall.audience.joined(self, replaced=replaced)

    def _turned_away(self, happening: TurnedAway) -> None:
        self._hall.audience.turned_away(self.address, happening.full)

    def _slowed(self, happening: Slowed) -> None:
        self._hall.audience.slowed(self, happening.for_s)

    def _rejected(self, happening: Rejected) -> None:
        self._hall.audience.rejected(self.address, happening.refusal)

    def _deciding(self, happening: Deciding) -> None:
        self._undecided = happening.verdict
        happening.verdict.then(partial(self._decided, happening.received))

    def _decided(self, received: Received, verdict: Admitted | Refused) -> None:
        self._undecided = None
        self._session.decided(received, verdict)
        self._settle()

    def _received(self, happening: Received) -> None:
        try:
            self._hall.audience.received(self, happening)
        except BaseException:
            self._session.forget(happening)  # or its copies would wait for ever for an answer that does not come
            raise

    def _faulted(self, happening: Faulted) -> None:
        identity = self._session.identity
        self._hall.audience.faulted(self.address, identity.serial if identity else None, happening.reason)

    def _concluded(self, happening: Concluded) -> None:
        assert self._waiting is not None
        answer = self._waiting.pop(happening.token)
        self._waiting = self._waiting or None
        answer.callback(happening.outcome)

    def _ended(self, happening: Ended) -> None:
        self._flush()
        self._channel.close()
        self._hall.deadlines.cancel(self)
        if self.joined_at is not None and self._hall.directory.leave(self):
            self._hall.audience.left(self, happening.reason, clean=happening.clean)

    def _arm(self) -> None:
        """See that `woken` is called by the session's deadline. A deadline that moved on is left to that call to find: with thousands of
        terminals, most frames only move it on."""
        deadline = self._session.deadline()
        if deadline < self.wakes_at:
            self._hall.deadlines.set(self, deadline)

    def woken(self) -> None:
        """The session's deadline may have come."""
        self._session.tick(self._hall.clock.seconds())
        self._settle()


_ACTIONS: dict[type[Any], Callable[[TerminalProtocol, Any], None]] = {
    Identified: TerminalProtocol._identified,
    Rejected: TerminalProtocol._rejected,
    Deciding: TerminalProtocol._deciding,
    Received: TerminalProtocol._received,
    Faulted: TerminalProtocol._faulted,
    Concluded: TerminalProtocol._concluded,
    Ended: TerminalProtocol._ended,
    TurnedAway: TerminalProtocol._turned_away,
    Slowed: TerminalProtocol._slowed,
}
