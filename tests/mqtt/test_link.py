from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import paho.mqtt.client as paho
import pytest
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionRefusedError, DNSLookupError
from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase  # for its assertions about Deferreds
from zope.interface import provider

from bridge.errors import BrokerAway, BrokerRefused, Invalid, TooLarge
from bridge.mqtt.address import parse_address
from bridge.mqtt.connection import CLOSE_TIMEOUT_S, ESTABLISH_TIMEOUT_S
from bridge.mqtt.link import DIAL_TIMEOUT_S, GOODBYE_S, Link
from bridge.mqtt.message import BrokerLimits, Message, Publication, Subscription
from bridge.mqtt.options import ConnectOptions
from bridge.mqtt.overdue import OVERDUE_S
from bridge.mqtt.window import HIGH_WATER_BYTES, MOST_IN_FLIGHT
from tests.mqtt.fake_broker import FakeBroker, Script

case = SynchronousTestCase()
WILL = Publication("qyzn/bridge/state", b"offline", retain=True)
EVENT = Publication("qyzn/a/event", b"{}")


class Recorder:
    """A listener that writes down what it is told; `acts` run on it."""

    def __init__(self) -> None:
        self.told: list[Any] = []
        self.messages: list[Message] = []
        self.act: Callable[[Message], object] = self.messages.append

    def link_up(self, limits: BrokerLimits) -> None:
        self.told.append(limits)

    def link_down(self, reason: str) -> None:
        self.told.append(reason)

    def message(self, message: Message) -> None:
        self.act(message)

    def link_fatal(self, error: BrokerRefused) -> None:
        self.told.append(error)


class Bench:
    """A link, the broker it dials, and a clock."""

    def __init__(
        self, script: Script | None = None, subscriptions: tuple[Subscription, ...] = (Subscription("qyzn/+/command/#"),), **options: Any
    ):
        self.clock = Clock()
        self.broker = FakeBroker(self.clock, script)
        self.listener = Recorder()
        self.link = Link(
            self.clock, parse_address("mqtt://user:secret@broker.example"), ConnectOptions("qyzn-bridge", **options), WILL, subscriptions,
            self.listener, random.Random(1), self.broker,
        )  # fmt: skip

    def start(self) -> Bench:
        self.link.startService()
        self.broker.flush()
        return self

    def is_up(self) -> bool:
        return self.link.is_up

    def advance(self, seconds: float) -> None:
        """Let time pass in small steps."""
        for _ in range(round(seconds * 4)):
            self.clock.advance(0.25)
            self.broker.flush()

    def publish(self, *publications: Publication) -> list[Deferred[None]]:
        published = [self.link.publish(publication) for publication in publications]
        self.broker.flush()
        return published

    def stop(self) -> None:
        """The link stops, and leaves nothing behind."""
        stopped = self.link.stopService()
        self.broker.flush()
        case.successResultOf(stopped)
        assert self.clock.getDelayedCalls() == []


@pytest.fixture
def lines() -> Any:
    """What is logged meanwhile, as text; a failure is a line of its own."""
    events: list[str] = []

    @provider(ILogObserver)
    def observe(event: LogEvent) -> None:
        if event["log_namespace"].startswith("bridge."):
            events.append((formatEvent(event)) + (" TRACEBACK" if "log_failure" in event else ""))

    globalLogPublisher.addObserver(observe)
    yield events
    globalLogPublisher.removeObserver(observe)


def failure_of(deferred: Deferred[None], kind: type[Exception]) -> Any:
    failure: Failure = case.failureResultOf(deferred, kind)
    return failure.value


def stumble(*_: object) -> None:
    raise KeyError("a defect")


# Coming up


