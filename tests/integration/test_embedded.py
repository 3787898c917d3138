"""The embedded broker with a real mosquitto and a real reactor."""

from __future__ import annotations

import fcntl
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_twisted
from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from twisted.internet import reactor
from twisted.internet.task import deferLater

from bridge.errors import ConfigError
from bridge.mqtt.embedded import EmbeddedBroker
from tests.integration.broker import free_port
from tests.integration.processes import children, is_alive, needs_proc

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("mosquitto_path")]

PATIENCE_S = 5.0
LOOK_AGAIN_S = 0.02
V5, V311 = MQTTProtocolVersion.MQTTv5, MQTTProtocolVersion.MQTTv311

PARENT = """
import random, sys
from pathlib import Path
from twisted.internet import reactor
from bridge.mqtt.embedded import EmbeddedBroker
broker = EmbeddedBroker(reactor, "127.0.0.1", int(sys.argv[1]), Path(sys.argv[2]), random=random.Random())
broker.startService()
broker.ready().addCallback(lambda _: print(broker.pid, flush=True))
reactor.run()
"""

Start = Callable[..., EmbeddedBroker]


@pytest_twisted.async_yield_fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Make brokers and start them; all are stopped when the test ends. They share one directory and one port unless told otherwise."""
    brokers: list[EmbeddedBroker] = []
    free = free_port()

    def start(host: str = "127.0.0.1", port: int = free, username: str | None = None, password: str | None = None) -> EmbeddedBroker:
        broker = EmbeddedBroker(reactor, host, port, tmp_path / "broker", random=random.Random(), username=username, password=password)
        brokers.append(broker)
        broker.startService()
        return broker

    start.port = free  # type: ignore[attr-defined]
    yield start
    for broker in brokers:
        await broker.stopService()


@pytest.fixture
def port(start: Start) -> int:
    return start.port  # type: ignore[attr-defined, no-any-return]


def talk(
    port: int, protocol: MQTTProtocolVersion, payload: bytes | None = None, user: tuple[str, str] | None = None, host: str = "127.0.0.1"
) -> bytes | str:
    """Publish `payload` retained, if there is one, and return the retained message; or why the broker refused the client."""
    arrived: list[bytes | str] = []
    client = paho.Client(CallbackAPIVersion.VERSION2, protocol=protocol)
    if user is not None:
        client.username_pw_set(*user)

    def connected(_client: object, _userdata: object, _flags: object, reason: object, _properties: object) -> None:
        if str(reason) != "Success":
            arrived.append(str(reason))
        elif payload is not None:
            client.publish("kept", payload, qos=1, retain=True)
        client.subscribe("kept")

    client.on_connect = connected
    client.on_message = lambda _client, _userdata, message: arrived.append(bytes(message.payload))
    client.connect(host, port)
    deadline = time.monotonic() + PATIENCE_S
    while not arrived and time.monotonic() < deadline:
        client.loop(0.1)
    client.disconnect()
    client.loop(0.1)
    return arrived[0]


async def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        await deferLater(reactor, LOOK_AGAIN_S)


def is_unused(directory: Path) -> bool:
    """Whether no mosquitto works there: each holds the directory's lock until it has ended, however it ends."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def owner(pid: int | None) -> int:
    return Path(f"/proc/{pid}").stat().st_uid


def spawn_parent(port: int, directory: Path) -> tuple[subprocess.Popen[bytes], int]:
    """A process with a reactor and a broker in it that accepts connections, and mosquitto's pid."""
    process = subprocess.Popen([sys.executable, "-c", PARENT, str(port), str(directory)], stdout=subprocess.PIPE)
    assert process.stdout is not None
    with process.stdout as output:
        return process, int(output.readline())


@pytest_twisted.ensureDeferred
async def test_one_port_speaks_both_versions_and_what_is_retained_survives_a_restart(start: Start, port: int, tmp_path: Path) -> None:
    broker = start()
    await broker.ready()
    assert talk(port, V5, b"to be kept") == b"to be kept"
    assert talk(port, V311) == b"to be kept"
    await broker.stopService()
    assert is_unused(tmp_path / "broker")
    broker.startService()
    await broker.ready()
    assert talk(port, V311) == talk(port, V5) == b"to be kept"


