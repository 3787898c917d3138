"""Tells systemd how the bridge is, where it asks (sd_notify(3)): one datagram, no library needed."""

from __future__ import annotations

import os
import socket

from twisted.logger import Logger

_log = Logger()


def notify(state: str) -> None:
    """Send a state such as `READY=1` or `STOPPING=1` to the supervisor that set NOTIFY_SOCKET. Without one, nothing is sent.

    Never waits and never fails: a supervisor that does not listen has time-outs of its own.
    """
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | getattr(socket, "SOCK_CLOEXEC", 0)) as supervisor:
        supervisor.setblocking(False)
        try:
            supervisor.connect("\0" + address[1:] if address.startswith("@") else address)
            supervisor.send(state.encode())
        except OSError as error:
            _log.warn("cannot tell {address} {state}: {reason}", address=address, state=state, reason=error.strerror or str(error))