@pytest.mark.parametrize(("protocol", "level"), [("auto", 5), ("5", 5), ("3.1.1", 4)])
def test_it_introduces_itself(protocol: str, level: int) -> None:
    bench = Bench(protocol=protocol, keepalive_s=45).start()
    connect = bench.broker.last.connect
    assert connect is not None
    assert (connect.level, connect.keepalive_s) == (level, 45)
    assert connect.flags == 0b1110_1110, "user, password, retained will with QoS 1, clean start"
    assert b"\x00\x0bqyzn-bridge" in connect.rest
    assert connect.rest.endswith(b"\x00\x11qyzn/bridge/state\x00\x07offline\x00\x04user\x00\x06secret")
    if connect.properties is not None:
        assert connect.properties.SessionExpiryInterval == 0
        assert connect.properties.MaximumPacketSize == 16 << 20
    assert b"qyzn/+/command/#" in bench.broker.last.subscribed
    assert bench.broker.last.transport.no_delay
    assert bench.is_up()
    assert bench.listener.told == [bench.link.limits]
    bench.stop()


def test_the_options_win_over_the_address() -> None:
    bench = Bench(username="other", password="word").start()
    assert bench.broker.last.connect is not None
    assert bench.broker.last.connect.rest.endswith(b"\x00\x05other\x00\x04word")
    bench.stop()


def test_a_will_that_mqtt_cannot_say_is_told_at_once() -> None:
    arguments = (ConnectOptions("id"), Publication("a/#", b""), (), Recorder(), random.Random(1))
    with pytest.raises(Invalid):
        Link(Clock(), parse_address("mqtt://host"), *arguments, FakeBroker(Clock()))


def test_it_is_up_only_after_the_suback() -> None:
    bench = Bench(Script(suback=None)).start()
    assert not bench.is_up()
    failure_of(bench.link.publish(EVENT), BrokerAway)
    assert bench.listener.told == []
    bench.broker.last.send(b"\x90\x04\0\x01\0\x01")
    assert bench.is_up()
    bench.stop()


def test_without_subscriptions_the_connack_is_enough() -> None:
    bench = Bench(subscriptions=()).start()
    assert bench.is_up()
    assert bench.broker.last.subscribed == b""
    bench.stop()


def test_messages_before_the_suback_wait_until_the_link_is_up() -> None:
    bench = Bench(Script(suback=None)).start()
    bench.listener.act = lambda message: bench.listener.told.append(message.topic)
    bench.broker.last.publish(b"early", b"")
    assert bench.listener.told == []
    bench.broker.last.send(b"\x90\x04\0\x01\0\x01")
    assert bench.listener.told == [bench.link.limits, "early"]
    bench.stop()


@pytest.mark.parametrize("script", [Script(connack=None), Script(suback=None)])
def test_a_broker_that_does_not_answer_is_left(script: Script, lines: list[str]) -> None:
    bench = Bench(script).start()
    bench.advance(ESTABLISH_TIMEOUT_S)
    assert bench.broker.conversations[0].transport.is_aborted
    assert "within 10 s" in lines[0]
    assert bench.listener.told == []
    bench.stop()


def test_a_dial_that_takes_too_long_is_given_up(lines: list[str]) -> None:
    bench = Bench()
    bench.broker.never_connects = True
    bench.start()
    bench.advance(DIAL_TIMEOUT_S)
    assert bench.broker.cancelled == 1
    bench.advance(1)
    assert bench.broker.attempts == 2
    assert "no connection in time" in lines[0]
    bench.stop()
    assert bench.broker.cancelled == 2


# Being refused, and trying again


@pytest.mark.parametrize(("code", "level"), [(0x86, 5), (0x87, 5), (0x8A, 5), (0x85, 5), (4, 4), (5, 4), (2, 4)])
def test_refused_for_good(code: int, level: int, lines: list[str]) -> None:
    bench = Bench(Script(connack=code), protocol="5" if level == 5 else "3.1.1").start()
    (error,) = bench.listener.told
    assert isinstance(error, BrokerRefused)
    assert str(error).startswith("the broker refuses the connection: ")
    bench.advance(120)
    assert bench.broker.attempts == 1
    assert lines == []
    bench.stop()


