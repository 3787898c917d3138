"""The subscriber in etc/pipeline, as it is: whatever becomes of it, each event is in its file once, with its pictures."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.integration.bridge_process import ROOT
from tests.integration.broker import Broker, BrokerSettings, StartMosquitto
from tests.integration.certificates import CertificateAuthority
from tests.integration.conftest import ConnectTerminal, StartBridge, Watch
from tests.integration.mqtt_watcher import MqttWatcher
from tests.integration.raw_terminal import JPEG, RawTerminal, recognition

pytestmark = pytest.mark.integration

SUBSCRIBER = ROOT / "etc" / "pipeline" / "subscriber.py"
PATIENCE_S = 15.0
LOOK_EVERY_S = 0.005
EVENTS = 60
KILLS = 4
GENERAL = ["max_queued_messages 0", "log_type all"]  # the first as its README asks


@dataclass
class Subscriber:
    """The program with one broker and one directory; it may be started again and again."""

    directory: Path
    broker: Broker
    options: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    process: subprocess.Popen[str] | None = None
    said: str = ""

    def start(self, **more: Any) -> Subscriber:
        command = [sys.executable, str(SUBSCRIBER), str(self.directory), "--port", str(self.broker.port), *self.options]
        clean = {name: value for name, value in os.environ.items() if not name.startswith("QYZN_")}
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=clean | dict(self.environment), **more)
        return self

    def end(self, number: signal.Signals) -> int:
        """Its exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.exit_code()

    def exit_code(self) -> int:
        assert self.process is not None
        self.said += self.process.communicate(timeout=PATIENCE_S)[1]
        return self.process.returncode

    def lines(self) -> list[dict[str, Any]]:
        """The events in its file, without one that is but half there."""
        path = self.directory / "events.jsonl"
        text = path.read_text() if path.exists() else ""
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not condition():
            assert time.monotonic() < deadline, f"{what} did not come; {len(self.lines())} lines"
            time.sleep(LOOK_EVERY_S)  # noqa: TID251 - a file offers no event to wait for

    def wait_for_lines(self, count: int) -> None:
        self.wait(lambda: len(self.lines()) >= count, f"{count} lines")

    def wait_until_subscribed(self) -> None:
        """The broker keeps for it what comes from now on."""
        self.wait(lambda: "Sending SUBACK to qyzn-pipeline" in self.broker.log, "its subscription")


Subscribe = Callable[..., Subscriber]


@pytest.fixture
def subscribe(tmp_path: Path) -> Iterator[Subscribe]:
    """Subscribers, not started yet."""
    made: list[Subscriber] = []

    def subscribe(broker: Broker, *options: str, directory: str = "pipeline", **environment: str) -> Subscriber:
        made.append(Subscriber(tmp_path / directory, broker, options, environment))
        return made[-1]

    yield subscribe
    for each in made:
        if each.process is not None and each.process.poll() is None:
            each.end(signal.SIGKILL)


@pytest.fixture
def broker(start_mosquitto: StartMosquitto) -> Broker:
    return start_mosquitto(BrokerSettings(general_lines=GENERAL))


EVENT = "qyzn/T0001/event/recognition"


def event(number: int) -> dict[str, str]:
    return {"event_id": f"{number:032x}", "event_type": "matched"}


def line(number: int) -> bytes:
    return json.dumps({"topic": EVENT, **event(number), "picture_files": []}).encode() + b"\n"


def report(terminal: RawTerminal, numbers: Iterator[int]) -> None:
    """Recognitions one after the other, each with a picture of its own; every third is an old one."""
    for number in numbers:
        changes = {"snaptime": "2020-01-01 08:00:00"} if number % 3 == 0 else {}
        assert terminal.ask("snapshot_face", recognition(JPEG[:-2] + number.to_bytes(4) + b"\xff\xd9", **changes))["result"] == 0


def told(watcher: MqttWatcher) -> list[dict[str, Any]]:
    return [each.json for each in watcher.messages if "/event/" in each.topic or "/event_replay/" in each.topic]


