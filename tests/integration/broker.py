"""A real mosquitto for one test: on a free port of the loopback, with a configuration of its own, stopped at the end."""

from __future__ import annotations

import base64
import hashlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.integration.certificates import Certificate

REQUIRE_BROKER = "QYZN_REQUIRE_BROKER"  # set to 1 where a missing mosquitto must fail the tests instead of skipping them
USUAL_PLACES = ("/usr/sbin", "/usr/local/sbin", "/opt/homebrew/sbin")  # often not in a user's PATH
LOOPBACK = "127.0.0.1"
START_S = 10.0  # it takes 0.05 s; a loaded machine may take longer
STOP_S = 5.0
PROBE_S = 0.01  # between two looks at whether it accepts connections yet
PORT_ATTEMPTS = 3  # somebody else may take the free port before mosquitto does


def find_mosquitto() -> str | None:
    """The path of mosquitto, from PATH or the usual places; None when it is not installed."""
    return shutil.which("mosquitto", path=os.pathsep.join((os.environ.get("PATH", ""), *USUAL_PLACES)))


def require_mosquitto() -> str:
    """The path of mosquitto. Without one the test is skipped, or fails where QYZN_REQUIRE_BROKER=1."""
    path = find_mosquitto()
    if path is not None:
        return path
    if os.environ.get(REQUIRE_BROKER) == "1":
        pytest.fail(f"no mosquitto on this machine, and {REQUIRE_BROKER}=1", pytrace=False)
    pytest.skip("no mosquitto on this machine (scripts/install-mosquitto installs it)")


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """What a test wants of its broker; the default is anonymous, without TLS, with nothing kept on disk.

    `users` maps names to passwords, and ends anonymous access. `certificate` makes the listener speak TLS. `client_ca_file` makes it
    demand a client certificate of that authority. `listener_lines` stand in the listener's part, as in `protocol websockets`;
    `general_lines` stand before it, as in `max_packet_size 20000`. See mosquitto.conf(5).
    """

    users: Mapping[str, str] = field(default_factory=dict)
    certificate: Certificate | None = None
    client_ca_file: Path | None = None
    persistence: bool = False
    general_lines: Sequence[str] = ()
    listener_lines: Sequence[str] = ()


class Broker:
    """One mosquitto: `host` and `port` stay the same when it is stopped and started again. `directory` holds its files and its log."""

    def __init__(self, executable: str, directory: Path, settings: BrokerSettings | None = None) -> None:
        self.host = LOOPBACK
        self.port = 0
        self.log_file = directory / "mosquitto.log"
        self._executable = executable
        self._directory = directory
        self._settings = settings or BrokerSettings()
        self._process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)

    @property
    def url(self) -> str:
        """The address as the bridge's `--mqtt` takes it; TLS by the name `localhost`, which certificates are made for."""
        return f"mqtts://localhost:{self.port}" if self._settings.certificate else f"mqtt://{self.host}:{self.port}"

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def log(self) -> str:
        """What mosquitto has written so far, over all its starts."""
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def start(self) -> None:
        """Return when it accepts connections. Fails the test when it does not within START_S."""
        if self.is_running:
            return
        for _ in range(1 if self.port else PORT_ATTEMPTS):
            port = self.port or free_port()
            if self._start_on(port):
                self.port = port
                return
        pytest.fail(f"mosquitto did not start:\n{self.log}", pytrace=False)

    def stop(self) -> None:
        """End it in the regular way: clients are told (MQTT 5), wills are not sent. Nothing happens when it is not running."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once, as a crash does."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Keep its connections open and answer nothing, until `thaw`."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Go on after `freeze`."""
        self._signal(signal.SIGCONT)

    def _start_on(self, port: int) -> bool:
        config_file = self._directory / "mosquitto.conf"
        config_file.write_text("\n".join(self._config(port)) + "\n")
        with self.log_file.open("ab") as log:
            self._process = subprocess.Popen([self._executable, "-c", str(config_file)], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.is_running:
            if _accepts(port) and self.is_running:  # it ends by itself when another program holds the port
                return True
            time.sleep(PROBE_S)  # noqa: TID251 - it offers no event to wait for
        self.kill()
        return False

    def _config(self, port: int) -> list[str]:
        settings = self._settings
        lines = ["set_tcp_nodelay true", f"persistence {_word(settings.persistence)}"]
        if settings.persistence:
            lines.append(f"persistence_location {self._directory}/")
        if os.geteuid() == 0:
            lines.append("user root")  # else it becomes the user mosquitto, who may not read the test's files
        lines += settings.general_lines
        lines += [f"listener {port} {self.host}", f"allow_anonymous {_word(not settings.users)}"]
        if settings.users:
            lines.append(f"password_file {_write_passwords(self._directory / 'passwords', settings.users)}")
        lines += _tls_lines(settings)
        return [*lines, *settings.listener_lines]

    def _end(self, number: signal.Signals) -> None:
        process, self._process = self._process, None
        if process is None or process.poll() is not None:
            return
        process.send_signal(number)
        process.send_signal(signal.SIGCONT)  # a frozen one acts on nothing but SIGKILL
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None, "the broker is not running"
        self._process.send_signal(number)


StartMosquitto = Callable[[BrokerSettings], Broker]  # what the fixture start_mosquitto gives


def _accepts(port: int) -> bool:
    try:
        with socket.create_connection((LOOPBACK, port), timeout=1.0):
            return True
    except OSError:
        return False


def _word(value: bool) -> str:
    return "true" if value else "false"


def _tls_lines(settings: BrokerSettings) -> list[str]:
    if settings.certificate is None:
        return []
    lines = [f"certfile {settings.certificate.cert_file}", f"keyfile {settings.certificate.key_file}"]
    if settings.client_ca_file is not None:
        lines += [f"cafile {settings.client_ca_file}", "require_certificate true"]
    return lines


def _write_passwords(path: Path, users: Mapping[str, str]) -> Path:
    """The format of mosquitto_passwd, `$7$iterations$salt$hash` with PBKDF2-SHA512, written without that program."""
    path.touch(mode=0o600)
    path.write_text("".join(f"{user}:{_password_hash(password)}\n" for user, password in users.items()))
    return path


def _password_hash(password: str, iterations: int = 101) -> str:
    salt = os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, iterations)
    return f"$7${iterations}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"
