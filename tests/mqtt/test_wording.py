from __future__ import annotations

import pytest
from OpenSSL import SSL
from service_identity import VerificationError
from service_identity.exceptions import DNSMismatch, IPAddressMismatch
from service_identity.hazmat import DNS_ID, IPAddress_ID
from twisted.internet import error as net
from twisted.internet.defer import TimeoutError as DeferredTimeout

from bridge.mqtt.dialling import Ending, Stage
from bridge.mqtt.wording import hint, why


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (net.ConnectionRefusedError(), "connection refused"),
        (net.TimeoutError(), "no connection in time"),
        (DeferredTimeout(15, "x"), "no connection in time"),
        (net.ConnectionDone(), "the broker closed the connection"),
        (net.ConnectionLost(), "the connection was lost"),
        (net.ConnectError(osError=2, string="No such file or directory"), "No such file or directory"),
        (OSError(101, "Network is unreachable"), "Network is unreachable"),
        (ValueError("what it says"), "what it says"),
        (KeyError(), "KeyError"),
        (
            VerificationError([DNSMismatch(DNS_ID("broker.example"))]),
            "TLS: the broker's certificate is for another name than broker.example",
        ),
        (VerificationError([IPAddressMismatch(IPAddress_ID("::1"))]), "TLS: the broker's certificate is for another name than ::1"),
        (SSL.Error([("SSL routines", "", "wrong version number")]), "TLS: wrong version number"),
    ],
)
def test_why(error: Exception, words: str) -> None:
    assert why(error) == words


def test_a_certificate_that_is_not_trusted_says_where_to_look() -> None:
    assert "mqtt.ca_file" in why(SSL.Error([("SSL routines", "", "certificate verify failed")]))


@pytest.mark.parametrize(
    ("scheme", "stage", "reason", "asks"),
    [
        ("mqtts", Stage.DIAL, "the connection was lost", "mqtt://"),
        ("mqtts", Stage.DIAL, "TLS: wrong version number", "mqtt://"),
        ("mqtts", Stage.DIAL, "no TLS handshake from the broker within 10 s", "mqtt://"),
        ("mqtts", Stage.DIAL, "TLS: certificate verify failed", ""),
        ("mqtts", Stage.DIAL, "connection refused", ""),
        ("mqtts", Stage.CONNECT, "the connection was lost", ""),
        ("mqtt", Stage.CONNECT, "the broker closed the connection", "mqtts://"),
        ("mqtt", Stage.CONNECT, "no CONNACK from the broker within 10 s", "mqtts://"),
        ("mqtt", Stage.CONNECT, "the broker refuses the connection: Not authorized", ""),
        ("mqtt", Stage.SUBSCRIBE, "the connection was lost", ""),
        ("mqtt+unix", Stage.CONNECT, "the connection was lost", ""),
    ],
)
def test_a_port_that_speaks_something_else_is_asked_about(scheme: str, stage: Stage, reason: str, asks: str) -> None:
    found = hint(scheme, Ending(stage, reason))
    assert found.endswith(f"URL begins with {asks})") if asks else found == ""
