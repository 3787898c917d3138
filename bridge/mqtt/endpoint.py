"""From a broker's address to a Twisted endpoint: TCP, TLS with its name checked, or a unix socket."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, Final

from OpenSSL import SSL, crypto
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator, IStreamClientEndpoint
from twisted.internet.ssl import (
    Certificate,
    CertificateOptions,
    KeyPair,
    PrivateCertificate,
    optionsForClientTLS,
    trustRootFromCertificates,
)

from bridge.errors import ConfigError
from bridge.mqtt.address import UNIX, BrokerAddress
from bridge.mqtt.options import ConnectOptions

CONNECT_TIMEOUT_S: Final = 10.0  # for each address that the name has
PEM_CERTIFICATE: Final = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)
BAD_FILE: Final = (OSError, ValueError, crypto.Error, SSL.Error)


def endpoint_for(reactor: Any, address: BrokerAddress, options: ConnectOptions) -> IStreamClientEndpoint:
    """`reactor` connects (IReactorTCP, IReactorUNIX, a name resolver). ConfigError: a certificate or key that does not do."""
    if address.scheme == UNIX:
        return UNIXClientEndpoint(reactor, address.path, timeout=CONNECT_TIMEOUT_S)
    plain = HostnameEndpoint(reactor, address.host, address.port, timeout=CONNECT_TIMEOUT_S)
    return wrapClientTLS(tls_options(address.host, options), plain) if address.is_secure else plain


def tls_options(host: str, options: ConnectOptions) -> IOpenSSLClientConnectionCreator:
    """TLS that takes a certificate for `host` only, name or IP address. ConfigError as above."""
    trust = None if options.ca_file is None else trustRootFromCertificates(_certificates("mqtt.ca_file", options.ca_file))
    if options.cert_file is None:
        if options.key_file is not None:
            raise ConfigError("mqtt.cert_file", "the certificate of mqtt.key_file")
        return optionsForClientTLS(host, trust)
    client, intermediates = _client_certificate(options.cert_file, options.key_file or options.cert_file)
    extra = {"extraCertChain": [each.original for each in intermediates]} if intermediates else None
    return optionsForClientTLS(host, trust, client, extraCertificateOptions=extra)


def _certificates(where: str, path: Path) -> list[Certificate]:
    try:
        found = [Certificate.loadPEM(pem) for pem in PEM_CERTIFICATE.findall(path.read_bytes())]
    except BAD_FILE as error:
        raise ConfigError(where, "a readable PEM file with certificates", f"{path}: {_told(error)}") from None
    if not found:
        raise ConfigError(where, "a readable PEM file with certificates", f"{path}: no certificate in it")
    return found


def _client_certificate(cert_file: Path, key_file: Path) -> tuple[PrivateCertificate, list[Certificate]]:
    certificate, *intermediates = _certificates("mqtt.cert_file", cert_file)
    try:
        key = KeyPair.load(key_file.read_bytes(), crypto.FILETYPE_PEM)
        CertificateOptions(privateKey=key.original, certificate=certificate.original).getContext()  # OpenSSL says whether they match
        return PrivateCertificate.fromCertificateAndKeyPair(certificate, key), intermediates
    except BAD_FILE as error:
        raise ConfigError("mqtt.key_file", f"the key of {cert_file}, PEM without a password", f"{key_file}: {_told(error)}") from None


def _told(error: Exception) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    return tls_reason(error) if isinstance(error, SSL.Error | crypto.Error) else str(error)


def tls_reason(error: Exception) -> str:
    """What OpenSSL says, without its routines: its errors are lists of (library, routine, reason)."""
    stack = error.args[0] if error.args else ()
    if not isinstance(stack, list | tuple):
        return str(stack)
    return ", ".join(str(entry[2]) for entry in stack if entry) or "no reason given"
