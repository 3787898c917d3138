"""The broker that the other tests lean on: it starts, refuses whom it should, and comes back on the same port."""

from __future__ import annotations

import socket
import ssl
from pathlib import Path

import pytest

from tests.integration import broker as broker_module
from tests.integration.broker import Broker, BrokerSettings, StartMosquitto, require_mosquitto
from tests.integration.certificates import CertificateAuthority

pytestmark = pytest.mark.integration

ACCEPTED, NOT_AUTHORISED = 0, 5  # return codes of a 3.1.1 CONNACK


def connack_code(connection: socket.socket, user: str = "", password: str = "") -> int:
    """Send a 3.1.1 CONNECT and return the CONNACK's return code."""
    strings = ["probe", *([user, password] if user else [])]
    payload = b"".join(len(text).to_bytes(2, "big") + text.encode() for text in strings)
    body = b"\x00\x04MQTT\x04" + (b"\xc2" if user else b"\x02") + b"\x00\x3c" + payload
    connection.settimeout(5)
    connection.sendall(b"\x10" + bytes([len(body)]) + body)
    return connection.recv(4)[3]


def connect(broker: Broker) -> socket.socket:
    return socket.create_connection((broker.host, broker.port), timeout=5)


def test_it_takes_anonymous_clients_and_comes_back_on_the_same_port(mosquitto: Broker) -> None:
    port = mosquitto.port
    with connect(mosquitto) as connection:
        assert connack_code(connection) == ACCEPTED
        mosquitto.kill()
        assert not mosquitto.is_running
    mosquitto.start()
    assert mosquitto.port == port
    with connect(mosquitto) as connection:
        assert connack_code(connection) == ACCEPTED


def test_a_frozen_broker_answers_after_thaw_and_can_be_stopped(mosquitto: Broker) -> None:
    with connect(mosquitto) as connection:
        mosquitto.freeze()
        mosquitto.thaw()
        assert connack_code(connection) == ACCEPTED
        mosquitto.freeze()
        mosquitto.stop()
        assert not mosquitto.is_running


def test_users_and_passwords(start_mosquitto: StartMosquitto) -> None:
    broker = start_mosquitto(BrokerSettings(users={"bridge": "right"}))
    answers = {}
    for user, password in (("bridge", "right"), ("bridge", "wrong"), ("", "")):
        with connect(broker) as connection:
            answers[user, password] = connack_code(connection, user, password)
    assert answers == {("bridge", "right"): ACCEPTED, ("bridge", "wrong"): NOT_AUTHORISED, ("", ""): NOT_AUTHORISED}


def test_tls_with_a_client_certificate(start_mosquitto: StartMosquitto, authority: CertificateAuthority) -> None:
    broker = start_mosquitto(BrokerSettings(certificate=authority.server(), client_ca_file=authority.ca_file))
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    client = authority.client("bridge")
    context.load_cert_chain(client.cert_file, client.key_file)
    with connect(broker) as plain, context.wrap_socket(plain, server_hostname="localhost") as connection:
        assert connack_code(connection) == ACCEPTED


def test_a_certificate_for_another_name_is_told_apart(start_mosquitto: StartMosquitto, authority: CertificateAuthority) -> None:
    broker = start_mosquitto(BrokerSettings(certificate=authority.server("elsewhere.example")))
    context = ssl.create_default_context(cafile=str(authority.ca_file))
    with connect(broker) as plain, pytest.raises(ssl.SSLCertVerificationError, match="localhost"):
        context.wrap_socket(plain, server_hostname="localhost")


def test_a_configuration_it_does_not_take_fails_with_its_log(mosquitto_path: str, tmp_path: Path) -> None:
    with pytest.raises(pytest.fail.Exception, match="no_such_option"):
        Broker(mosquitto_path, tmp_path, BrokerSettings(general_lines=["no_such_option true"])).start()


def test_a_missing_broker_skips_or_fails_where_it_is_required(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(broker_module, "find_mosquitto", lambda: None)
    monkeypatch.delenv("QYZN_REQUIRE_BROKER", raising=False)
    with pytest.raises(pytest.skip.Exception, match="no mosquitto"):
        require_mosquitto()
    monkeypatch.setenv("QYZN_REQUIRE_BROKER", "1")
    with pytest.raises(pytest.fail.Exception, match="no mosquitto"):
        require_mosquitto()
