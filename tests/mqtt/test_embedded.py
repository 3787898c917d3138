"""The life of the child process, with a reactor that spawns nothing. What mosquitto itself does: tests/integration/test_embedded.py."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.error import ProcessDone, ProcessExitedAlready, ProcessTerminated
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase  # for its assertions about Deferreds

from bridge.errors import BrokerAway, ConfigError
from bridge.mqtt.embedded import GOOD_AFTER_S, LINE_BYTES, LONGEST_PAUSE_S, TERM_S, EmbeddedBroker, MosquittoProcess

case = SynchronousTestCase()


class FakeProcess:
    """The transport of a child: records what is done to it, and ends when the test says so."""

    def __init__(self, protocol: MosquittoProcess, arguments: list[str], environment: dict[str, str]) -> None:
        self.protocol, self.arguments, self.environment = protocol, arguments, environment
        self.signals: list[str] = []
        self.pid: int | None = 4711
        self.stdin_is_open = True
        protocol.makeConnection(self)

    def signalProcess(self, name: str) -> None:  # noqa: N802 - Twisted's name
        if self.pid is None:
            raise ProcessExitedAlready
        self.signals.append(name)

    def closeStdin(self) -> None:  # noqa: N802 - Twisted's name
        self.stdin_is_open = False

    def write_line(self, line: str) -> None:
        self.protocol.errReceived(line.encode() + b"\n")

    def run(self) -> None:
        self.write_line("mosquitto version 2.0.11 running")

    def end(self, code: int = 0, signal: int | None = None) -> None:
        self.pid = None
        self.protocol.errConnectionLost()
        assert not self.stdin_is_open, "the watcher's pipe is still open: Twisted would wait for it"
        self.protocol.processEnded(Failure(ProcessTerminated(code, signal) if code or signal else ProcessDone(0)))


class FakeReactor(Clock):
    def __init__(self) -> None:
        super().__init__()
        self.processes: list[FakeProcess] = []

    def spawnProcess(self, protocol: MosquittoProcess, _executable: str, args: list[str], env: dict[str, str]) -> None:  # noqa: N802
        self.processes.append(FakeProcess(protocol, args, env))

    @property
    def child(self) -> FakeProcess:
        return self.processes[-1]


@pytest.fixture
def reactor() -> FakeReactor:
    return FakeReactor()


@pytest.fixture
def broker(reactor: FakeReactor, tmp_path: Path) -> EmbeddedBroker:
    return make(reactor, tmp_path)


def make(reactor: FakeReactor, directory: Path, **options: Any) -> EmbeddedBroker:
    return EmbeddedBroker(reactor, "127.0.0.1", 1883, directory, random=random.Random(1), executable="/sbin/mosquitto", **options)


def test_it_is_ready_when_mosquitto_says_so(broker: EmbeddedBroker, reactor: FakeReactor) -> None:
    broker.startService()
    waiting = broker.ready()
    reactor.child.write_line("mosquitto version 2.0.11 starting")
    case.assertNoResult(waiting)
    reactor.child.protocol.errReceived(b"mosquitto version 2.1.2 run")
    case.assertNoResult(waiting)
    reactor.child.protocol.errReceived(b"ning\nNew connection")
    case.successResultOf(waiting)
    case.successResultOf(broker.ready())
    assert broker.pid == 4711


def test_a_waiter_may_give_up(broker: EmbeddedBroker, reactor: FakeReactor) -> None:
    broker.startService()
    waiting = broker.ready()
    waiting.cancel()
    case.failureResultOf(waiting)
    reactor.child.run()


def test_a_first_start_that_fails_is_the_operators(broker: EmbeddedBroker, reactor: FakeReactor) -> None:
    broker.startService()
    waiting = broker.ready()
    reactor.child.write_line("Error: Address already in use")
    reactor.child.end(code=1)
    for ready in (waiting, broker.ready()):
        assert "port 1883 on 127.0.0.1, which is in use" in str(case.failureResultOf(ready, ConfigError).value)
    assert reactor.getDelayedCalls() == []
    case.successResultOf(broker.stopService())


def test_the_last_words_need_no_end_of_line(broker: EmbeddedBroker, reactor: FakeReactor) -> None:
    broker.startService()
    reactor.child.protocol.errReceived(b"one thing\n" + b"x" * LINE_BYTES * 2)
    reactor.child.end(code=1)
    error = case.failureResultOf(broker.ready(), ConfigError).value
    assert error.got == "x" * LINE_BYTES


def test_an_end_without_words_is_told_by_its_code(broker: EmbeddedBroker, reactor: FakeReactor) -> None:
    broker.startService()
    reactor.child.end(signal=9)
    assert "signal 9" in str(case.failureResultOf(broker.ready(), ConfigError).value)


def test_a_directory_that_cannot_be_made_is_told(reactor: FakeReactor, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    broker = make(reactor, tmp_path / "file" / "mosquitto")
    broker.startService()
    assert str(tmp_path) in str(case.failureResultOf(broker.ready(), ConfigError).value)


def test_it_is_started_again_first_at_once_then_later_and_later(broker: EmbeddedBroker, reactor: FakeReactor) -> None:
    broker.startService()
    reactor.child.run()
    pauses = []
    for run in range(1, 12):
        reactor.child.end(signal=11)
        waiting = broker.ready()
        (timer,) = reactor.getDelayedCalls()
        pauses.append(timer.getTime() - reactor.seconds())
        reactor.advance(pauses[-1])
        assert len(reactor.processes) == run + 1
        reactor.child.run()
        case.successResultOf(waiting)
    assert pauses[0] == pytest.approx(0.1)
    assert pauses[1] <= 0.2
    assert max(pauses) <= LONGEST_PAUSE_S
    assert LONGEST_PAUSE_S / 2 <= pauses[-1] != pauses[-2]
    reactor.advance(GOOD_AFTER_S)
    reactor.child.end(code=1)
    assert reactor.getDelayedCalls()[0].getTime() - reactor.seconds() == pytest.approx(0.1)


def test_once_it_ran_even_a_failed_start_is_tried_again(broker: EmbeddedBroker, reactor: FakeReactor) -> None:
    broker.startService()
    reactor.child.run()
    reactor.child.end(signal=9)
    reactor.advance(0.1)
    reactor.child.write_line("Error: Address already in use")
    reactor.child.end(code=1)
    assert len(reactor.getDelayedCalls()) == 1
    case.successResultOf(broker.stopService())
    assert reactor.getDelayedCalls() == []


def test_stopping_waits_until_it_has_ended(broker: EmbeddedBroker, reactor: FakeReactor) -> None:
    broker.startService()
    reactor.child.run()
    stopped, again = broker.stopService(), broker.stopService()
    assert reactor.child.signals == ["TERM"]
    case.assertNoResult(stopped)
    reactor.child.end()
    case.successResultOf(stopped)
    case.successResultOf(again)
    assert reactor.getDelayedCalls() == []
    case.failureResultOf(broker.ready(), BrokerAway)


def test_one_that_does_not_end_is_killed(broker: EmbeddedBroker, reactor: FakeReactor) -> None:
    broker.startService()
    waiting = broker.ready()
    stopped = broker.stopService()
    case.failureResultOf(waiting, BrokerAway)
    reactor.advance(TERM_S)
    assert reactor.child.signals == ["TERM", "KILL"]
    reactor.child.end(signal=9)
    case.successResultOf(stopped)
    assert len(reactor.processes) == 1


def test_stopping_between_exit_and_end_is_quiet(broker: EmbeddedBroker, reactor: FakeReactor) -> None:
    broker.startService()
    reactor.child.pid = None  # Twisted has reaped it, and still reads its output
    stopped = broker.stopService()
    reactor.child.end()
    case.successResultOf(stopped)


def test_it_can_be_started_after_it_was_stopped(broker: EmbeddedBroker, reactor: FakeReactor) -> None:
    case.failureResultOf(broker.ready(), BrokerAway)
    for _ in range(2):
        broker.startService()
        reactor.child.run()
        case.successResultOf(broker.ready())
        broker.stopService()
        reactor.child.end()
    assert len(reactor.processes) == 2


def test_no_secret_reaches_the_child(reactor: FakeReactor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("QYZN_BRIDGE_MQTT_PASSWORD", "s3cret")
    monkeypatch.setenv("NOTIFY_SOCKET", "/run/systemd/notify")
    broker = make(reactor, tmp_path, username="bridge", password="s3cret")
    broker.startService()
    assert "s3cret" not in " ".join(reactor.child.arguments)
    assert set(reactor.child.environment) <= {"PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ", "LC_ALL"}