@pytest_twisted.ensureDeferred
async def test_a_large_picture_goes_through(start: Start, port: int) -> None:
    await start().ready()
    picture = os.urandom(11 * 1024 * 1024)  # as base64 in 8 MiB of JSON, and more
    assert talk(port, V5, picture) == picture


@pytest_twisted.ensureDeferred
async def test_with_a_password_nobody_else_is_let_in(start: Start, port: int) -> None:
    await start("0.0.0.0", username="bridge", password="s3cret").ready()
    assert talk(port, V5, b"hello", ("bridge", "s3cret")) == b"hello"
    assert talk(port, V5, b"hello", ("bridge", "wrong")) == "Not authorized"
    assert talk(port, V311, b"hello") == "Not authorized"


@pytest_twisted.ensureDeferred
async def test_ipv6(start: Start, port: int) -> None:
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        pytest.skip("no IPv6 on this machine")
    await start("::1").ready()
    assert talk(port, V5, b"hello", host="::1") == b"hello"


@pytest_twisted.ensureDeferred
async def test_one_that_was_killed_comes_back(start: Start, port: int) -> None:
    broker = start()
    await broker.ready()
    killed = broker.pid
    assert killed is not None
    os.kill(killed, signal.SIGKILL)
    await until(lambda: broker.pid not in (None, killed))  # None: it has ended, and not all that follows from that has happened
    await broker.ready()
    assert talk(port, V5, b"back") == b"back"


@pytest_twisted.ensureDeferred
async def test_a_port_in_use_is_told_as_such(start: Start, port: int) -> None:
    with socket.create_server(("127.0.0.1", port)), pytest.raises(ConfigError, match=f"port {port} on 127.0.0.1, which is in use"):
        await start().ready()


@pytest_twisted.ensureDeferred
async def test_ctrl_c_in_the_bridges_terminal_does_not_reach_it(start: Start) -> None:
    broker = start()
    await broker.ready()
    assert broker.pid is not None
    assert os.getsid(broker.pid) == os.getpgid(broker.pid) == broker.pid


@pytest_twisted.ensureDeferred
async def test_root_does_not_run_it_as_root(start: Start, port: int, tmp_path: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("needs root")
    broker = start()
    await broker.ready()
    assert owner(broker.pid) != 0
    assert talk(port, V5, b"kept") == b"kept"
    await broker.stopService()
    assert (tmp_path / "broker" / "mosquitto.db").stat().st_size > 0


@pytest_twisted.ensureDeferred
@needs_proc
async def test_stopping_leaves_neither_mosquitto_nor_its_watcher(start: Start) -> None:
    broker = start()
    await broker.ready()
    assert broker.pid is not None
    mosquitto, (watcher,) = broker.pid, children(broker.pid)
    await broker.stopService()
    assert not is_alive(mosquitto)
    await until(lambda: not is_alive(watcher))


@pytest_twisted.ensureDeferred
async def test_a_bridge_that_is_killed_leaves_nothing_behind_and_the_next_one_starts(start: Start, port: int, tmp_path: Path) -> None:
    parent, mosquitto = spawn_parent(port, tmp_path / "broker")
    assert talk(port, V5, b"kept") == b"kept"
    watchers = children(mosquitto)
    parent.kill()
    parent.wait()
    await start().ready()  # at once: it waits for the old one to save and go
    assert talk(port, V5) == b"kept"
    await until(lambda: not any(map(is_alive, [mosquitto, *watchers])))


@pytest_twisted.ensureDeferred
async def test_a_frozen_mosquitto_does_not_outlive_its_bridge_either(port: int, tmp_path: Path) -> None:
    parent, mosquitto = spawn_parent(port, tmp_path / "broker")
    os.kill(mosquitto, signal.SIGSTOP)
    parent.kill()
    parent.wait()
    await until(lambda: is_unused(tmp_path / "broker"))