@pytest.mark.parametrize(("code", "protocol"), [(0x88, "5"), (0x97, "5"), (3, "3.1.1")])
def test_refused_for_now(code: int, protocol: str, lines: list[str]) -> None:
    script = Script(connack=code)
    bench = Bench(script, protocol=protocol).start()
    assert bench.listener.told == []
    script.connack = 0
    bench.advance(1)
    assert bench.is_up()
    assert len(lines) == 2
    bench.stop()


def test_a_refused_subscription_names_its_filter() -> None:
    bench = Bench(Script(suback=0x87)).start()
    (error,) = bench.listener.told
    assert str(error) == "the broker refuses the subscription to qyzn/+/command/#: Not authorized"
    assert not bench.is_up()
    bench.stop()


SEVERAL = (Subscription("qyzn/+/command/#"), Subscription("homeassistant/status", needed=False))


def test_a_subscription_that_is_not_needed_may_be_refused(lines: list[str]) -> None:
    bench = Bench(Script(suback=(1, 0x87)), SEVERAL).start()
    assert bench.is_up()
    assert "the broker refuses the subscription to homeassistant/status: Not authorized; the bridge goes on without it" in lines
    bench.stop()


def test_of_several_the_one_that_is_needed_may_not(lines: list[str]) -> None:
    bench = Bench(Script(suback=(0x87, 0x87)), SEVERAL).start()
    assert not bench.is_up()
    bench.stop()


def test_what_is_retained_is_asked_for_until_it_is_known() -> None:
    several = (Subscription("a/+", retain_handling=0), Subscription("b", retain_handling=0))
    bench = Bench(Script(suback=(1, 1)), several).start()
    assert retain_handling(bench) == [0, 0]
    bench.link.skip_retained("a/+")
    bench.link.skip_retained("nowhere")
    bench.broker.last.lose()
    bench.advance(2)
    assert bench.is_up()
    assert retain_handling(bench) == [2, 0]
    bench.stop()


def retain_handling(bench: Bench) -> list[int]:
    """Of `a/+` and `b` in the last SUBSCRIBE, from the options behind each (MQTT 5, 3.8.3.1)."""
    return [bench.broker.last.subscribed.split(name)[1][0] >> 4 & 3 for name in (b"\0\x03a/+", b"\0\x01b")]


def test_a_broker_without_mqtt_5_is_spoken_to_in_3_1_1_at_once() -> None:
    bench = Bench(Script(speaks=(4,))).start()
    assert [conversation.level for conversation in bench.broker.conversations] == [5, 4]
    assert bench.link.limits is not None
    assert bench.link.limits.protocol == "3.1.1"
    bench.broker.last.lose()
    bench.advance(1)
    assert bench.broker.last.level == 4
    bench.stop()


def test_a_broker_that_hangs_up_on_mqtt_5_too() -> None:
    bench = Bench(Script(hangs_up_on=(5,))).start()
    bench.advance(1)
    assert [conversation.level for conversation in bench.broker.conversations] == [5, 4]
    bench.broker.last.lose()
    bench.advance(8)
    assert [conversation.level for conversation in bench.broker.conversations] == [5, 4, 5, 4]
    bench.stop()


def test_a_broker_without_mqtt_5_when_5_is_asked_for() -> None:
    bench = Bench(Script(speaks=(4,)), protocol="5").start()
    (error,) = bench.listener.told
    assert "protocol version" in str(error)
    bench.stop()


def test_a_will_that_may_not_be_retained() -> None:
    script = Script(connack=0x9A)
    bench = Bench(script)
    bench.link.startService()
    assert len(bench.broker.conversations) == 1
    bench.clock.advance(0)
    bench.broker.last.read()
    script.connack, script.connack_properties = 0, {"RetainAvailable": 0}
    bench.broker.flush()
    assert bench.broker.last.connect is not None
    assert bench.broker.last.connect.flags & 0x20 == 0
    (published,) = bench.publish(Publication("a", b"b", retain=True))
    case.successResultOf(published)
    assert not bench.broker.last.published[0].retain, "the broker would close the connection"
    bench.stop()


