"""Why there is no connection, in words for the log: never a traceback, for nothing of it is the bridge's fault."""

from __future__ import annotations

from typing import Final

from OpenSSL import SSL
from service_identity import VerificationError
from twisted.internet import error as net
from twisted.internet.defer import TimeoutError as DeferredTimeout

from bridge.mqtt.dialling import Ending, Stage
from bridge.mqtt.endpoint import tls_reason

# All that an endpoint's connect fails with; one that is cancelled because the time is up may call it a cancelled connection.
DIAL_ERRORS: Final = (net.ConnectError, net.DNSLookupError, net.ConnectingCancelledError, DeferredTimeout, OSError, ValueError)

WORDS: Final[tuple[tuple[type[Exception], str], ...]] = (
    (net.ConnectionRefusedError, "connection refused"),
    (net.DNSLookupError, "there is no such host name, or no name server to ask"),
    (net.NoRouteError, "no route to the host"),
    (net.TimeoutError, "no connection in time"),
    (net.ConnectingCancelledError, "no connection in time"),
    (DeferredTimeout, "no connection in time"),
    (net.ConnectionDone, "the broker closed the connection"),
    (net.ConnectionAborted, "the connection was cut"),
    (net.ConnectionLost, "the connection was lost"),
)


def why(error: BaseException) -> str:
    """One line without a full stop."""
    if isinstance(error, VerificationError):
        names = {str(_name(each.mismatched_id)) for each in error.errors}
        return f"TLS: the broker's certificate is for another name than {', '.join(sorted(names))}"
    if isinstance(error, SSL.Error):
        reason = tls_reason(error)
        hint = " (not signed by an authority in mqtt.ca_file, or out of date)" if "certificate verify failed" in reason else ""
        return f"TLS: {reason}{hint}"
    for kind, words in WORDS:
        if isinstance(error, kind):
            return words
    if isinstance(error, net.ConnectError):  # its str begins with a sentence of its own
        return str(error.args[0])
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


UNANSWERED: Final = (
    "the broker closed the connection",
    "the connection was lost",
    "no TLS handshake",
    "no CONNACK",
    "TLS: wrong version number",
)


def hint(scheme: str, ending: Ending) -> str:
    """What to look at when a port seems to speak something else than what it is dialled with; nothing otherwise."""
    if not ending.reason.startswith(UNANSWERED):
        return ""
    if scheme == "mqtts" and ending.stage is Stage.DIAL:
        return " (is that a port with TLS? Without, the URL begins with mqtt://)"
    if scheme == "mqtt" and ending.stage is Stage.CONNECT:
        return " (is that a port with TLS? Then the URL begins with mqtts://)"
    return ""


def _name(identity: object) -> object:
    """The host name or the address in a service identity."""
    hostname = getattr(identity, "hostname", None)
    return hostname.decode() if isinstance(hostname, bytes) else getattr(identity, "ip", identity)
