"""What one connection's bytes go through: they are written at once where that can be, not read while there is a reason against it, and no peer
keeps a connection that is to be closed.

This is the only file that touches a terminal's transport.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from twisted.internet.interfaces import IDelayedCall, IPushProducer, IReactorTime, ITCPTransport
from twisted.internet.tcp import Server
from zope.interface import implementer

from .hall import StreamTransport
from .reading import OUTPUT, Reading
from .stalls import Stalls
from .writing import READ_BYTES, DirectTransport, is_direct, write_at_once

LOG_NAME: Final = "a terminal's connection"
"""What Twisted calls it in its own log, instead of two names of its own for each, which take 170 bytes. The bridge's lines name the terminal."""
CLOSE_S = 5.0
"""How long a peer that does not read may keep a connection that is being closed."""


class Listener(Protocol):
    """Whose connection it is."""

    def read_on(self) -> None:
        """Nothing stands against reading any more: there may be frames that have come before."""


@implementer(IPushProducer)
class Channel:
    """One connection's transport: opened once, then closed here, or lost by whatever hand. What only few connections need is made when they do.

    To the transport it is the producer, which is told when the peer does not read.
    """

    __slots__ = ("_clock", "_closing", "_direct", "_listener", "_reading", "_stalls", "_transport", "unread_bytes")

    def __init__(self, clock: IReactorTime, listener: Listener) -> None:
        self._clock = clock
        self._listener: Listener | None = listener
        self._transport: StreamTransport | None = None
        self._reading: Reading | None = None
        self._stalls: Stalls | None = None
        self._closing: IDelayedCall | None = None
        self._direct: DirectTransport | None = None
        """The transport for as long as bytes may go past its buffer: nothing stands in between, and the peer always took all it was sent."""
        self.unread_bytes = 0
        """What was sent since the peer stopped reading: it stays in the bridge's memory."""

    def open(self, transport: StreamTransport) -> None:
        """Begin."""
        self._transport = transport
        if isinstance(transport, Server):
            transport.logstr = transport.repstr = LOG_NAME
        if ITCPTransport.providedBy(transport):
            transport.setTcpNoDelay(True)
            transport.setTcpKeepAlive(True)
        if is_direct(transport):
            transport.bufferSize = READ_BYTES
            self._direct = transport
        transport.registerProducer(self, True)

    def write(self, data: bytes) -> None:
        """Send. Does nothing when the connection is gone."""
        if self._direct is not None:
            if not write_at_once(self._direct, data):
                self._direct = None
        elif self._transport is not None:
            self._transport.write(data)
        if self._reading is not None and self._reading.is_paused_for(OUTPUT):
            self.unread_bytes += len(data)

    def bound_stalls(self, now: float, door_expires_in_s: float | None) -> None:
        """A request is about to be sent: see that no door command is delivered when it is stale. None: it opens no door."""
        if self._stalls is None and door_expires_in_s is not None:
            self._stalls = Stalls()
        if self._stalls is not None:
            self._stalls.sending(self._transport, now, door_expires_in_s)

    # Why nothing is read.

    @property
    def is_paused(self) -> bool:
        """Whether nothing is read."""
        return self._reading is not None and self._reading.is_paused

    @property
    def is_held(self) -> bool:
        """Whether a reason is the bridge's own, so that silence is not the peer's."""
        return self._reading is not None and self._reading.is_held

    def is_paused_for(self, why: str) -> bool:
        """Whether this is a reason."""
        return self._reading is not None and self._reading.is_paused_for(why)

    def pause(self, why: str) -> None:
        """Stop reading, for this reason."""
        self._held().pause(why)

    def pause_for(self, seconds: float, then: Callable[[], None]) -> None:
        """Stop reading for the sake of the PACE, and have `then` called when that is over, which resumes. Not while it is paused so."""
        self._held().pause_for(seconds, then)

    def resume(self, why: str) -> None:
        """That reason is over."""
        if self._reading is not None:
            self._reading.resume(why)

    def _held(self) -> Reading:
        if self._reading is None:
            self._reading = Reading(self._clock, self._transport, self._read_on)
        return self._reading

    def _read_on(self) -> None:
        if self._listener is not None:
            self._listener.read_on()

    # The transport's producer.

    def pauseProducing(self) -> None:
        """The peer does not read what it is sent: read no more from it until it does."""
        if self._listener is not None:
            self.pause(OUTPUT)

    def resumeProducing(self) -> None:
        """The peer has read."""
        self.unread_bytes = 0
        self.resume(OUTPUT)

    def stopProducing(self) -> None:
        """The transport is gone; connectionLost follows."""

    # The end.

    def close(self) -> None:
        """Read no more, let what was written go out, and hang up. Does nothing when the connection is gone."""
        self._let_go()
        if self._transport is not None:
            self._transport.unregisterProducer()
            self._transport.loseConnection()
            self._closing = self._clock.callLater(CLOSE_S, self.abort)

    def abort(self) -> None:
        """Hang up at once."""
        self._closing = None
        if self._transport is not None:
            self._transport.abortConnection()

    def lost(self) -> None:
        """The connection is gone."""
        self._let_go()
        self._transport = self._direct = None
        if self._closing is not None:
            self._closing.cancel()
            self._closing = None

    def _let_go(self) -> None:
        """Whose connection it was may go, and needs no collector for it."""
        self._listener = None
        if self._reading is not None:
            self._reading.end()
            self._reading = None
