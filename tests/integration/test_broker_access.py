"""How the bridge proves itself to its broker, and has the broker prove itself: TLS, client certificates, passwords."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from tests.integration.bridge_process import Bridge, messages
from tests.integration.broker import Broker, BrokerSettings, StartMosquitto
from tests.integration.certificates import CertificateAuthority
from tests.integration.conftest import StartBridge, Watch

pytestmark = pytest.mark.integration

PASSWORD = "correct-horse"


def complaints(bridge: Bridge) -> list[str]:
    return [line for line in messages(bridge.log) if "next try" in line]


def ca(authority: CertificateAuthority) -> str:
    return f'[mqtt]\nca_file = "{authority.ca_file}"\n'


def test_tls(start_mosquitto: StartMosquitto, authority: CertificateAuthority, start_bridge: StartBridge) -> None:
    broker = start_mosquitto(BrokerSettings(certificate=authority.server()))
    assert broker.url in start_bridge(broker.url, toml=ca(authority)).ready()


def test_a_certificate_for_another_name_is_refused_and_tried_again(
    start_mosquitto: StartMosquitto, authority: CertificateAuthority, start_bridge: StartBridge
) -> None:
    broker = start_mosquitto(BrokerSettings(certificate=authority.server("elsewhere.example")))
    bridge = start_bridge(broker.url, toml=ca(authority), wait=False)
    complaint = bridge.line_with("next try")
    assert "certificate" in complaint
    assert "localhost" in complaint
    dials = broker.log.count("New connection")
    wait_for_another_dial(broker, dials)
    assert len(complaints(bridge)) == 1


def wait_for_another_dial(broker: Broker, dials: int) -> None:
    """mosquitto's log is all there is to see of it."""
    deadline = time.monotonic() + 10
    while broker.log.count("New connection") <= dials:
        assert time.monotonic() < deadline, "it does not try again"
        time.sleep(0.05)  # noqa: TID251 - a log offers no event to wait for


def test_a_certificate_of_another_authority_is_refused(
    start_mosquitto: StartMosquitto, authority: CertificateAuthority, start_bridge: StartBridge, tmp_path: Path
) -> None:
    broker = start_mosquitto(BrokerSettings(certificate=authority.server()))
    stranger = CertificateAuthority(tmp_path / "stranger", "somebody else")
    bridge = start_bridge(broker.url, toml=ca(stranger), wait=False)
    assert "certificate" in bridge.line_with("next try")


def test_a_client_certificate(start_mosquitto: StartMosquitto, authority: CertificateAuthority, start_bridge: StartBridge) -> None:
    broker = start_mosquitto(BrokerSettings(certificate=authority.server(), client_ca_file=authority.ca_file))
    client = authority.client("bridge")
    toml = ca(authority) + f'cert_file = "{client.cert_file}"\nkey_file = "{client.key_file}"\n'
    assert "waiting" not in start_bridge(broker.url, toml=toml).ready()


def test_no_client_certificate_where_one_is_asked_for(
    start_mosquitto: StartMosquitto, authority: CertificateAuthority, start_bridge: StartBridge
) -> None:
    broker = start_mosquitto(BrokerSettings(certificate=authority.server(), client_ca_file=authority.ca_file))
    bridge = start_bridge(broker.url, toml=ca(authority), wait=False)
    assert "certificate" in bridge.line_with("next try")


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_user_and_password(start_mosquitto: StartMosquitto, start_bridge: StartBridge, watch: Watch, protocol: str) -> None:
    broker = start_mosquitto(BrokerSettings(users={"bridge": PASSWORD}))
    toml = f'[mqtt]\nprotocol = "{protocol}"\n'
    good = start_bridge(broker.url, toml=toml + 'username = "bridge"\n', environment={"QYZN_BRIDGE_MQTT_PASSWORD": PASSWORD})
    info = watch(broker.port, user=("bridge", PASSWORD)).first("qyzn/bridge/info")
    assert PASSWORD not in info.payload.decode()
    assert PASSWORD not in good.log


@pytest.mark.parametrize("protocol", ["5", "3.1.1"])
def test_a_wrong_password_ends_the_start(start_mosquitto: StartMosquitto, start_bridge: StartBridge, protocol: str) -> None:
    broker = start_mosquitto(BrokerSettings(users={"bridge": PASSWORD}))
    url = broker.url.replace("mqtt://", "mqtt://bridge:guessed@")
    bridge = start_bridge(url, toml=f'[mqtt]\nprotocol = "{protocol}"\n', wait=False)
    assert bridge.exit_code() == 1
    (line,) = bridge.errors.splitlines()
    assert line.startswith("qyzn-bridge: mqtt://127.0.0.1:")
    assert "the broker refuses the connection: Not authorized; see to mqtt.username" in line
    assert "guessed" not in bridge.log