def test_a_broker_that_is_away_is_dialled_again_and_said_so_once(lines: list[str]) -> None:
    bench = Bench()
    bench.broker.failures.extend([ConnectionRefusedError()] * 3 + [DNSLookupError("no")] * 2)
    bench.start()
    bench.advance(40)
    assert bench.is_up()
    assert bench.broker.attempts == 6
    assert len(lines) == 3
    assert "connection refused" in lines[0]
    assert "host name" in lines[1]
    assert "connected, MQTT 5" in lines[2]
    assert not any("secret" in line or "TRACEBACK" in line for line in lines)
    bench.stop()


def test_a_broker_that_stays_away_is_mentioned_now_and_then(lines: list[str]) -> None:
    bench = Bench()
    bench.broker.failures.extend([ConnectionRefusedError()] * 1000)
    bench.start()
    bench.advance(1000)
    assert bench.broker.attempts > 20
    assert 3 <= len(lines) <= 4
    bench.stop()


def test_a_rival_ends_it() -> None:
    bench = Bench().start()
    for _ in range(2):
        bench.broker.last.disconnect(0x8E)
        bench.advance(5)
        assert bench.is_up()
    bench.broker.last.disconnect(0x8E)
    bench.broker.flush()
    assert "another client uses the client id 'qyzn-bridge'" in str(bench.listener.told[-1])
    bench.advance(120)
    assert bench.broker.attempts == 3
    bench.stop()


def test_a_rival_that_the_broker_does_not_mention_ends_it_too() -> None:
    bench = Bench().start()
    for _ in range(4):
        bench.broker.last.lose()
        bench.advance(10)
        assert bench.is_up()
    bench.broker.last.lose()
    bench.broker.flush()
    assert "another client uses the client id" in str(bench.listener.told[-1])
    bench.stop()


# Publishing


def test_done_at_the_puback_and_in_order() -> None:
    bench = Bench(Script(puback=None)).start()
    first, second = bench.publish(EVENT, Publication("b", b"2", retain=True))
    case.assertNoResult(first)
    one, two = bench.broker.last.published
    assert (one.topic, one.payload, one.qos, one.retain) == ("qyzn/a/event", b"{}", 1, False)
    assert (two.topic, two.payload, two.qos, two.retain) == ("b", b"2", 1, True)
    bench.broker.last.puback(two.packet_id)
    case.successResultOf(second)
    case.assertNoResult(first)
    bench.broker.last.puback(one.packet_id)
    bench.broker.last.puback(one.packet_id)
    case.successResultOf(first)
    bench.stop()


def test_qos_0_is_done_when_it_is_written() -> None:
    bench = Bench(Script(puback=None)).start()
    done = bench.link.publish(Publication("health", b"{}", qos=0))
    case.assertNoResult(done)
    bench.broker.flush()
    case.successResultOf(done)
    bench.stop()


def test_thousands_at_qos_0_take_the_place_of_nothing_that_waits_for_its_puback() -> None:
    bench = Bench(Script(puback=None)).start()
    (event,) = bench.publish(EVENT)
    (of_the_event,) = bench.broker.last.published
    for _ in range(of_the_event.packet_id):  # paho counts these, too
        bench.publish(Publication("health", b"{}", qos=0))
    bench.broker.last.puback(of_the_event.packet_id)
    bench.broker.flush()
    case.successResultOf(event)
    bench.stop()


def test_nobody_listening_is_no_failure() -> None:
    bench = Bench(Script(puback=0x10)).start()
    (done,) = bench.publish(EVENT)
    case.successResultOf(done)
    bench.stop()


def test_a_puback_that_says_no() -> None:
    bench = Bench(Script(puback=0x87)).start()
    (done,) = bench.publish(EVENT)
    error = failure_of(done, BrokerRefused)
    assert (error.code, error.reason) == (0x87, "Not authorized")
    assert bench.is_up()
    bench.stop()


