"""One connection to the broker: Twisted's transport on one side, paho on the other, from the TCP connection to its end."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol, cast

from twisted.internet import protocol
from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IHandshakeListener, IPushProducer, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from bridge.mqtt.dialling import Ending, Stage
from bridge.mqtt.express import Identifiers, Incoming
from bridge.mqtt.happenings import Accepted, Acknowledged, Arrived, Disconnected, Introduction, Refused, Subscribed
from bridge.mqtt.message import BrokerLimits, Message
from bridge.mqtt.packets import Encoded
from bridge.mqtt.paho_client import TransportClient, TransportSocket
from bridge.mqtt.wording import why

ESTABLISH_TIMEOUT_S: Final = 10.0  # TLS, CONNACK and SUBACK together
CLOSE_TIMEOUT_S: Final = 1.0  # for what is still to be written, and for the broker's side of the TLS close
TICKS_PER_KEEPALIVE: Final = 8  # a PING is late by an eighth at most; brokers wait for half as long again (MQTT 5, 3.1.2.10)
TICKS_WITHOUT_PUBACK: Final = 4  # paho sees no PUBACK: where they come, it would wait for a PINGRESP that a slow network brings late
MOST_EARLY_MESSAGES: Final = 1000  # a broker may send messages before its SUBACK (MQTT 5, 3.8.4); more in that moment is a flood
AWAITED: Final = {Stage.DIAL: "TLS handshake", Stage.CONNECT: "CONNACK", Stage.SUBSCRIBE: "SUBACK"}


class StreamTransport(Protocol):
    """What TCP, TLS and unix transports have in common, and Twisted's ITransport does not say."""

    disconnecting: bool

    def getPeer(self) -> object: ...
    def setTcpNoDelay(self, enabled: bool) -> None: ...  # noqa: N802
    def write(self, data: bytes) -> None: ...
    def loseConnection(self) -> None: ...
    def abortConnection(self) -> None: ...
    def registerProducer(self, producer: object, streaming: bool) -> None: ...
    def unregisterProducer(self) -> None: ...


class ConnectionOwner(Protocol):
    """Who opened the connection. Never called from inside paho."""

    def connection_up(self, limits: BrokerLimits) -> None:
        """Accepted and subscribed."""

    def acknowledged(self, acknowledged: Acknowledged) -> None:
        """A publication is done, or refused; `may_send` follows."""

    def arrived(self, message: Message | None) -> None:
        """A message; None: one that is dropped. Only between `connection_up` and the end."""

    def may_send(self) -> None:
        """The transport takes more."""


