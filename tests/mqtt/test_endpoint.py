from __future__ import annotations

from pathlib import Path

import pytest
from OpenSSL import SSL
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint
from twisted.internet.testing import MemoryReactorClock

from bridge.errors import ConfigError
from bridge.mqtt.address import parse_address
from bridge.mqtt.endpoint import endpoint_for, tls_reason
from bridge.mqtt.options import ConnectOptions
from tests.integration.certificates import Certificate, CertificateAuthority

# Twisted hands pyOpenSSL its own kind of certificate, which newer versions of that frown upon.
pytestmark = pytest.mark.filterwarnings("ignore:Passing pyOpenSSL:DeprecationWarning")

SECURE = parse_address("mqtts://broker.example")


@pytest.fixture
def client(authority: CertificateAuthority) -> Certificate:
    return authority.client("bridge")


def build(ca_file: Path | None = None, cert_file: Path | None = None, key_file: Path | None = None) -> object:
    return endpoint_for(MemoryReactorClock(), SECURE, ConnectOptions("id", ca_file=ca_file, cert_file=cert_file, key_file=key_file))


def test_the_kind_follows_from_the_address() -> None:
    reactor, options = MemoryReactorClock(), ConnectOptions("id")
    assert isinstance(endpoint_for(reactor, parse_address("mqtt://host"), options), HostnameEndpoint)
    assert isinstance(endpoint_for(reactor, parse_address("embedded://"), options), HostnameEndpoint)
    assert isinstance(endpoint_for(reactor, parse_address("mqtt+unix:///run/x"), options), UNIXClientEndpoint)
    assert not isinstance(build(), HostnameEndpoint)


def test_files_that_do(authority: CertificateAuthority, client: Certificate, tmp_path: Path) -> None:
    build(authority.ca_file)
    build(authority.ca_file, client.cert_file, client.key_file)
    together = tmp_path / "together.pem"
    together.write_bytes(client.cert_file.read_bytes() + authority.ca_file.read_bytes() + client.key_file.read_bytes())
    build(authority.ca_file, together)


def test_a_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^mqtt\.ca_file: expected .*, got .*nowhere\.pem: No such file"):
        build(tmp_path / "nowhere.pem")


def test_a_file_that_is_something_else(authority: CertificateAuthority, client: Certificate, tmp_path: Path) -> None:
    broken = tmp_path / "broken.pem"
    broken.write_text("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n")
    with pytest.raises(ConfigError, match=r"^mqtt\.ca_file: "):
        build(broken)
    with pytest.raises(ConfigError, match=r"no certificate in it"):
        build(client.key_file)
    with pytest.raises(ConfigError, match=r"^mqtt\.key_file: "):
        build(authority.ca_file, client.cert_file, authority.ca_file)


def test_a_key_of_another_certificate(authority: CertificateAuthority, client: Certificate) -> None:
    with pytest.raises(ConfigError, match=r"^mqtt\.key_file: expected the key of .*, got .*: key values mismatch"):
        build(authority.ca_file, client.cert_file, authority.client("other").key_file)


def test_a_key_without_its_certificate(client: Certificate) -> None:
    with pytest.raises(ConfigError, match=r"^mqtt\.cert_file: "):
        build(key_file=client.key_file)


def test_what_openssl_says() -> None:
    assert tls_reason(SSL.Error([("SSL routines", "", "wrong version number")])) == "wrong version number"
    assert tls_reason(SSL.Error()) == "no reason given"
    assert tls_reason(SSL.SysCallError(-1, "Unexpected EOF")) == "-1"
