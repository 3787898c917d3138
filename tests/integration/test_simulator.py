"""`twistd qyzn-terminal` as a process, against a bridge of a few lines on loopback."""

from __future__ import annotations

import base64
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.wire import Body, Framer, MessageType, decode_body, encode_frame, request_body, response_body

pytest.importorskip("PIL", reason="Pillow draws the pictures")
pytestmark = pytest.mark.integration

ROOT = Path(__file__).parent.parent.parent
PATIENCE_S = 10.0
Start = Callable[..., "subprocess.Popen[str]"]


class Listener:
    """A port on loopback, and the connections that come to it."""

    def __init__(self) -> None:
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.socket.settimeout(PATIENCE_S)
        self.endpoint = f"tcp:127.0.0.1:{self.socket.getsockname()[1]}"

    def accept(self) -> Connection:
        connection, _ = self.socket.accept()
        connection.settimeout(PATIENCE_S)
        return Connection(connection)


class Connection:
    """One connection, read a frame at a time."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self._framer = Framer(8 << 20)

    def next(self) -> tuple[int, int, Body]:
        """Type, sequence and body of the next frame that is no heartbeat."""
        while True:
            while (frame := self._framer.next_frame()) is None:
                data = self.socket.recv(65536)
                assert data, "the terminal hung up"
                self._framer.feed(data)
            if frame.message_type != MessageType.HEARTBEAT:
                return frame.message_type, frame.sequence, decode_body(frame.body)

    def serve(self, name: str, data: dict[str, object] | None = None) -> Body:
        """The next frame is this REQUEST; answer it with success."""
        kind, sequence, body = self.next()
        assert (kind, body.message) == (MessageType.REQUEST, name)
        self.socket.sendall(encode_frame(MessageType.RESPONSE, sequence, 0, response_body(0, "", data or {})))
        return body

    def command(self, name: str, data: dict[str, object]) -> Body:
        """Send a REQUEST, and serve recognitions until it is answered."""
        self.socket.sendall(encode_frame(MessageType.REQUEST, 4711, 0, request_body(name, data)))
        while True:
            kind, sequence, body = self.next()
            if kind == MessageType.RESPONSE:
                assert sequence == 4711
                return body
            self.socket.sendall(encode_frame(MessageType.RESPONSE, sequence, 0, response_body(0, "", {})))

    def log_in(self) -> None:
        self.serve("login")
        self.serve("sync_time", {"timestamp": "20240102030405678"})


@pytest.fixture
def listener() -> Iterator[Listener]:
    listening = Listener()
    yield listening
    listening.socket.close()


@pytest.fixture
def start(tmp_path: Path, listener: Listener) -> Iterator[Start]:
    """Start simulated terminals with these options; they are killed when the test ends."""
    processes = []

    def run(*options: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-c", "from twisted.scripts.twistd import run; run()"]
        words = ["-n", "--pidfile=", "qyzn-terminal", "--connect", listener.endpoint, "--state-dir", str(tmp_path / "state"), *options]
        process = subprocess.Popen(
            [*command, *words],
            cwd=tmp_path,
            env=os.environ | {"PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        processes.append(process)
        return process

    yield run
    for process in processes:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_a_terminal_s_day(start: Start, listener: Listener) -> None:
    """It registers, logs in, recognises, opens the door, takes a picture, and leaves in order; the next day it only logs in."""
    process = start("--every", "0.2")
    bridge = listener.accept()
    register = bridge.serve("register", {"uuid": "u1", "passwd": "p1"})
    assert isinstance(register.data, dict)
    assert register.data["serial"] == "DEMO0001"
    bridge.log_in()
    face = bridge.serve("snapshot_face")
    assert isinstance(face.data, dict)
    assert base64.b64decode(face.data["snapPic"])[:2] == b"\xff\xd8"
    assert bridge.command("open_door", {}).result == 0
    assert isinstance(picture := bridge.command("snapshot_picture", {"timeoutSeconds": 5}).data, dict)
    assert base64.b64decode(picture["image"])[:2] == b"\xff\xd8"
    output = _stop(process, bridge, signal.SIGTERM)
    for words in (
        "DEMO0001 registered",
        "DEMO0001 logged in",
        "DEMO0001 recognises",
        "DEMO0001 opens the door",
        "DEMO0001 is gone: logged out",
    ):
        assert words in output
    assert "Traceback" not in output

    process = start("--every", "0")
    bridge = listener.accept()
    bridge.log_in()
    _stop(process, bridge, signal.SIGINT)


def _stop(process: subprocess.Popen[str], bridge: Connection, number: int) -> str:
    """Ends with a logout and an exit with 0, within 2 s. Returns what it logged."""
    process.send_signal(number)
    while True:
        kind, sequence, body = bridge.next()
        bridge.socket.sendall(encode_frame(MessageType.RESPONSE, sequence, 0, response_body(0, "", {})))
        if kind == MessageType.REQUEST and body.message == "logout":
            break
    output, _ = process.communicate(timeout=2)
    assert process.returncode == 0, output
    bridge.socket.close()
    return output


def test_it_stops_in_time_without_an_answer_too(start: Start, listener: Listener) -> None:
    process = start("--every", "0", "--count", "2")
    bridges = [listener.accept(), listener.accept()]
    for bridge in bridges:
        bridge.serve("register", {"uuid": "u1", "passwd": "p1"})
        bridge.log_in()
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=2)
    assert process.returncode == 0
    for bridge in bridges:
        bridge.socket.close()


def test_a_wrong_option_is_one_line(start: Start) -> None:
    process = start("--connect", "nonsense")
    output, _ = process.communicate(timeout=PATIENCE_S)
    assert output == "qyzn-terminal: --connect: expected a client endpoint, as in tcp:127.0.0.1:8899, got 'nonsense'\n"
    assert process.returncode == 78