def test_the_brokers_receive_maximum_is_obeyed() -> None:
    bench = Bench(Script(puback=None, connack_properties={"ReceiveMaximum": 3})).start()
    done = bench.publish(*[Publication("t", b"%d" % number) for number in range(10)])
    published = bench.broker.last.published
    for acknowledged in range(10):
        assert len(published) == min(10, acknowledged + 3)
        bench.broker.last.puback(published[acknowledged].packet_id)
        bench.broker.flush()
    assert [each.payload for each in published] == [b"%d" % number for number in range(10)]
    assert all(each.called for each in done)
    bench.stop()


def test_a_broker_without_a_limit_gets_no_more_than_ours() -> None:
    bench = Bench(Script(puback=None)).start()
    bench.publish(*[EVENT] * (MOST_IN_FLIGHT + 20))
    assert len(bench.broker.last.published) == MOST_IN_FLIGHT
    bench.stop()


def test_the_brokers_maximum_packet_size_is_obeyed_to_the_byte() -> None:
    bench = Bench(Script(connack_properties={"MaximumPacketSize": 100})).start()
    fits, does_not = Publication("t" * 10, b"x" * 83), Publication("t" * 10, b"x" * 84)
    first, second = bench.publish(fits, does_not)
    case.successResultOf(first)
    error = failure_of(second, TooLarge)
    assert (error.size, error.limit) == (101, 100)
    assert [each.packet_bytes for each in bench.broker.last.published] == [100]
    bench.stop()


def test_a_broker_without_qos_1() -> None:
    bench = Bench(Script(connack_properties={"MaximumQoS": 0}, puback=None)).start()
    (done,) = bench.publish(EVENT)
    case.successResultOf(done)
    assert bench.broker.last.published[0].qos == 0
    bench.stop()


def test_what_mqtt_cannot_say_is_told_and_harms_nothing() -> None:
    bench = Bench().start()
    wrong, right = bench.publish(Publication("a/#", b""), EVENT)
    failure_of(wrong, Invalid)
    case.successResultOf(right)
    bench.stop()


def test_properties_go_out_on_5_only() -> None:
    publication = Publication("r", b"", content_type="a/b", user_properties=(("k", "v"),), correlation_data=b"c", expiry_s=7)
    bench = Bench().start()
    bench.publish(publication)
    properties = bench.broker.last.published[0].properties
    assert properties is not None
    assert (properties.ContentType, properties.UserProperty, properties.CorrelationData) == ("a/b", [("k", "v")], b"c")
    assert properties.MessageExpiryInterval == 7
    bench.stop()
    older = Bench(protocol="3.1.1").start()
    (done,) = older.publish(publication)
    case.successResultOf(done)
    older.stop()


def test_a_transport_that_is_full_is_waited_for() -> None:
    bench = Bench(Script(puback=None)).start()
    producer = bench.broker.last.transport.producer
    producer.pauseProducing()
    (done,) = bench.publish(Publication("health", b"{}", qos=0))
    assert bench.broker.last.published == []
    case.assertNoResult(done)
    producer.resumeProducing()
    bench.broker.flush()
    case.successResultOf(done)
    bench.stop()


def test_too_much_is_told_and_so_is_its_end() -> None:
    bench = Bench(Script(puback=None, connack_properties={"ReceiveMaximum": 1})).start()
    size = HIGH_WATER_BYTES // 4
    bench.publish(*[Publication("image", bytes(size))] * 6)
    assert bench.link.congested
    drained = bench.link.when_drained()
    for number in range(5):
        case.assertNoResult(drained)
        bench.broker.last.puback(bench.broker.last.published[number].packet_id)
        bench.broker.flush()
    case.successResultOf(drained)
    case.successResultOf(bench.link.when_drained())
    bench.stop()


def test_publishing_from_a_callback_keeps_the_order() -> None:
    bench = Bench(Script(connack_properties={"ReceiveMaximum": 1})).start()
    first = bench.link.publish(Publication("1", b""))
    first.addCallback(lambda _: bench.link.publish(Publication("3", b"")))
    bench.publish(Publication("2", b""))
    assert [each.topic for each in bench.broker.last.published] == ["1", "2", "3"]
    bench.stop()


