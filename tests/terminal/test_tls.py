from __future__ import annotations

from pathlib import Path

import pytest
from OpenSSL.SSL import Error
from twisted.internet.endpoints import SSL4ServerEndpoint, serverFromString
from twisted.internet.testing import MemoryReactorClock

from bridge.terminal.tls import TLS_ERRORS, words_of
from tests.integration.certificates import CertificateAuthority


@pytest.fixture
def files(authority: CertificateAuthority, tmp_path: Path) -> dict[str, Path]:
    server = authority.server()
    nothing = tmp_path / "nothing.pem"
    nothing.write_text("nothing")
    return {"privateKey": server.key_file, "certKey": server.cert_file, "clientCA": authority.ca_file, "nothing": nothing}


def endpoint(files: dict[str, Path]) -> SSL4ServerEndpoint:
    words = ":".join(f"{name}={files[name]}" for name in ("privateKey", "certKey", "clientCA"))
    found = serverFromString(MemoryReactorClock(), f"mtls:8899:{words}:interface=127.0.0.1:backlog=20")
    assert isinstance(found, SSL4ServerEndpoint)
    return found


def test_it_demands_a_certificate_of_that_authority_and_shows_the_whole_chain(
    files: dict[str, Path], authority: CertificateAuthority
) -> None:
    files["certKey"].write_bytes(files["certKey"].read_bytes() + authority.ca_file.read_bytes())
    made = endpoint(files)
    options = made._sslContextFactory
    assert (made._port, made._backlog, made._interface) == (8899, 20, "127.0.0.1")
    assert (options.verify, options.requireCertificate, len(options.extraCertChain)) == (True, True, 1)


@pytest.mark.parametrize("name", ["privateKey", "certKey", "clientCA"])
def test_a_file_that_cannot_be_used_is_no_mystery(files: dict[str, Path], name: str) -> None:
    with pytest.raises((*TLS_ERRORS, ValueError)) as caught:
        endpoint(files | {name: files["nothing"]})
    assert words_of(caught.value)
    with pytest.raises(OSError, match="No such file"):
        endpoint(files | {name: Path("missing.pem")})


def test_a_key_must_fit_its_certificate(files: dict[str, Path], authority: CertificateAuthority) -> None:
    with pytest.raises(TLS_ERRORS, match="do not match"):
        endpoint(files | {"privateKey": authority.server().key_file})


def test_what_openssl_says_is_said_in_words() -> None:
    assert words_of(Error([("SSL routines", "", "no shared cipher"), ("SSL routines", "", "and more")])) == "no shared cipher; and more"
    assert words_of(ValueError("plain")) == "plain"
    assert words_of(Error()) == ""
