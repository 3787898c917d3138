"""A certificate authority for one test: it issues server and client certificates as PEM files."""

from __future__ import annotations

import datetime
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CLOCK_SKEW = datetime.timedelta(days=1)
LIFETIME = datetime.timedelta(days=2)


@dataclass(frozen=True, slots=True)
class Certificate:
    """A certificate and its private key, PEM files both."""

    cert_file: Path
    key_file: Path


class CertificateAuthority:
    """Issues certificates into `directory`; `ca_file` is what peers must trust. Two authorities do not trust each other."""

    def __init__(self, directory: Path, name: str = "test authority") -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self._directory = directory
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name(name)
        builder = _builder(self._name, self._name, self._key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        self.ca_file = directory / "ca.pem"
        self.ca_file.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))

    def server(self, *hosts: str) -> Certificate:
        """A server's certificate for these host names or addresses; none: `localhost` and 127.0.0.1."""
        names = hosts or ("localhost", "127.0.0.1")
        return self._issue(names[0], ExtendedKeyUsageOID.SERVER_AUTH, names)

    def client(self, common_name: str) -> Certificate:
        """A client's certificate; mosquitto takes `common_name` as the user with `use_identity_as_username`."""
        return self._issue(common_name, ExtendedKeyUsageOID.CLIENT_AUTH, ())

    def _issue(self, common_name: str, usage: x509.ObjectIdentifier, hosts: Sequence[str]) -> Certificate:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = _builder(_name(common_name), self._name, key.public_key())
        builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        if hosts:
            builder = builder.add_extension(x509.SubjectAlternativeName([_general_name(host) for host in hosts]), critical=False)
        stem = f"{common_name}-{x509.random_serial_number():x}"
        issued = Certificate(self._directory / f"{stem}.pem", self._directory / f"{stem}.key")
        issued.cert_file.write_bytes(_pem(builder.sign(self._key, hashes.SHA256())))
        issued.key_file.write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        )
        return issued


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return builder.serial_number(x509.random_serial_number()).not_valid_before(now - CLOCK_SKEW).not_valid_after(now + LIFETIME)


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _pem(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)
