"""The connection to the broker, kept up for as long as the service runs."""

from __future__ import annotations

import dataclasses
import random as random_module
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar, Final, Protocol, TypeVar, cast

from msgspec.structs import replace
from twisted.application.service import Service
from twisted.internet.defer import CancelledError, Deferred, succeed
from twisted.internet.defer import TimeoutError as DeferredTimeout
from twisted.internet.interfaces import IDelayedCall, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.internet.task import deferLater
from twisted.logger import Logger

from bridge.errors import BridgeError, BrokerAway, BrokerRefused, Invalid, TooLarge
from bridge.mqtt.address import BrokerAddress
from bridge.mqtt.connection import Connection
from bridge.mqtt.dialling import Dialling, Ending, Stage
from bridge.mqtt.endpoint import endpoint_for
from bridge.mqtt.happenings import Acknowledged, Introduction
from bridge.mqtt.message import BrokerLimits, Message, Publication, Subscription
from bridge.mqtt.options import ConnectOptions
from bridge.mqtt.overdue import LOOK_S, OVERDUE_S, Overdue
from bridge.mqtt.packets import encode
from bridge.mqtt.paho_client import check_hook
from bridge.mqtt.window import Done, Entry, Window
from bridge.mqtt.wording import DIAL_ERRORS, hint, why

News = TypeVar("News")

DIAL_TIMEOUT_S: Final = 15.0  # for the name, and every address that it has
GOODBYE_S: Final = 2.0  # for the PUBACK of the last message
SAME_FAILURE_AGAIN_S: Final = 300.0  # a broker that stays away for the same reason is worth a line this often


class LinkListener(Protocol):
    """Whoever is told what happens on the link. Nothing of this is called from inside paho."""

    def link_up(self, limits: BrokerLimits) -> None:
        """The broker has accepted the connection and every subscription."""

    def link_down(self, reason: str) -> None:
        """The connection is gone, and whoever published has been told. Comes once after each `link_up`."""

    def message(self, message: Message) -> None:
        """A message arrived; its PUBACK is on the way already."""

    def link_fatal(self, error: BrokerRefused) -> None:
        """The broker refuses the bridge for good, and the link has stopped trying. `str(error)` is the operator's line; it is not logged here."""


