"""Tells systemd how the bridge is, where it asks (sd_notify(3)): one datagram, no library needed."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> None:
    """Send a state such as `READY=1` or `STOPPING=1` to the supervisor that set NOTIFY_SOCKET. Without one, nothing is sent."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | getattr(socket, "SOCK_CLOEXEC", 0)) as supervisor:
        supervisor.connect("\0" + address[1:] if address.startswith("@") else address)
        supervisor.send(state.encode())
