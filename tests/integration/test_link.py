"""The link against a real mosquitto, over real sockets."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor
from twisted.internet.defer import CancelledError, Deferred, DeferredList, gatherResults
from twisted.internet.endpoints import TCP4ServerEndpoint
from twisted.internet.protocol import Factory, Protocol
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import provider

from bridge.errors import BrokerAway, BrokerRefused, TooLarge
from bridge.mqtt.address import BrokerAddress, parse_address
from bridge.mqtt.link import Link
from bridge.mqtt.message import BrokerLimits, Message, Publication, Subscription
from bridge.mqtt.options import ConnectOptions
from tests.integration.broker import Broker, BrokerSettings, StartMosquitto
from tests.integration.certificates import CertificateAuthority

pytestmark = [
    pytest.mark.integration,
    # Twisted hands pyOpenSSL its own kind of certificate, which newer versions of that frown upon.
    pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning"),
]

STATE = "qyzn/bridge/state"
OFFLINE = Publication(STATE, b"offline", retain=True)
PATIENCE_S = 10.0  # for anything that a test waits for; it takes milliseconds


class Listener:
    """What the link tells, to be awaited: `await listener.up()` and so on, each in the order of its kind."""

    def __init__(self) -> None:
        self._told: dict[str, list[Any]] = {}
        self._awaited: dict[str, list[Deferred[Any]]] = {}

    def link_up(self, limits: BrokerLimits) -> None:
        self._tell("up", limits)

    def link_down(self, reason: str) -> None:
        self._tell("down", reason)

    def message(self, message: Message) -> None:
        self._tell("message", message)

    def link_fatal(self, error: BrokerRefused) -> None:
        self._tell("fatal", error)

    def next(self, kind: str) -> Deferred[Any]:
        deferred: Deferred[Any] = Deferred()
        told = self._told.get(kind)
        if told:
            deferred.callback(told.pop(0))
        else:
            self._awaited.setdefault(kind, []).append(deferred)
        return deferred.addTimeout(PATIENCE_S, reactor)

    def _tell(self, kind: str, news: Any) -> None:
        awaited = self._awaited.get(kind)
        if awaited:
            awaited.pop(0).callback(news)
        else:
            self._told.setdefault(kind, []).append(news)


class Prompt(random.Random):
    """Dials again at once."""

    def uniform(self, a: float, b: float) -> float:
        return a


class Client:
    """A link and its listener."""

    def __init__(self, address: BrokerAddress | str, *topics: str, client_id: str = "qyzn-bridge", **options: Any) -> None:
        self.listener = Listener()
        address = parse_address(address) if isinstance(address, str) else address
        subscriptions = [Subscription(topic, retain_handling=0) for topic in topics]
        connect_options = ConnectOptions(client_id, **options)
        self.link = Link(reactor, address, connect_options, OFFLINE, subscriptions, self.listener, Prompt())
        self.link.startService()

    async def up(self) -> BrokerLimits:
        limits: BrokerLimits = await self.listener.next("up")
        return limits

    async def down(self) -> str:
        reason: str = await self.listener.next("down")
        return reason

    async def message(self) -> Message:
        message: Message = await self.listener.next("message")
        return message

    async def fatal(self) -> BrokerRefused:
        error: BrokerRefused = await self.listener.next("fatal")
        return error


class Lines:
    """What the link logs; `await lines.with_("TLS")` is the first line with that in it, logged already or not."""

    def __init__(self) -> None:
        self.seen: list[str] = []
        self._awaited: list[tuple[str, Deferred[str]]] = []

    def with_(self, part: str) -> Deferred[str]:
        deferred: Deferred[str] = Deferred()
        self._awaited.append((part, deferred))
        self._look()
        return deferred.addTimeout(PATIENCE_S, reactor)

    def observe(self, event: LogEvent) -> None:
        if event["log_namespace"].startswith("bridge."):
            self.seen.append(formatEvent(event) + (" TRACEBACK" if "log_failure" in event else ""))
            self._look()

    def _look(self) -> None:
        for part, deferred in self._awaited:
            found = [line for line in self.seen if part in line]
            if found and not deferred.called:
                deferred.callback(found[0])


Connect = Callable[..., Client]


@pytest.fixture
def lines() -> Iterator[Lines]:
    """What is logged meanwhile. Nothing that a broker does is worth a traceback."""
    collected = Lines()

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        collected.observe(event)

    globalLogPublisher.addObserver(observe)
    yield collected
    globalLogPublisher.removeObserver(observe)
    assert not [line for line in collected.seen if "TRACEBACK" in line]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Make links; all are stopped when the test ends."""
    clients: list[Client] = []

    def make(address: BrokerAddress | str, *topics: str, **options: Any) -> Client:
        clients.append(Client(address, *topics, **options))
        return clients[-1]

    yield make
    for client in clients:
        pytest_twisted.blockon(client.link.stopService())