def test_killed_in_the_middle_it_loses_nothing_and_writes_nothing_twice(
    broker: Broker, subscribe: Subscribe, start_bridge: StartBridge, connect_terminal: ConnectTerminal, watch: Watch
) -> None:
    watcher = watch(broker.port, topics=("qyzn/T0001/#",))
    bridge = start_bridge(broker.url)
    subscriber = subscribe(broker).start()
    subscriber.wait_until_subscribed()
    terminal = connect_terminal(bridge.terminal_port).join()
    reporting = threading.Thread(target=report, args=(terminal, iter(range(EVENTS))))
    reporting.start()
    for kill in range(1, KILLS + 1):
        subscriber.wait_for_lines(kill * EVENTS // (KILLS + 2))
        subscriber.end(signal.SIGKILL)
        assert len(subscriber.lines()) < EVENTS, "it was not in the middle"
        subscriber.start()
    reporting.join(PATIENCE_S)
    bridge.kill()  # it may publish the last ones again
    start_bridge(broker.url)
    subscriber.wait_for_lines(EVENTS)
    assert subscriber.end(signal.SIGTERM) == 0, subscriber.said
    lines = subscriber.lines()
    assert len(lines) == EVENTS
    assert {each["event_id"] for each in lines} == {each["event_id"] for each in told(watcher)}
    assert {each["topic"] for each in lines} == {"qyzn/T0001/event/recognition", "qyzn/T0001/event_replay/recognition"}
    for each in lines:
        (picture,) = each["picture_files"]
        assert hashlib.sha256(Path(picture).read_bytes()).hexdigest() == each["image_sha256"]


@pytest.mark.parametrize("left", [line(1), b'{"topic": "qyzn/T00', line(7) + line(1), line(7) + line(1)[:-1]], ids=repr)
def test_what_it_had_written_when_it_was_killed(broker: Broker, subscribe: Subscribe, watch: Watch, left: bytes) -> None:
    """A line that was not noted, or half of one: the broker sends that event again."""
    subscriber = subscribe(broker)
    subscriber.directory.mkdir()
    (subscriber.directory / "events.jsonl").write_bytes(left)
    subscriber.start().wait_until_subscribed()
    publisher = watch(broker.port, topics=("none",))
    for number in (1, 2):
        publisher.publish(EVENT, event(number))
    subscriber.wait(lambda: subscriber.lines()[-1:] == [json.loads(line(2))], "the second event")
    assert subscriber.end(signal.SIGTERM) == 0, subscriber.said
    before = [line(7)] if left.startswith(line(7)) else []
    assert (subscriber.directory / "events.jsonl").read_bytes() == b"".join([*before, line(1), line(2)])


def test_what_it_cannot_write_it_does_not_acknowledge(broker: Broker, subscribe: Subscribe, watch: Watch) -> None:
    subscriber = subscribe(broker)
    subscriber.start().wait_until_subscribed()
    publisher = watch(broker.port, topics=("none",))
    publisher.publish(EVENT, event(1))
    subscriber.wait_for_lines(1)
    subscriber.end(signal.SIGTERM)
    publisher.publish(EVENT, event(2) | {"extra": "x" * 50_000})
    subscriber.start(preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000)))
    assert subscriber.exit_code() == 1
    assert "File too large" in subscriber.said
    assert "Traceback" not in subscriber.said
    subscriber.start().wait_for_lines(2)
    assert [each["event_id"] for each in subscriber.lines()] == [event(1)["event_id"], event(2)["event_id"]]


def test_what_is_not_the_bridges_is_left_out(broker: Broker, subscribe: Subscribe, watch: Watch, tmp_path: Path) -> None:
    subscriber = subscribe(broker)
    subscriber.start().wait_until_subscribed()
    publisher = watch(broker.port, topics=("none",))
    for bad in (b"", b"[]", b"{", b"\xff", b"[" * 100_000, {"event_id": 7}, {"event_id": "../../outside"}, {"event_type": "matched"}):
        publisher.publish(EVENT, bad)
    publisher.publish("qyzn/T0001/image/recognition", JPEG, user_properties={"event_id": "../../outside"})
    publisher.publish("qyzn/T0001/image/snapshot", JPEG)
    publisher.publish(EVENT, event(1))
    subscriber.wait_for_lines(1)
    assert subscriber.end(signal.SIGTERM) == 0
    assert subscriber.said.count("left out") == 9, subscriber.said
    assert subscriber.lines() == [json.loads(line(1))]
    assert not list(tmp_path.rglob("outside*"))
    assert {path.stat().st_mode & 0o077 for path in subscriber.directory.iterdir()} == {0}


