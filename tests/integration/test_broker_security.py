"""docs/broker-security.md, as a reader does what it says: its commands and files, with other places and ports."""

from __future__ import annotations

import os
import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.integration.bridge_process import ROOT, Bridge
from tests.integration.broker import LOOPBACK, Broker, free_port
from tests.integration.conftest import ConnectTerminal, Setting, StartBridge, Watch
from tests.integration.raw_terminal import recognition

pytestmark = [
    pytest.mark.integration,
    pytest.mark.skipif(
        not all(map(shutil.which, ("openssl", "mosquitto_passwd", "mosquitto_sub"))), reason="needs openssl and mosquitto's clients"
    ),
]

PAGE = (ROOT / "docs" / "broker-security.md").read_text()
PATIENCE_S = 15.0


def block(name: str) -> str:
    """What stands in the page's block of this name, without the indentation of a list."""
    (found,) = re.findall(rf"^ *<!-- tried: {re.escape(name)} -->\n( *)```\w*\n(.*?)^ *```", PAGE, re.MULTILINE | re.DOTALL)
    indentation, text = found
    return re.sub(f"^{indentation}", "", text, flags=re.MULTILINE)


def shell(script: str, directory: Path) -> None:
    """Run it as it stands; it has to succeed."""
    ended = subprocess.run(["sh", "-eu", "-c", script], cwd=directory, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr


class BrokerOfThePage(Broker):
    """A mosquitto with the page's own configuration, and what it proposes beyond that."""

    more: tuple[str, ...] = ()

    def _config(self, port: int) -> list[str]:
        text = block("mosquitto.conf").replace("listener 8883", f"listener {port} {LOOPBACK}")
        places = {"/etc/mosquitto/certs": self._directory, "/etc/mosquitto": self._directory}
        for place, instead in places.items():
            text = text.replace(str(place), str(instead))
        return [*(["user root"] if os.geteuid() == 0 else []), "log_type all", *text.splitlines(), *self.more]


@dataclass(frozen=True, slots=True)
class House:
    """What a reader has in the end: a broker, the folder in which the certificates and the passwords were made, and the passwords."""

    broker: BrokerOfThePage
    directory: Path
    passwords: Mapping[str, str]

    def script(self, name: str) -> str:
        return block(name).replace("broker.example", "localhost").replace("8883", str(self.broker.port))

    def run(self, line: str) -> str:
        """What a command says, whatever comes of it."""
        environment = os.environ | {"PIPELINE": self.passwords["pipeline"]}
        command = ["sh", "-c", f"{line} 2>&1"]
        return subprocess.run(command, cwd=self.directory, env=environment, capture_output=True, text=True, timeout=30, check=False).stdout

    def bridge(self, start_bridge: StartBridge) -> Bridge:
        toml = self.script("bridge.toml").replace("/etc/qyzn-bridge", str(self.directory))
        return start_bridge(None, toml=toml, environment={"QYZN_BRIDGE_MQTT_PASSWORD": self.passwords["qyzn-bridge"]})


@pytest.fixture
def house(mosquitto_path: str, tmp_path: Path) -> Iterator[House]:
    directory = tmp_path / "house"
    directory.mkdir()
    shell(block("certificates").replace("broker.example", "localhost"), directory)
    shell(block("users"), directory)
    told = dict(line.split(":") for line in (directory / "passwords.txt").read_text().splitlines())
    (directory / "qyzn.acl").write_text((ROOT / "etc" / "mosquitto.acl").read_text() + "\n" + block("pipeline"))
    broker = BrokerOfThePage(mosquitto_path, directory)
    broker.start()
    yield House(broker, directory, told)
    broker.stop()


def test_the_certificate_holds_before_the_strictest(house: House) -> None:
    """Python 3.13 and later ask for what RFC 5280 does; so may other clients."""
    context = ssl.create_default_context(cafile=house.directory / "ca.pem")
    context.verify_flags |= ssl.VERIFY_X509_STRICT
    with socket.create_connection((LOOPBACK, house.broker.port)) as plain, context.wrap_socket(plain, server_hostname="localhost"):
        pass


def test_nobody_but_the_broker_can_read_the_keys(house: House) -> None:
    for name in ("ca.key", "broker.key", "passwords", "passwords.txt"):
        assert (house.directory / name).stat().st_mode & 0o077 == 0
    assert not any(password in (house.directory / "passwords").read_text() for password in house.passwords.values())


def test_attacks_fail_and_the_bridge_works(house: House, start_bridge: StartBridge, connect_terminal: ConnectTerminal) -> None:
    terminal = connect_terminal(house.bridge(start_bridge).terminal_port).join()
    *attacks, reading = house.script("attacks").replace("-W 3", "-W 1").splitlines()
    _, nobody, guessed, command = said = [house.run(each) for each in attacks]
    assert not [each for each in said if "online" in each]
    assert all("ot authori" in each for each in (nobody, guessed, command)), said
    assert terminal.ask("snapshot_face", recognition())["result"] == 0
    assert terminal.hears_nothing()
    assert house.run(reading).splitlines() == ["online", "online", "Timed out"], "the bridge, and the terminal"


def test_nobody_takes_the_bridges_place(house: House, start_bridge: StartBridge) -> None:
    (line,) = re.findall("`(use_username_as_clientid true)`", PAGE)
    house.broker.stop()
    house.broker.more = (line,)
    house.broker.start()
    bridge = house.bridge(start_bridge)
    line = 'mosquitto_pub -h localhost -p 8883 --cafile ca.pem -i qyzn-bridge -u pipeline -P "$PIPELINE" -t x -n -q 1'
    house.run(line.replace("8883", str(house.broker.port)))
    assert "as pipeline " in house.broker.log
    assert house.broker.log.count("as qyzn-bridge ") == 1
    assert "connection" not in bridge.log.partition("ready")[2]


# What stands between terminals and the bridge.


@pytest.fixture
def background() -> Iterator[Callable[..., None]]:
    """Programs that run until the test ends: `background(port, command…)` waits until something listens on that port."""
    running: list[subprocess.Popen[bytes]] = []

    def start(port: int, *command: str) -> None:
        running.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        deadline = time.monotonic() + PATIENCE_S
        while running[-1].poll() is None and time.monotonic() < deadline:
            try:
                socket.create_connection((LOOPBACK, port)).close()
            except OSError:
                time.sleep(0.02)  # noqa: TID251 - it offers no event to wait for
            else:
                return
        pytest.fail(f"{command[0]} does not listen")

    yield start
    for each in running:
        each.terminate()
        each.wait()


@pytest.fixture
def at_the_gate(tmp_path: Path) -> Path:
    """A folder with a certificate for the box at the gate, and one for the bridge, made as the broker's is."""
    shell(block("certificates").replace("broker.example", "localhost"), tmp_path)
    shell(block("gate"), tmp_path)
    return tmp_path


@pytest.mark.skipif(shutil.which("stunnel") is None, reason="no stunnel on this machine")
def test_stunnel(
    start_bridge: StartBridge, connect_terminal: ConnectTerminal, embedded: Setting, at_the_gate: Path, background: Callable[..., None]
) -> None:
    tls, plain = free_port(), free_port()
    listen = f"mtls:{tls}:interface={LOOPBACK}:privateKey={at_the_gate}/broker.key:certKey={at_the_gate}/broker.pem:clientCA={at_the_gate}/ca.pem"
    start_bridge(embedded.url, "--registration", "open", "--listen", listen)
    settings = block("stunnel").replace("accept = 8899", f"accept = {LOOPBACK}:{plain}").replace("bridge.example:8899", f"{LOOPBACK}:{tls}")
    settings = settings.replace("bridge.example", "localhost").replace("/etc/stunnel", str(at_the_gate))
    (at_the_gate / "stunnel.conf").write_text(f"foreground = yes\npid =\n{settings}")
    background(plain, "stunnel", str(at_the_gate / "stunnel.conf"))
    terminal = connect_terminal(plain).join()
    terminal.heartbeat()
    assert terminal.ask("snapshot_face", recognition())["result"] == 0


@pytest.mark.skipif(shutil.which("haproxy", path="/usr/sbin:/usr/local/bin:/opt/homebrew/bin") is None, reason="no haproxy on this machine")
def test_haproxy(
    start_bridge: StartBridge,
    connect_terminal: ConnectTerminal,
    watch: Watch,
    embedded: Setting,
    at_the_gate: Path,
    background: Callable[..., None],
) -> None:
    (at_the_gate / "bridge.pem").write_text((at_the_gate / "broker.pem").read_text() + (at_the_gate / "broker.key").read_text())
    behind, front = free_port(), free_port()
    start_bridge(embedded.url, "--registration", "open", "--listen", f"haproxy:tcp:{behind}:interface={LOOPBACK}")
    settings = (
        block("haproxy").replace(":8899", f"{LOOPBACK}:{front}").replace("8900", str(behind)).replace("/etc/haproxy", str(at_the_gate))
    )
    (at_the_gate / "haproxy.cfg").write_text(settings)
    path = shutil.which("haproxy", path="/usr/sbin:/usr/local/bin:/opt/homebrew/bin")
    background(front, str(path), "-db", "-f", str(at_the_gate / "haproxy.cfg"))
    context = ssl.create_default_context(cafile=at_the_gate / "ca.pem")
    context.load_cert_chain(at_the_gate / "gate.pem", at_the_gate / "gate.key")
    terminal = connect_terminal(front, wrap=lambda plain: context.wrap_socket(plain, server_hostname="localhost")).join()
    assert terminal.ask("snapshot_face", recognition())["result"] == 0
    assert watch(embedded.port).first("qyzn/T0001/info").json["address"] == LOOPBACK
