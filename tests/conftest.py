"""Fixtures for every test. What they do stands in `tests/integration/`; here are only their names and lifetimes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.broker import Broker, BrokerSettings, StartMosquitto, require_mosquitto
from tests.integration.certificates import CertificateAuthority


@pytest.fixture(scope="session")
def mosquitto_path() -> str:
    """The path of mosquitto; without one the test is skipped, or fails where QYZN_REQUIRE_BROKER=1."""
    return require_mosquitto()


@pytest.fixture
def start_mosquitto(mosquitto_path: str, tmp_path: Path) -> Iterator[StartMosquitto]:
    """Start as many brokers as a test needs, each with its own settings; all are stopped when the test ends."""
    brokers: list[Broker] = []

    def start(settings: BrokerSettings) -> Broker:
        broker = Broker(mosquitto_path, tmp_path / f"mosquitto-{len(brokers)}", settings)
        brokers.append(broker)
        broker.start()
        return broker

    yield start
    for broker in brokers:
        broker.stop()


@pytest.fixture
def mosquitto(start_mosquitto: StartMosquitto) -> Broker:
    """A running broker, anonymous and without TLS, on `mosquitto.host` and `mosquitto.port`."""
    return start_mosquitto(BrokerSettings())


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    """A certificate authority of the test's own."""
    return CertificateAuthority(tmp_path / "authority")