def test_a_second_one_in_the_same_directory_ends(broker: Broker, subscribe: Subscribe) -> None:
    subscribe(broker).start().wait_until_subscribed()
    second = subscribe(broker, "--client-id", "another").start()
    assert second.exit_code() == 1
    assert second.said == "subscriber: database is locked\n"


def test_with_tls_and_a_password(
    start_mosquitto: StartMosquitto,
    subscribe: Subscribe,
    start_bridge: StartBridge,
    connect_terminal: ConnectTerminal,
    authority: CertificateAuthority,
) -> None:
    """As the viewer of the sample ACL."""
    users = dict.fromkeys(("viewer", "qyzn-bridge"), "correct-horse")
    acl = f"acl_file {ROOT / 'etc' / 'mosquitto.acl'}"
    broker = start_mosquitto(BrokerSettings(users=users, certificate=authority.server(), general_lines=[*GENERAL, acl]))
    who = {"QYZN_PIPELINE_USERNAME": "viewer", "QYZN_PIPELINE_PASSWORD": "correct-horse"}
    subscriber = subscribe(broker, "--host", "localhost", "--ca-file", str(authority.ca_file), **who).start()
    subscriber.wait_until_subscribed()
    toml = f'[mqtt]\nca_file = "{authority.ca_file}"\nusername = "qyzn-bridge"\n'
    bridge = start_bridge(broker.url, toml=toml, environment={"QYZN_BRIDGE_MQTT_PASSWORD": "correct-horse"})
    assert connect_terminal(bridge.terminal_port).join().ask("snapshot_face", recognition())["result"] == 0
    subscriber.wait_for_lines(1)
    (written,) = subscriber.lines()
    assert Path(written["picture_files"][0]).read_bytes() == JPEG
    assert subscriber.end(signal.SIGTERM) == 0


def test_it_waits_for_a_broker_that_is_away_and_ends_when_told(broker: Broker, subscribe: Subscribe, watch: Watch) -> None:
    broker.stop()
    subscriber = subscribe(broker).start()
    subscriber.wait((subscriber.directory / "written.sqlite").exists, "its start")
    broker.start()
    subscriber.wait_until_subscribed()
    broker.stop()
    assert subscriber.end(signal.SIGTERM) == 0


def test_a_broker_that_is_killed_loses_nothing_for_it_where_the_bridge_keeps_what_it_published(
    start_mosquitto: StartMosquitto, subscribe: Subscribe, start_bridge: StartBridge, connect_terminal: ConnectTerminal
) -> None:
    """The broker saved the session once, when it was stopped, and none of the events."""
    broker = start_mosquitto(BrokerSettings(general_lines=GENERAL, persistence=True))
    subscriber = subscribe(broker).start()
    subscriber.wait_until_subscribed()
    broker.stop()
    broker.start()
    bridge = start_bridge(broker.url, toml='[outbox]\nmode = "always"\n')
    terminal = connect_terminal(bridge.terminal_port).join()
    report(terminal, iter(range(3)))
    subscriber.wait_for_lines(3)
    subscriber.end(signal.SIGKILL)
    report(terminal, iter(range(3, 9)))
    broker.kill()
    broker.start()
    subscriber.start().wait_for_lines(9)
    assert subscriber.end(signal.SIGTERM) == 0, subscriber.said
    assert "a new session" not in subscriber.said.partition("disconnected")[2]
    assert len({each["image_sha256"] for each in subscriber.lines()}) == len(subscriber.lines()) == 9
