"""Puts a conversation on a transport: bytes in and out, and one timer."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime, ITCPTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.python.failure import Failure

from ..errors import FramingError
from ..wire import Framer
from .conversation import Conversation
from .happenings import Ended, Happening

LARGEST_BODY_BYTES = 8 << 20
CLOSE_S = 1.0
"""How long a peer that reads nothing may keep a connection from closing."""


class TerminalProtocol(Protocol):
    """One connection. `opened` begins the conversation; `told` gets what happens in it; `lost` is called once, when the connection is
    gone, with how it ended. The reactor's seconds are monotonic."""

    transport: Any
    """TCP, TLS or unix: all have abortConnection, which no interface common to them names."""

    def __init__(
        self,
        reactor: IReactorTime,
        opened: Callable[[TerminalProtocol], Conversation],
        told: Callable[[Happening], None],
        lost: Callable[[Ended], None],
    ) -> None:
        self._reactor = reactor
        self._opened = opened
        self._told = told
        self._lost = lost
        self._framer = Framer(LARGEST_BODY_BYTES)
        self._conversation: Conversation | None = None
        self._ended: Ended | None = None
        self._tick: IDelayedCall | None = None
        self._abort: IDelayedCall | None = None

    def connectionMade(self) -> None:
        if ITCPTransport.providedBy(self.transport):
            self.transport.setTcpNoDelay(True)
        self._conversation = self._opened(self)
        self._act()

    def dataReceived(self, data: bytes) -> None:
        self._put(lambda conversation, now: self._read(data, conversation, now))

    def send_records(self) -> None:
        """The terminal has a record that was not there before."""
        self._put(Conversation.send_records)

    @property
    def may_ask(self) -> bool:
        """Whether the bridge would hear a question now."""
        return self._conversation is not None and self._ended is None and self._conversation.may_ask

    def ask(self, name: str, data: dict[str, Any]) -> None:
        """Ask the bridge something that is no record."""
        self._put(lambda conversation, now: conversation.ask(name, data, now))

    def leave(self) -> None:
        """Log out and close; `lost` is called when that is done."""
        self._put(Conversation.leave)

    def abort(self) -> None:
        """Close at once."""
        self.transport.abortConnection()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self._conversation = None
        for timer in (self._tick, self._abort):
            if timer is not None and timer.active():
                timer.cancel()
        self._lost(self._ended or Ended(reason.getErrorMessage()))

    def _read(self, data: bytes, conversation: Conversation, now: float) -> None:
        self._framer.feed(data)
        try:
            while (frame := self._framer.next_frame()) is not None:
                conversation.receive(frame, now)
        except FramingError as error:
            conversation.end(error.reason)

    def _put(self, happen: Callable[[Conversation, float], None]) -> None:
        """Something goes into the conversation; then do what it wants done."""
        if self._conversation is not None and self._ended is None:
            happen(self._conversation, self._reactor.seconds())
            self._act()

    def _act(self) -> None:
        conversation = self._conversation
        if conversation is None:
            return
        if output := conversation.take_output():
            self.transport.write(output)
        for happening in conversation.take_happenings():
            if isinstance(happening, Ended):
                self._close(happening)
            else:
                self._told(happening)
        self._wake_at(conversation.deadline())

    def _close(self, ended: Ended) -> None:
        self._ended = ended
        self.transport.loseConnection()
        self._abort = self._reactor.callLater(CLOSE_S, self.abort)

    def _wake_at(self, deadline: float) -> None:
        if self._tick is not None and self._tick.active():
            self._tick.cancel()
        self._tick = None
        if deadline < inf:
            self._tick = self._reactor.callLater(max(0.0, deadline - self._reactor.seconds()), self._put, Conversation.tick)