def left_over() -> list[object]:
    """Timers of ours that are still to fire; the reactor has some of its own."""
    return [call for call in reactor.getDelayedCalls() if "bridge" in repr(call.func)]  # type: ignore[attr-defined]


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("protocol", ["5", "3.1.1", "auto"])
async def test_there_and_back(mosquitto: Broker, connect: Connect, protocol: str) -> None:
    client = connect(mosquitto.url, "qyzn/#", protocol=protocol)
    limits = await client.up()
    assert limits.protocol == ("3.1.1" if protocol == "3.1.1" else "5")
    sent = Publication("qyzn/a/event", b"\0\xff", 1, False, "a/b", (("event_id", "1"),), "qyzn/answer", b"c", 60)
    await client.link.publish(sent)
    received = await client.message()
    if limits.protocol == "5":
        assert received == Message("qyzn/a/event", b"\0\xff", 1, False, "a/b", (("event_id", "1"),), "qyzn/answer", b"c", 60)
    else:
        assert received == Message("qyzn/a/event", b"\0\xff", 1)
    await client.link.stopService()
    assert left_over() == []


@pytest_twisted.ensureDeferred
async def test_over_a_unix_socket(start_mosquitto: StartMosquitto, connect: Connect, tmp_path: Path) -> None:
    path = tmp_path / "mqtt.sock"
    start_mosquitto(BrokerSettings(general_lines=[f"listener 0 {path}", "allow_anonymous true"]))
    client = connect(f"mqtt+unix://{path}", "a")
    await client.up()
    await client.link.publish(Publication("a", b"b"))
    assert (await client.message()).payload == b"b"


@pytest_twisted.ensureDeferred
async def test_a_broker_that_is_stopped_and_started_again(mosquitto: Broker, connect: Connect) -> None:
    client = connect(mosquitto.url, "a")
    await client.up()
    mosquitto.stop()
    await client.down()
    with pytest.raises(BrokerAway):
        await client.link.publish(Publication("a", b""))
    mosquitto.start()
    await client.up()
    await client.link.publish(Publication("a", b"again"))
    assert (await client.message()).payload == b"again"


@pytest_twisted.ensureDeferred
async def test_a_broker_that_crashes_with_messages_on_the_way(mosquitto: Broker, connect: Connect) -> None:
    client = connect(mosquitto.url, "a")
    await client.up()
    mosquitto.freeze()
    published = [client.link.publish(Publication("a", bytes(100_000))) for _ in range(200)]
    mosquitto.kill()
    await client.down()
    for each in published:
        with pytest.raises(BrokerAway):
            await each
    mosquitto.start()
    await client.up()


@pytest_twisted.ensureDeferred
async def test_a_frozen_broker_is_noticed_by_the_keepalive(mosquitto: Broker, connect: Connect) -> None:
    client = connect(mosquitto.url, keepalive_s=1)
    await client.up()
    mosquitto.freeze()
    assert "Keep alive timeout" in await client.down()
    mosquitto.thaw()
    await client.up()


@pytest_twisted.ensureDeferred
async def test_tls_with_a_client_certificate(start_mosquitto: StartMosquitto, authority: CertificateAuthority, connect: Connect) -> None:
    settings = BrokerSettings(
        certificate=authority.server(), client_ca_file=authority.ca_file, listener_lines=["use_identity_as_username true"]
    )
    broker = start_mosquitto(settings)
    certificate = authority.client("bridge")
    files = {"cert_file": certificate.cert_file, "key_file": certificate.key_file, "ca_file": authority.ca_file}
    for host in ("localhost", "127.0.0.1"):
        client = connect(f"mqtts://{host}:{broker.port}", "a", client_id=host, **files)
        await client.up()
        await client.link.publish(Publication("a", bytes(200_000)))
        assert (await client.message()).payload == bytes(200_000)
        await client.link.goodbye(OFFLINE)
        assert left_over() == []
    assert "'bridge'" in broker.log