def test_cancelled() -> None:
    bench = Bench(Script(puback=None, connack_properties={"ReceiveMaximum": 1})).start()
    on_its_way, waiting, last = bench.publish(*[Publication(name, b"") for name in "abc"])
    for each in (on_its_way, waiting):
        each.cancel()
        failure_of(each, CancelledError)
    bench.broker.last.puback(bench.broker.last.published[0].packet_id)
    bench.broker.flush()
    assert [each.topic for each in bench.broker.last.published] == ["a", "c"]
    case.assertNoResult(last)
    last.addErrback(lambda failure: failure.trap(BrokerAway))
    bench.stop()


# Losing the connection


def test_everything_unacknowledged_fails_and_is_not_sent_again(lines: list[str]) -> None:
    script = Script(puback=None, connack_properties={"ReceiveMaximum": 1})
    bench = Bench(script).start()
    on_its_way, waiting = bench.publish(EVENT, EVENT)
    again: list[Deferred[None]] = []

    def publish_again(failure: Failure) -> None:
        failure.trap(BrokerAway)
        again.append(bench.link.publish(EVENT))

    on_its_way.addErrback(publish_again)
    bench.broker.last.lose()
    assert not bench.is_up()
    assert bench.link.limits is None
    failure_of(waiting, BrokerAway)
    failure_of(again[0], BrokerAway)
    assert bench.listener.told[1:] == ["the connection was lost"]
    bench.advance(1)
    assert bench.is_up()
    assert bench.broker.last.published == []
    assert b"qyzn/+/command/#" in bench.broker.last.subscribed
    assert [line.partition(": ")[2] for line in lines] == ["connected, MQTT 5", "gone: the connection was lost", "connected, MQTT 5"]
    bench.stop()


@pytest.mark.parametrize("goes_on", [True, False])
def test_a_puback_that_never_comes_ends_the_connection_and_frees_the_window(goes_on: bool, lines: list[str]) -> None:
    bench = Bench(Script(puback=None)).start()
    (lost,) = bench.publish(Publication("a", b"first"))
    bench.broker.last.script.puback = 0
    for _ in range(int(OVERDUE_S) - 5):
        done = bench.publish(Publication("a", b"later")) if goes_on else []
        assert all(each.called for each in done)
        bench.advance(1)
    assert bench.is_up()
    bench.advance(20)
    assert failure_of(lost, BrokerAway).reason == "no PUBACK for a message within 60 s"
    assert bench.is_up()
    assert bench.broker.attempts == 2
    assert any("gone: no PUBACK for a message within 60 s" in line for line in lines)
    bench.stop()


def test_who_waits_for_room_is_woken_by_the_loss() -> None:
    bench = Bench(Script(puback=None, connack_properties={"ReceiveMaximum": 1})).start()
    published = bench.publish(*[Publication("image", bytes(HIGH_WATER_BYTES))] * 3)
    drained = bench.link.when_drained()
    bench.broker.last.lose()
    case.successResultOf(drained)
    for each in published:
        failure_of(each, BrokerAway)
    bench.stop()


def test_the_brokers_reason_is_told() -> None:
    bench = Bench().start()
    bench.broker.last.disconnect(0x8B)
    assert bench.listener.told[-1] == "the broker says: Server shutting down"
    bench.stop()


@pytest.mark.parametrize("rubbish", [b"\xff\0", b"\x40\x01\0", b"\x30\x03\0\x09a", b"\x40\x03\0\x01\x63"])
def test_a_broker_that_does_not_speak_mqtt_is_left(rubbish: bytes, lines: list[str]) -> None:
    bench = Bench(Script(puback=None)).start()
    (done,) = bench.publish(EVENT)
    bench.broker.last.send(rubbish)
    bench.broker.flush()
    failure_of(done, BrokerAway)
    assert bench.listener.told[-1] == "given up: Protocol error"
    assert not any("TRACEBACK" in line for line in lines)
    bench.advance(1)
    assert bench.is_up()
    bench.stop()


