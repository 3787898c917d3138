"""Remembers transactions, so that a command sent twice is done once and answered twice (the contract's fifth rule)."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field

from bridge.mqtt.commands import Response

REMEMBERED_S = 600.0
MOST_REMEMBERED = 10_000
"""In all; the oldest give way."""

_LOOKED_AT = 16
"""How many of the oldest are looked at for each new one."""
Reply = Callable[[Response], None]


@dataclass(slots=True)
class _Entry:
    since: float
    asked: bytes
    """A digest of what was asked for: payloads may be megabytes."""
    response: Response | None = None
    waiting: list[Reply] = field(default_factory=list)


class Transactions:
    """By terminal and transaction. `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()

    def begin(self, device: str, transaction: str, command: str, payload: bytes, now: float) -> bool:
        """Whether this transaction is new, and the command therefore to be carried out."""
        self._drop_old(now)
        key = (device, transaction)
        if key in self._entries:
            return False
        self._entries[key] = _Entry(now, _digest(command, payload))
        return True

    def is_same(self, device: str, transaction: str, command: str, payload: bytes) -> bool:
        """Whether the transaction that is known asked for the same thing."""
        return self._entries[device, transaction].asked == _digest(command, payload)

    def repeat(self, device: str, transaction: str, reply: Reply) -> None:
        """Give the answer of the first: now, or once there is one."""
        entry = self._entries[device, transaction]
        if entry.response is None:
            entry.waiting.append(reply)
        else:
            reply(entry.response)

    def conclude(self, device: str, transaction: str, response: Response) -> None:
        """The first has its answer; so have those that came while it was under way."""
        entry = self._entries.get((device, transaction))
        if entry is None:
            return
        entry.response = response
        waiting, entry.waiting = entry.waiting, []
        for reply in waiting:
            reply(response)

    def _drop_old(self, now: float) -> None:
        """Oldest first. One still under way is kept whatever its age, since it owes an answer to whoever waits; it goes to the end, so
        that it keeps no other."""
        for _ in range(min(_LOOKED_AT, len(self._entries))):
            key, entry = next(iter(self._entries.items()))
            if now - entry.since < REMEMBERED_S and len(self._entries) < MOST_REMEMBERED:
                return
            if entry.response is None:
                self._entries.move_to_end(key)
            else:
                del self._entries[key]


def _digest(command: str, payload: bytes) -> bytes:
    return hashlib.sha256(command.encode() + b"\n" + payload).digest()
