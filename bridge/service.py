"""The bridge as one service: starts its parts in order, and ends them in order."""

from __future__ import annotations

from collections.abc import Callable
from random import SystemRandom
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IDelayedCall, IListeningPort, IStreamServerEndpoint
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge import readiness
from bridge.composition import Parts, compose
from bridge.config import Config
from bridge.errors import AddressUnavailable, BridgeError, BrokerRefused, StorageFault
from bridge.garbage import leave_alone_what_is_there
from bridge.mqtt.address import BrokerAddress
from bridge.mqtt.embedded import EmbeddedBroker
from bridge.mqtt.message import BrokerLimits, Message, Publication
from bridge.terminal.proxied import PROXIED

FLUSH_S = 2.5
"""How long events on their way to the broker are waited for at the end; a terminal keeps what was not acknowledged. The goodbye may take
2 s more, and an embedded broker that has to be killed 2 s: in all, the end has to come within 8 s."""
COMMIT_S = 1.0
"""How long the disk may then take for what the broker did not acknowledge, and again for closing."""
BROKER_WAIT_S = 2.0
"""How long the start waits for the broker before it is said to be away."""
REGISTRY_EVERY_S = 60.0
"""How often last-seen times are written."""

_UNAUTHORIZED = frozenset({0x86, 0x87, 0x8A})
"""Bad user name or password, not authorized, banned."""

Fatal = Callable[[BridgeError], None]


class BridgeService(Service):
    """The whole bridge. `endpoints` are where terminals connect, by their descriptions; `fatal` is told what makes running pointless."""

    log = Logger()

    def __init__(
        self, reactor: Any, config: Config, address: BrokerAddress, endpoints: dict[str, IStreamServerEndpoint], fatal: Fatal
    ) -> None:
        self._reactor = reactor
        self._config = config
        self._address = address
        self._endpoints = endpoints
        self._fatal = fatal
        self._ports: list[IListeningPort] = []
        self._embedded: EmbeddedBroker | None = None
        self._parts: Parts | None = None
        self._saving = LoopingCall(self._save)
        self._saving.clock = reactor
        self._is_listening = False
        self._patience: IDelayedCall | None = None

    # Starting.

    def startService(self) -> None:
        """Open what must be remembered, listen for terminals, and connect to the broker. What fails is told to `fatal`."""
        super().startService()
        Deferred.fromCoroutine(self._start()).addErrback(self._not_started)

    async def _start(self) -> None:
        self._embedded = self._make_embedded()
        self._parts = parts = compose(self._reactor, self._config, self._address, self)
        parts.start()
        self._saving.start(REGISTRY_EVERY_S, now=False).addErrback(lambda failure: self.log.failure("cannot save any more", failure))
        if self._embedded is not None:
            self._embedded.startService()
            await self._embedded.ready()
        for description, endpoint in self._endpoints.items():
            self._ports.append(await _listen(description, endpoint, parts))
        self._is_listening = True
        self._patience = self._reactor.callLater(BROKER_WAIT_S, self._is_ready)
        parts.link.startService()

    def _make_embedded(self) -> EmbeddedBroker | None:
        if self._address.scheme != "embedded":
            return None
        username, password = self._config.mqtt.credentials
        directory = self._config.state_dir / "broker"
        host, port = self._address.host, self._address.port
        return EmbeddedBroker(self._reactor, host, port, directory, random=SystemRandom(), username=username, password=password)

    def _not_started(self, failure: Failure) -> None:
        if failure.check(BridgeError) is None:
            self.log.failure("defect while starting", failure)
            failure = Failure(BridgeError("a defect kept the bridge from starting; its log says more"))
        if self.running:
            self._fatal(failure.value)  # type: ignore[arg-type]  # a BridgeError, as checked

    def _is_ready(self) -> None:
        """Say so, once: to the log and to a supervisor."""
        if self._patience is None:
            return
        if self._patience.active():
            self._patience.cancel()
        self._patience = None
        assert self._parts is not None
        leave_alone_what_is_there()
        broker = str(self._address) if self._parts.link.is_up else f"waiting for broker {self._address}"
        self.log.info("qyzn-bridge ready: terminals on {listeners}; {broker}", listeners=", ".join(self._endpoints), broker=broker)
        readiness.notify("READY=1")

    def _save(self) -> None:
        assert self._parts is not None
        try:
            self._parts.registry.flush()
        except StorageFault as fault:
            self.log.error("cannot write the registry: {reason}", reason=str(fault))

    # What the link tells (LinkListener).

    def link_up(self, limits: BrokerLimits) -> None:
        """The broker is there."""
        assert self._parts is not None
        self._parts.relay.link_up(limits)
        self._is_ready()

    def link_down(self, reason: str) -> None:
        """The broker is away; the link says so in the log, and dials."""
        assert self._parts is not None
        self._parts.relay.link_down()

    def message(self, message: Message) -> None:
        """A message came."""
        assert self._parts is not None
        self._parts.relay.message(message)

    def link_fatal(self, error: BrokerRefused) -> None:
        """The broker refuses the bridge for good."""
        advice = "; see to mqtt.username, mqtt.password and the broker's access list" if error.code in _UNAUTHORIZED else ""
        self._fatal(BrokerRefused(f"{self._address}: {error}{advice}", error.code))

    # Ending.

    def stopService(self) -> Deferred[None]:
        """Stop accepting, refuse new commands, wait for what is on its way, publish offline, and end the embedded broker last."""
        super().stopService()
        return Deferred.fromCoroutine(self._stop())

    async def _stop(self) -> None:
        if self._is_listening:
            readiness.notify("STOPPING=1")
        if self._patience is not None and self._patience.active():
            self._patience.cancel()
        self._patience = None
        await gatherResults([maybeDeferred(port.stopListening) for port in self._ports])
        if self._parts is not None:
            await self._stop_parts(self._parts)
        if self._embedded is not None and self._embedded.running:
            await self._embedded.stopService()

    async def _stop_parts(self, parts: Parts) -> None:
        parts.relay.shutting_down()
        await self._at_most(FLUSH_S, parts.relay.events.when_idle())
        parts.relay.dispatch.hurry()
        await self._at_most(COMMIT_S, Deferred.fromCoroutine(_until_safe(parts)))
        if self._saving.running:
            self._saving.stop()
        parts.stop()
        if parts.link.running:
            await parts.link.goodbye(Publication(parts.relay.topics.state, b"offline", retain=True))
            await parts.link.stopService()
        await parts.outbox.close(COMMIT_S)
        try:
            parts.registry.close()
        except StorageFault as fault:
            self.log.error("cannot write the registry: {reason}", reason=str(fault))

    async def _at_most(self, seconds: float, done: Deferred[None]) -> None:
        """Until it has fired, or so long."""
        await done.addTimeout(seconds, self._reactor, onTimeoutCancel=lambda result, _: None)


async def _until_safe(parts: Parts) -> None:
    """Until no event is on its way to safety, and it is known which have come there."""
    await parts.relay.events.when_idle()
    await parts.relay.dispatch.settle()


async def _listen(description: str, endpoint: IStreamServerEndpoint, parts: Parts) -> IListeningPort:
    try:
        return await endpoint.listen(parts.proxied_factory if description.startswith(PROXIED) else parts.factory)
    except (CannotListenError, OSError, OverflowError, ValueError) as error:
        cause = error.socketError if isinstance(error, CannotListenError) else error
        why = getattr(cause, "strerror", None) or str(cause)
        raise AddressUnavailable("listen", "an address that is there and free", f"{description} ({why})") from None