def test_a_defect_of_paho_ends_the_connection_and_nothing_else(monkeypatch: pytest.MonkeyPatch, lines: list[str]) -> None:
    bench = Bench(Script(puback=None)).start()
    (done,) = bench.publish(EVENT)
    with monkeypatch.context() as patched:
        patched.setattr(paho.Client, "_handle_publish", stumble)
        bench.broker.last.publish(b"a/b", b"")
        bench.broker.flush()
    failure_of(done, BrokerAway)
    assert any(line.endswith("TRACEBACK") for line in lines)
    bench.advance(1)
    assert bench.is_up()
    bench.stop()


# Keepalive


@pytest.fixture
def paho_on_our_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[Clock], None]:
    """paho looks at time.monotonic by itself; here it looks at the test's clock."""
    return lambda clock: monkeypatch.setattr(paho, "time_func", lambda: 1000.0 + clock.seconds())


def test_a_quiet_link_is_kept_alive(paho_on_our_clock: Callable[[Clock], None]) -> None:
    bench = Bench(keepalive_s=10)
    paho_on_our_clock(bench.clock)
    bench.start()
    bench.advance(60)
    assert bench.is_up()
    assert 5 <= bench.broker.last.pings <= 6
    bench.stop()


def test_the_servers_keepalive_counts(paho_on_our_clock: Callable[[Clock], None]) -> None:
    bench = Bench(Script(connack_properties={"ServerKeepAlive": 4}), keepalive_s=60)
    paho_on_our_clock(bench.clock)
    bench.start()
    bench.advance(20)
    assert bench.broker.last.pings >= 4
    bench.stop()


@pytest.mark.parametrize("keeps_open", [False, True])
def test_a_broker_that_no_longer_answers_is_noticed(paho_on_our_clock: Callable[[Clock], None], keeps_open: bool) -> None:
    bench = Bench(Script(pingresp=False, puback=None), keepalive_s=10)
    paho_on_our_clock(bench.clock)
    bench.start()
    (done,) = bench.publish(EVENT)
    bench.broker.last.transport.keeps_open = keeps_open
    bench.advance(2 * 10 * 1.25 + CLOSE_TIMEOUT_S)
    failure_of(done, BrokerAway)
    assert bench.listener.told[1] == "given up: Keep alive timeout"
    bench.stop()


def test_a_broker_that_acknowledges_is_there_however_late_its_pingresp_is(paho_on_our_clock: Callable[[Clock], None]) -> None:
    """On a slow network PINGREQ waits behind pictures."""
    bench = Bench(Script(pingresp=False), keepalive_s=10)
    paho_on_our_clock(bench.clock)
    bench.start()
    bench.advance(14)  # there is a PINGREQ under way
    assert bench.broker.last.pings == 1
    for _ in range(12):
        bench.publish(EVENT)
        bench.advance(3)
    assert bench.broker.attempts == 1
    bench.advance(10 * 1.25 + CLOSE_TIMEOUT_S)
    assert bench.listener.told[1] == "given up: Keep alive timeout"
    bench.stop()


# Messages


def test_a_message_with_everything() -> None:
    bench = Bench().start()
    bench.broker.last.publish(
        "qyzn/ü/command/open_door".encode(), b"{}", 1, True, ContentType="a/b", UserProperty=[("k", "v"), ("k", "w")],
        ResponseTopic="here", CorrelationData=b"\0", MessageExpiryInterval=9,
    )  # fmt: skip
    expected = Message("qyzn/ü/command/open_door", b"{}", 1, True, "a/b", (("k", "v"), ("k", "w")), "here", b"\0", 9)
    assert bench.listener.messages == [expected]
    bench.stop()


def test_a_topic_that_is_none_is_dropped_and_counted(lines: list[str]) -> None:
    bench = Bench().start()
    bench.broker.last.publish(b"a/\xff", b"{}", 1)
    bench.broker.last.publish(b"b", b"{}", 1)
    assert [message.topic for message in bench.listener.messages] == ["b"]
    assert bench.link.dropped_messages == 1
    assert bench.is_up()
    bench.stop()