@implementer(IHandshakeListener, IPushProducer)
class Connection(protocol.Protocol):
    """`ended` fires once, with an Ending, when the transport is gone; it never fails."""

    _log = Logger()

    def __init__(self, reactor: IReactorTime, introduction: Introduction, is_secure: bool, owner: ConnectionOwner) -> None:
        self.ended: Deferred[Ending] = Deferred()
        self.is_writable = False
        self._reactor = reactor
        self._introduction = introduction
        self._is_secure = is_secure
        self._owner = owner
        self._stage = Stage.DIAL
        self._up_since_s = 0.0
        self._limits: BrokerLimits | None = None
        self._told: tuple[str, int | None] | None = None  # why it ends, as far as it is known before it has ended
        self._early: list[Message] = []
        self._identifiers = Identifiers()
        self._incoming = Incoming()
        self._is_closed = False
        self._ticks_without_puback = 0
        self._timers: dict[str, IDelayedCall] = {}

    # What the owner does

    def publish(self, encoded: Encoded) -> int:
        """Send, and return the packet identifier that `acknowledged` will name, or for QoS 0 the like of one. Only between `connection_up` and the end."""
        if encoded.publication.qos == 0:
            return _of_paho(self._client.say_publish(encoded))
        packet_id = self._identifiers.take()
        self._stream.write(encoded.packet(packet_id))
        return packet_id

    def disconnect(self) -> None:
        """Say DISCONNECT, so that the broker drops the will, and close."""
        self._set_aside("disconnected")
        self._client.disconnect()

    def abort(self, reason: str) -> None:
        """Cut the connection; the broker sends the will."""
        if self.ended.called:
            return
        self._set_aside(reason)
        self._is_closed, self.is_writable = True, False
        self._stream.unregisterProducer()
        self._stream.abortConnection()

    # What Twisted tells

    def connectionMade(self) -> None:
        self._stream = cast("StreamTransport", self.transport)
        self._socket = TransportSocket(self._stream.write, self._close)
        self._client = TransportClient(self._introduction, self._socket, self._want_flush)
        if not isinstance(self._stream.getPeer(), UNIXAddress):
            self._stream.setTcpNoDelay(True)  # else Nagle and the broker's delayed ACK add 20 to 40 ms to a command
        self._set_timer("establish", ESTABLISH_TIMEOUT_S, self._give_up)
        if not self._is_secure:
            self._begin()

    def handshakeCompleted(self) -> None:
        if not self._stream.disconnecting:  # a certificate for another name: nothing, and no password above all, may be sent
            self._begin()

    def dataReceived(self, data: bytes) -> None:
        for part in self._incoming.split(data):
            self._take(part)
        self._owner.may_send()  # once for all PUBACKs that came together

    def connectionLost(self, reason: Failure = protocol.connectionDone) -> None:
        text, code = self._told or ("lost" if reason.value is None else why(reason.value), None)
        up_s = self._reactor.seconds() - self._up_since_s if self._stage is Stage.UP else 0.0
        self._is_closed, self.is_writable = True, False
        self._client.detach()
        timers, self._timers = self._timers, {}
        for timer in timers.values():
            timer.cancel()
        self.ended.callback(Ending(self._stage, text, code, up_s, is_unexplained=self._told is None))

    def pauseProducing(self) -> None:
        self.is_writable = False

    def resumeProducing(self) -> None:
        self.is_writable = not self._is_closed
        if self.is_writable and self._stage is Stage.UP:
            self._owner.may_send()

    def stopProducing(self) -> None:
        self.is_writable = False

    # Between the two

    def _begin(self) -> None:
        self._stage = Stage.CONNECT
        self.is_writable = True
        self._stream.registerProducer(self, True)
        self._let_paho(self._client.say_connect)

    def _take(self, part: Acknowledged | bytes) -> None:
        if isinstance(part, Acknowledged):
            self._ticks_without_puback = 0
            self._identifiers.give_back(part.packet_id)
            self._owner.acknowledged(part)
        else:
            self._socket.feed(part)
            self._let_paho(self._client.drain)

    def _let_paho(self, step: Callable[[], object]) -> None:
        """The border for everything that comes from the broker: what paho cannot digest ends this connection and nothing else."""
        try:
            step()
        except Exception:  # noqa: BLE001
            self._log.failure("paho failed on what the broker sent")
            self.abort("paho failed on what the broker sent")
        self._tell()

    def _tell(self) -> None:
        happenings = self._client.happenings
        while happenings:
            match happenings.popleft():
                case Acknowledged(packet_id, code, reason):
                    self._owner.acknowledged(Acknowledged(_of_paho(packet_id), code, reason))
                    self._owner.may_send()
                case Arrived(message):
                    self._arrived(message)
                case Accepted(limits):
                    self._accepted(limits)
                case Subscribed(refusals):
                    self._subscribed(refusals)
                case Refused(code, reason):
                    self._refused(code, reason)
                case Disconnected(code, reason):
                    self._set_aside(f"the broker says: {reason}" if code is not None else f"given up: {reason}", code)

    def _accepted(self, limits: BrokerLimits) -> None:
        self._limits = limits
        self._stage = Stage.SUBSCRIBE
        if limits.keepalive_s:
            self._set_timer("tick", limits.keepalive_s / TICKS_PER_KEEPALIVE, self._tick)
        if self._introduction.subscriptions:
            self._client.say_subscribe()
        else:
            self._subscribed()

    def _subscribed(self, refusals: tuple[str, ...] = ()) -> None:
        if self._is_closed or self._limits is None or self._stage is not Stage.SUBSCRIBE:
            return
        for refusal in refusals:
            self._log.warn("the broker refuses the {refusal}; the bridge goes on without it", refusal=refusal)
        self._cancel_timer("establish")
        self._stage = Stage.UP
        self._up_since_s = self._reactor.seconds()
        self._owner.connection_up(self._limits)
        early, self._early = self._early, []
        for message in early:
            self._owner.arrived(message)

    def _arrived(self, message: Message | None) -> None:
        """Nobody can be answered before the link is up, so what comes earlier waits for that."""
        if self._stage is Stage.UP or message is None:
            self._owner.arrived(message)
        elif len(self._early) < MOST_EARLY_MESSAGES:
            self._early.append(message)
        else:
            self._owner.arrived(None)

    def _refused(self, code: int, reason: str) -> None:
        self._set_aside(
            f"the broker refuses the connection: {reason}" if self._stage is Stage.CONNECT else f"the broker refuses the {reason}", code
        )
        self._close()

    def _set_aside(self, reason: str, code: int | None = None) -> None:
        """Remember why it ends; the first reason is the true one, later ones are its consequences."""
        self._told = self._told or (reason, code)

    def _give_up(self) -> None:
        self.abort(f"no {AWAITED[self._stage]} from the broker within {ESTABLISH_TIMEOUT_S:.0f} s")

    def _tick(self) -> None:
        """paho sends PINGREQ when it is time, and closes when no answer came. It keeps time by time.monotonic. Where PUBACKs come, both sides
        hear of each other without it."""
        assert self._limits is not None
        self._set_timer("tick", self._limits.keepalive_s / TICKS_PER_KEEPALIVE, self._tick)
        self._ticks_without_puback += 1
        if self._ticks_without_puback >= TICKS_WITHOUT_PUBACK:
            self._let_paho(self._client.loop_misc)

    def _want_flush(self) -> None:
        """Once for each turn of the reactor, whatever paho has by then."""
        if "flush" not in self._timers and not self._is_closed:
            self._set_timer("flush", 0, lambda: self._let_paho(self._client.loop_write))

    def _close(self) -> None:
        """Write what is there, then close; cut when that takes too long. paho calls this for its socket."""
        if self._is_closed:
            return
        self._is_closed, self.is_writable = True, False
        self._cancel_timer("tick")
        self._cancel_timer("establish")
        self._stream.unregisterProducer()  # a transport with a producer waits for it before it closes
        self._set_timer("close", CLOSE_TIMEOUT_S, self._stream.abortConnection)
        self._stream.loseConnection()

    def _set_timer(self, name: str, delay_s: float, call: Callable[[], object]) -> None:
        def fire() -> None:
            del self._timers[name]
            call()

        self._cancel_timer(name)
        self._timers[name] = self._reactor.callLater(delay_s, fire)

    def _cancel_timer(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()


def _of_paho(packet_id: int) -> int:
    """paho gives what it publishes numbers of its own, which come to ours after some days: kept apart, for what has the same as another takes
    its place in the window."""
    return -packet_id
