"""Ends a connection whose network stalls while a door command is on its way: TCP would deliver it whenever the network comes back, and the door
would open then.

The kernel keeps the time (TCP_USER_TIMEOUT, RFC 5482, where there is such a thing: Linux), from when the oldest byte was sent that the other side
has not taken. What was on its way is dropped with the connection.
"""

from __future__ import annotations

import socket
from contextlib import suppress
from math import inf
from typing import Final

LEAST_STALL_S: Final = 1.0
"""A packet that is lost once takes 0.2 s and more, and is no stall."""
_USER_TIMEOUT: Final[int | None] = getattr(socket, "TCP_USER_TIMEOUT", None)


class Stalls:
    """How long what is sent on one connection may lie on the way. `now` is monotonic seconds."""

    __slots__ = ("_bound_s", "_until")

    def __init__(self) -> None:
        self._bound_s = inf
        self._until = -inf
        """When the last door command so far is stale."""

    def sending(self, transport: object, now: float, door_expires_in_s: float | None) -> None:
        """A request is about to be sent. None: it opens no door, and may take its time on a slow network, once no door command is left."""
        if door_expires_in_s is not None:
            is_first = now >= self._until
            self._until = max(self._until, now + door_expires_in_s)
            self._bind(transport, max(LEAST_STALL_S, door_expires_in_s if is_first else min(self._bound_s, door_expires_in_s)))
        elif self._bound_s < inf and now >= self._until:
            self._bind(transport, inf)

    def _bind(self, transport: object, bound_s: float) -> None:
        if bound_s == self._bound_s:
            return
        self._bound_s = bound_s
        connection = getattr(transport, "socket", None)  # of TLS, too, which stands before it
        if isinstance(connection, socket.socket) and _USER_TIMEOUT is not None:
            with suppress(OSError):  # no TCP, or gone
                connection.setsockopt(socket.IPPROTO_TCP, _USER_TIMEOUT, 0 if bound_s == inf else round(bound_s * 1000))