def test_a_listener_may_publish_from_a_message() -> None:
    bench = Bench().start()
    bench.listener.act = lambda message: bench.link.publish(Publication("answer", message.payload))
    for number in range(3):
        bench.broker.last.publish(b"command", b"%d" % number, 1)
    bench.broker.flush()
    assert [each.payload for each in bench.broker.last.published] == [b"0", b"1", b"2"]
    bench.stop()


def test_a_listener_that_fails_is_logged_and_the_next_message_comes(lines: list[str]) -> None:
    bench = Bench().start()
    bench.listener.act = stumble
    bench.broker.last.publish(b"a", b"", 1)
    assert lines[-1].endswith("TRACEBACK")
    bench.listener.act = bench.listener.messages.append
    bench.broker.last.publish(b"b", b"", 1)
    assert [message.topic for message in bench.listener.messages] == ["b"]
    assert bench.is_up()
    bench.stop()


# Leaving


def test_goodbye_is_published_and_then_disconnects() -> None:
    bench = Bench(Script(puback=None)).start()
    (before,) = bench.publish(EVENT)
    gone = bench.link.goodbye(WILL)
    failure_of(bench.link.publish(EVENT), BrokerAway)
    bench.broker.flush()
    event, offline = bench.broker.last.published
    assert (offline.topic, offline.payload, offline.retain) == ("qyzn/bridge/state", b"offline", True)
    case.assertNoResult(gone)
    for each in (event, offline):
        bench.broker.last.puback(each.packet_id)
    bench.broker.flush()
    case.successResultOf(before)
    case.successResultOf(gone)
    assert bench.broker.last.is_disconnected
    assert bench.listener.told[-1] == "disconnected"
    assert bench.clock.getDelayedCalls() == []
    bench.stop()
    assert bench.broker.attempts == 1


def test_goodbye_without_a_puback_leaves_it_to_the_will() -> None:
    bench = Bench(Script(puback=None)).start()
    gone = bench.link.goodbye(WILL)
    bench.advance(GOODBYE_S)
    case.successResultOf(gone)
    assert not bench.broker.last.is_disconnected
    assert bench.broker.last.transport.is_aborted
    bench.stop()


def test_goodbye_to_a_broker_that_takes_no_more_is_bounded() -> None:
    bench = Bench().start()
    bench.broker.last.transport.keeps_open = True
    gone = bench.link.goodbye(WILL)
    bench.advance(CLOSE_TIMEOUT_S + 0.25)
    case.successResultOf(gone)
    bench.stop()


@pytest.mark.parametrize("turns", [0, 1])
def test_goodbye_while_the_broker_is_away(turns: int) -> None:
    bench = Bench()
    bench.broker.failures.extend([ConnectionRefusedError()] * 10)
    if turns:
        bench.start()
    case.successResultOf(bench.link.goodbye(WILL))
    assert bench.clock.getDelayedCalls() == []
    bench.stop()


@pytest.mark.parametrize("script", [Script(), Script(connack=None), Script(suback=None), Script(connack=0x88)])
def test_stopping_at_any_time_leaves_nothing(script: Script) -> None:
    bench = Bench(script).start()
    published = bench.link.publish(EVENT).addErrback(lambda failure: failure.trap(BrokerAway))
    bench.stop()
    assert published.called
    assert not bench.broker.last.is_disconnected, "the will is to be sent"


def test_it_can_be_started_again() -> None:
    bench = Bench().start()
    bench.stop()
    bench.start()
    assert bench.is_up()
    bench.stop()


def test_a_listener_may_stop_the_link_from_a_message() -> None:
    bench = Bench().start()
    bench.listener.act = lambda message: bench.link.stopService()
    bench.broker.last.publish(b"stop", b"")
    bench.broker.flush()
    assert not bench.is_up()
    assert bench.clock.getDelayedCalls() == []