class Link(Service):
    """Publishes and subscribes; dials again, with jittered back-off, when the connection is lost."""

    _log: ClassVar = Logger()

    def __init__(
        self,
        reactor: Any,
        address: BrokerAddress,
        options: ConnectOptions,
        will: Publication,
        subscriptions: Sequence[Subscription],
        listener: LinkListener,
        random: random_module.Random,
        endpoint: IStreamClientEndpoint | None = None,
    ) -> None:
        """`reactor` is the clock, and connects; `endpoint` replaces the one that follows from the address.

        ConfigError: a certificate or a key that cannot be read, or a paho that does not fit. Invalid: a will that MQTT cannot say.
        """
        check_hook()
        encode(will, "5")
        self.limits: BrokerLimits | None = None
        self.dropped_messages = 0  # their topic was no topic
        self._reactor = reactor
        self._address = address
        self._options = options
        self._will = will
        self._subscriptions = tuple(subscriptions)
        self._listener = listener
        self._endpoint = endpoint or endpoint_for(reactor, address, options)
        self._dialling = Dialling(options.protocol, options.client_id, random)
        self._window = Window()
        self._overdue = Overdue()
        self._looking: IDelayedCall | None = None
        self._connection: Connection | None = None
        self._running: Deferred[None] | None = None
        self._is_leaving = False
        self._last_failure = ("", 0.0)

    @property
    def is_up(self) -> bool:
        """Whether `publish` may succeed now."""
        return self.limits is not None

    @property
    def congested(self) -> bool:
        """Whether more is waiting than is good: pause what publishes until `when_drained`."""
        return self._window.congested

    def when_drained(self) -> Deferred[None]:
        """Fires when the link is not congested, or goes down; never fails."""
        return self._window.when_drained()

    def startService(self) -> None:
        super().startService()
        self._is_leaving = False
        self._running = Deferred.fromCoroutine(self._run())
        self._running.addErrback(lambda failure: self._log.failure("the link has stopped", failure))

    def stopService(self) -> Deferred[None]:
        """Cut the connection, so that the broker sends the will, unless `goodbye` was said. Fires when all is gone."""
        super().stopService()
        return self._hang_up()

    def publish(self, publication: Publication) -> Deferred[None]:
        """As `send`: fires at the PUBACK, or fails with why it will not come. Cancelled, it is withdrawn, unless it is on its way."""

        def withdraw(_: Deferred[None]) -> None:
            if entry is not None:
                self.withdraw(entry)

        done: Deferred[None] = Deferred(withdraw)
        entry = self.send(publication, partial(_fire, done))
        return done

    def send(self, publication: Publication, done: Done) -> Entry | None:
        """Publish, and tell `done` at the PUBACK (QoS 0: when written); of the same QoS, what is published first is sent first.

        `done` is told of BrokerAway (not up, or lost before the PUBACK), BrokerRefused (the PUBACK says no), TooLarge (over the broker's Maximum
        Packet Size; nothing is sent) or Invalid (MQTT cannot say it). When that is known at once, it is told at once, and None is returned.
        """
        if self.limits is None or self._is_leaving:
            done(BrokerAway("there is no connection to the broker"))
            return None
        try:
            encoded = encode(_adapted(publication, self.limits), self.limits.protocol)
        except Invalid as error:
            done(error)
            return None
        limit = self.limits.maximum_packet_bytes
        if limit is not None and encoded.packet_bytes > limit:
            done(TooLarge(encoded.packet_bytes, limit))
            return None
        entry = self._window.add(encoded, done)
        self.may_send()
        return entry

    def withdraw(self, *entries: Entry) -> None:
        """Do not send what `send` returned these for, and do not tell of it, unless it is on its way."""
        self._window.withdraw(*entries)

    def skip_retained(self, topic_filter: str) -> None:
        """What is retained there is known: on later connections, ask for what is new alone. MQTT 3.1.1 cannot: all of it comes again."""
        self._subscriptions = tuple(
            dataclasses.replace(each, retain_handling=2) if each.topic_filter == topic_filter else each for each in self._subscriptions
        )

    def redial(self, reason: str) -> None:
        """Give up the connection, with whatever is still unread in it, and make another."""
        if self._connection is not None:
            self._connection.abort(reason)

    def goodbye(self, publication: Publication) -> Deferred[None]:
        """Publish a last message, DISCONNECT when it is acknowledged, and dial no more.

        Without a PUBACK within GOODBYE_S the connection is cut, so that the broker sends the will instead. Fires when the connection is
        gone, within GOODBYE_S and a second; never fails.
        """
        return Deferred.fromCoroutine(self._say_goodbye(publication))

    # What the connection tells (ConnectionOwner)

    def connection_up(self, limits: BrokerLimits) -> None:
        self._window = Window(limits.receive_maximum)
        self._overdue = Overdue()
        self._look()
        self.limits = limits
        self._last_failure = ("", 0.0)
        self._log.info("broker {broker}: connected, MQTT {protocol}", broker=str(self._address), protocol=limits.protocol)
        if not limits.retain_available:
            self._log.warn("broker {broker}: keeps no retained messages, so nothing is known after a restart", broker=str(self._address))
        self._guard(self._listener.link_up, limits)

    def acknowledged(self, acknowledged: Acknowledged) -> None:
        entry = self._window.acknowledge(acknowledged.packet_id)
        if entry is not None:
            code = acknowledged.failure_code
            self._guard(entry.done, None if code is None else BrokerRefused(acknowledged.reason, code))

    def arrived(self, message: Message | None) -> None:
        if message is None:
            self.dropped_messages += 1
        else:
            self._guard(self._listener.message, message)

    def may_send(self) -> None:
        """Hand over what the window, and the transport, allow."""
        while self._connection is not None and self._connection.is_writable and (encoded := self._window.next()) is not None:
            self._window.sent(self._connection.publish(encoded))

    def _look(self) -> None:
        """Give up a connection on which a PUBACK does not come, though the broker is there: what is unacknowledged goes out on the next."""
        if self._overdue.look(self._window, self._reactor.seconds()):
            self._looking = None
            self.redial(f"no PUBACK for a message within {OVERDUE_S:.0f} s")
        else:
            self._looking = self._reactor.callLater(LOOK_S, self._look)

    # One connection after the other

    async def _run(self) -> None:
        try:
            await self._stay_connected()
        except CancelledError:
            return
        except BrokerRefused as error:
            self._guard(self._listener.link_fatal, error)

    async def _stay_connected(self) -> None:
        while True:
            ending = await self._connect_once()
            if self._is_leaving:
                return
            pause_s = self._dialling.pause_after(ending, self._reactor.seconds())
            self._log_failure(ending, pause_s)
            await deferLater(self._reactor, pause_s)

    async def _connect_once(self) -> Ending:
        introduction = self._introduction()
        factory = Factory.forProtocol(lambda: Connection(self._reactor, introduction, self._address.is_secure, self))
        factory.noisy = False
        try:
            connection = await self._endpoint.connect(factory).addTimeout(DIAL_TIMEOUT_S, self._reactor)
        except DIAL_ERRORS as error:
            return Ending(Stage.DIAL, why(error))
        self._connection = cast("Connection", connection)
        ending = await self._connection.ended
        self._connection = None
        self._went_down(ending)
        return ending

    def _introduction(self) -> Introduction:
        options, address = self._options, self._address
        return Introduction(
            protocol=self._dialling.protocol,
            client_id=options.client_id,
            keepalive_s=options.keepalive_s,
            username=options.username if options.username is not None else address.username,
            password=options.password if options.password is not None else address.password,
            will=self._dialling.adapted(self._will),
            subscriptions=self._subscriptions,
        )

    def _went_down(self, ending: Ending) -> None:
        if ending.stage is not Stage.UP:
            return
        self.limits = None
        if self._looking is not None:
            self._looking.cancel()
            self._looking = None
        for entry in self._window.close():
            self._guard(entry.done, BrokerAway(ending.reason))
        self._log.info("broker {broker}: gone: {reason}", broker=str(self._address), reason=ending.reason)
        self._guard(self._listener.link_down, ending.reason)

    def _log_failure(self, ending: Ending, pause_s: float) -> None:
        """A line for each new reason, and one now and then for a reason that stays; the end of a link has its line already."""
        reason, logged_at_s = self._last_failure
        now_s = self._reactor.seconds()
        if ending.stage is Stage.UP or (reason == ending.reason and now_s - logged_at_s < SAME_FAILURE_AGAIN_S):
            return
        self._last_failure = (ending.reason, now_s)
        self._log.warn(
            "broker {broker}: {reason}{hint}; next try in {pause_s:.1f} s, then less often",
            broker=str(self._address), reason=ending.reason, hint=hint(self._address.scheme, ending), pause_s=pause_s,
        )  # fmt: skip

    async def _say_goodbye(self, publication: Publication) -> None:
        published = self.publish(publication)
        self._is_leaving = True
        try:
            await published.addTimeout(GOODBYE_S, self._reactor)
        except (BridgeError, DeferredTimeout):
            await self._hang_up()
            return
        if self._connection is not None:
            self._connection.disconnect()
        await self._until_stopped()

    def _hang_up(self) -> Deferred[None]:
        self._is_leaving = True
        if self._connection is not None:
            self._connection.abort("the bridge stops")
        elif self._running is not None:
            self._running.cancel()
        return self._until_stopped()

    def _until_stopped(self) -> Deferred[None]:
        if self._running is None:
            return succeed(None)
        stopped: Deferred[None] = Deferred()
        self._running.addBoth(lambda _: stopped.callback(None))
        return stopped

    def _guard(self, tell: Callable[[News], object], news: News) -> None:
        """The border between one MQTT message, or one event of the link, and the next: a defect of whoever is told ends neither."""
        try:
            tell(news)
        except Exception:  # noqa: BLE001
            self._log.failure("what the link told was not dealt with")


def _fire(done: Deferred[None], error: BridgeError | None) -> None:
    """Unless it was cancelled meanwhile."""
    if not done.called:
        done.callback(None) if error is None else done.errback(error)


def _adapted(publication: Publication, limits: BrokerLimits) -> Publication:
    """What this broker takes: it closes the connection for a retained message or a QoS that it does not support."""
    if (limits.retain_available or not publication.retain) and publication.qos <= limits.maximum_qos:
        return publication
    return replace(publication, retain=publication.retain and limits.retain_available, qos=min(publication.qos, limits.maximum_qos))
