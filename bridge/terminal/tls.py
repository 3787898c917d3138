"""TLS for terminals: what OpenSSL's errors say, and the endpoint `mtls:`, whose listeners demand a client certificate, as Twisted's `ssl:`
cannot.

`mtls:8899:privateKey=server.key:certKey=server.pem:clientCA=clients-ca.pem[:interface=…][:backlog=…]`; certKey may hold the chain as well.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from OpenSSL.crypto import FILETYPE_PEM as PEM
from OpenSSL.crypto import Error as CryptoError
from twisted.internet.endpoints import SSL4ServerEndpoint
from twisted.internet.error import VerifyError
from twisted.internet.interfaces import IStreamServerEndpointStringParser
from twisted.internet.ssl import Certificate, CertificateOptions, KeyPair, PrivateCertificate, trustRootFromCertificates
from twisted.plugin import IPlugin
from zope.interface import implementer

TLS_ERRORS = (CryptoError, VerifyError)
"""What is raised for keys and certificates that cannot be used."""
_PEM_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


@implementer(IPlugin, IStreamServerEndpointStringParser)
class MutualTLSParser:
    """Found by Twisted as a plugin, by its prefix."""

    prefix = "mtls"

    def parseStreamServer(  # type: ignore[override]  # the interface says how it is called, not with what words
        self, reactor: Any, port: str, privateKey: str, certKey: str, clientCA: str, interface: str = "", backlog: str = "50"
    ) -> SSL4ServerEndpoint:
        """The endpoint. Raises OSError, ValueError or one of TLS_ERRORS for files that cannot be used."""
        certificate, *chain = _certificates(certKey)
        key = KeyPair.load(Path(privateKey).read_bytes(), PEM)
        own = PrivateCertificate.fromCertificateAndKeyPair(certificate, key)  # checks that they belong together
        options = CertificateOptions(
            privateKey=own.privateKey.original,
            certificate=own.original,
            extraCertChain=[each.original for each in chain],
            trustRoot=trustRootFromCertificates(_certificates(clientCA)),
        )
        return SSL4ServerEndpoint(reactor, int(port), options, int(backlog), interface)


def words_of(error: BaseException | None) -> str:
    """What an error says. OpenSSL keeps it in triples, of which the last part is for people."""
    entries = error.args[0] if error and error.args and isinstance(error.args[0], list) else []
    return "; ".join(str(entry[-1]) for entry in entries) or str(error)


def _certificates(file: str) -> list[Certificate]:
    found = [Certificate.loadPEM(pem) for pem in _PEM_CERTIFICATE.findall(Path(file).read_bytes())]
    if not found:
        raise ValueError(f"there is no certificate in {file}")
    return found