@pytest_twisted.ensureDeferred
async def test_tls_without_the_client_certificate(
    start_mosquitto: StartMosquitto, authority: CertificateAuthority, connect: Connect, lines: Lines
) -> None:
    broker = start_mosquitto(BrokerSettings(certificate=authority.server(), client_ca_file=authority.ca_file))
    client = connect(broker.url, ca_file=authority.ca_file)
    assert "certificate required" in await lines.with_("TLS")
    assert not client.link.is_up


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_tls_refuses_a_certificate_for_another_name(
    start_mosquitto: StartMosquitto, authority: CertificateAuthority, connect: Connect, lines: Lines, host: str
) -> None:
    broker = start_mosquitto(BrokerSettings(certificate=authority.server("elsewhere.example", "127.0.0.2"), users={"user": "secret"}))
    client = connect(f"mqtts://user:secret@{host}:{broker.port}", ca_file=authority.ca_file)
    assert f"the broker's certificate is for another name than {host}; next try in" in await lines.with_("TLS")
    assert not client.link.is_up
    assert "qyzn-bridge" not in broker.log, "nothing may be said to somebody else's broker"


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("trusts_another", [True, False], ids=["another authority", "the machine's authorities"])
async def test_tls_refuses_an_unknown_authority(
    start_mosquitto: StartMosquitto,
    authority: CertificateAuthority,
    connect: Connect,
    lines: Lines,
    tmp_path: Path,
    trusts_another: bool,
) -> None:
    broker = start_mosquitto(BrokerSettings(certificate=authority.server()))
    connect(broker.url, ca_file=CertificateAuthority(tmp_path / "other").ca_file if trusts_another else None)
    assert "certificate verify failed" in await lines.with_("TLS")
    assert "qyzn-bridge" not in broker.log


@pytest_twisted.ensureDeferred
async def test_tls_to_a_broker_without_it_and_the_other_way(
    mosquitto: Broker, start_mosquitto: StartMosquitto, authority: CertificateAuthority, connect: Connect, lines: Lines
) -> None:
    connect(f"mqtts://localhost:{mosquitto.port}")
    assert "Without, the URL begins with mqtt://)" in await lines.with_(f"broker mqtts://localhost:{mosquitto.port}: ")
    secure = start_mosquitto(BrokerSettings(certificate=authority.server()))
    connect(f"mqtt://localhost:{secure.port}")
    assert "Then the URL begins with mqtts://)" in await lines.with_(f"broker mqtt://localhost:{secure.port}: ")


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_user_and_password(start_mosquitto: StartMosquitto, connect: Connect, protocol: str) -> None:
    broker = start_mosquitto(BrokerSettings(users={"bridge": "right"}))
    good = connect(broker.url, client_id="good", username="bridge", password="right", protocol=protocol)
    await good.up()
    bad = connect(f"mqtt://bridge:wrong@{broker.host}:{broker.port}", client_id="bad", protocol=protocol)
    error = await bad.fatal()
    assert str(error) == "the broker refuses the connection: Not authorized"
    assert not bad.link.is_up
    assert good.link.is_up


@pytest_twisted.ensureDeferred
async def test_nobody_listens_and_then_somebody_does(mosquitto: Broker, connect: Connect, lines: Lines) -> None:
    mosquitto.stop()
    client = connect(mosquitto.url)
    assert "connection refused" in await lines.with_("next try")
    mosquitto.start()
    await client.up()


class Only311(Protocol):
    """A broker that refuses MQTT 5 as one of its time does, and accepts 3.1.1."""

    def dataReceived(self, data: bytes) -> None:
        assert self.transport is not None
        is_311 = data[2:9] == b"\0\x04MQTT\x04" or data[3:10] == b"\0\x04MQTT\x04"
        self.transport.write(b"\x20\x02\0\0" if is_311 else b"\x20\x02\0\x01")
        if not is_311:
            self.transport.loseConnection()


@pytest_twisted.ensureDeferred
async def test_a_broker_that_knows_no_mqtt_5(connect: Connect) -> None:
    listening = await TCP4ServerEndpoint(reactor, 0, interface="127.0.0.1").listen(Factory.forProtocol(Only311))
    client = connect(f"mqtt://127.0.0.1:{listening.getHost().port}")
    assert (await client.up()).protocol == "3.1.1"
    await client.link.stopService()
    await listening.stopListening()


@pytest_twisted.ensureDeferred
async def test_the_will_is_sent_when_the_link_is_cut(mosquitto: Broker, connect: Connect) -> None:
    watcher = connect(mosquitto.url, STATE, client_id="watcher")
    await watcher.up()
    bridge = connect(mosquitto.url)
    await bridge.up()
    await bridge.link.publish(Publication(STATE, b"online", retain=True))
    assert (await watcher.message()).payload == b"online"
    await bridge.link.stopService()
    will = await watcher.message()
    assert (will.payload, will.retain) == (b"offline", True)


@pytest_twisted.ensureDeferred
@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
async def test_no_will_after_goodbye(mosquitto: Broker, connect: Connect, protocol: str) -> None:
    watcher = connect(mosquitto.url, STATE, client_id="watcher")
    await watcher.up()
    bridge = connect(mosquitto.url, protocol=protocol)
    await bridge.up()
    await bridge.link.goodbye(Publication(STATE, b"goodbye"))
    await bridge.link.stopService()
    assert await bridge.down() == "disconnected"
    await watcher.link.publish(Publication(STATE, b"after"))
    assert [(await watcher.message()).payload for _ in range(2)] == [b"goodbye", b"after"]
    assert left_over() == [] or watcher.link.is_up


@pytest_twisted.ensureDeferred
async def test_taken_over_again_and_again(mosquitto: Broker, connect: Connect) -> None:
    first = connect(mosquitto.url)
    await first.up()
    second = connect(mosquitto.url)
    fatal = [each.listener.next("fatal") for each in (first, second)]
    error, loser = await DeferredList(fatal, fireOnOneCallback=True)
    assert "another client uses the client id 'qyzn-bridge'" in str(error)
    fatal[1 - loser].addErrback(lambda failure: failure.trap(CancelledError)).cancel()


@pytest_twisted.ensureDeferred
async def test_the_brokers_packet_size_is_obeyed(start_mosquitto: StartMosquitto, connect: Connect) -> None:
    broker = start_mosquitto(BrokerSettings(general_lines=["max_packet_size 20000"]))
    client = connect(broker.url)
    assert (await client.up()).maximum_packet_bytes == 20_000
    overhead = 1 + 3 + 2 + 1 + 2 + 1  # header, length, topic, identifier, no properties
    await client.link.publish(Publication("a", bytes(20_000 - overhead)))
    with pytest.raises(TooLarge) as caught:
        await client.link.publish(Publication("a", bytes(20_000 - overhead + 1)))
    assert (caught.value.size, caught.value.limit) == (20_001, 20_000)
    assert client.link.is_up


@pytest_twisted.ensureDeferred
async def test_thousands_through_a_small_window_in_order(start_mosquitto: StartMosquitto, connect: Connect) -> None:
    """mosquitto disconnects whoever sends more than its Receive Maximum."""
    broker = start_mosquitto(BrokerSettings(general_lines=["max_inflight_messages 5", "max_queued_messages 0"]))
    client = connect(broker.url, "qyzn/a/image/face")
    assert (await client.up()).receive_maximum == 5
    received: list[int] = []
    client.listener.message = lambda message: received.append(int(message.payload[:8]))  # type: ignore[method-assign]
    published, pauses = [], 0
    for number in range(2000):
        if client.link.congested:
            pauses += 1
            await client.link.when_drained()
        published.append(client.link.publish(Publication("qyzn/a/image/face", b"%08d" % number + bytes(50_000))))
    await gatherResults(published)
    assert pauses > 5
    await client.link.goodbye(OFFLINE)
    assert received == list(range(len(received)))
    assert len(received) > 1900, "the last few may be on their way back when it leaves"
