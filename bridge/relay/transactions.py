"""Remembers transactions, so that a command sent twice is done once and answered twice (the contract's fifth rule)."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bridge.mqtt.commands import CommandRefused, Response

REMEMBERED_S = 600.0
MOST_REMEMBERED = 1_000
"""Of one terminal. Those that did nothing give way to others, the oldest first; those that did something never do."""

Reply = Callable[[Response], None]


@dataclass(slots=True)
class _Entry:
    since: float
    asked: bytes
    """A digest of what was asked for: payloads may be megabytes."""
    response: Response | None = None
    waiting: list[Reply] = field(default_factory=list)

    @property
    def did_nothing(self) -> bool:
        """Whether it never reached the terminal."""
        return self.response is not None and self.response.attempts == 0

    def is_over_after(self, now: float) -> bool:
        """Whether it is answered, and need not be remembered any more."""
        return self.response is not None and now - self.since >= REMEMBERED_S


class Transactions:
    """By terminal and transaction. `now` is monotonic seconds."""

    def __init__(self) -> None:
        self._entries: dict[str, OrderedDict[str, _Entry]] = {}

    def begin(self, device: str, transaction: str, command: str, data: Any, now: float) -> bool:
        """Whether this transaction is new, and the command therefore to be carried out. Raises CommandRefused when too many of the
        terminal's have been carried out lately to remember one more."""
        of_device = self._entries.setdefault(device, OrderedDict())
        self._drop_old(of_device, now)
        known = of_device.get(transaction)
        if known is not None and not known.is_over_after(now):
            return False
        of_device.pop(transaction, None)
        if len(of_device) >= MOST_REMEMBERED:
            raise CommandRefused("busy", f"{MOST_REMEMBERED} transactions were used for this terminal within {REMEMBERED_S:g} s")
        of_device[transaction] = _Entry(now, _digest(command, data))
        return True

    def is_same(self, device: str, transaction: str, command: str, data: Any) -> bool:
        """Whether the transaction that is known asked for the same thing."""
        return self._entries[device][transaction].asked == _digest(command, data)

    def repeat(self, device: str, transaction: str, reply: Reply) -> None:
        """Give the answer of the first: now, or once there is one."""
        entry = self._entries[device][transaction]
        if entry.response is None:
            entry.waiting.append(reply)
        else:
            reply(entry.response)

    def conclude(self, device: str, transaction: str, response: Response) -> None:
        """The first has its answer; so have those that came while it was under way."""
        entry = self._entries[device][transaction]
        entry.response = response
        waiting, entry.waiting = entry.waiting, []
        for reply in waiting:
            reply(response)

    def _drop_old(self, of_device: OrderedDict[str, _Entry], now: float) -> None:
        """What is older than it need be; then, where there are too many, what did nothing. One still under way is kept whatever its age:
        it owes an answer to whoever waits."""
        while of_device and (oldest := next(iter(of_device.values()))).response and now - oldest.since >= REMEMBERED_S:
            of_device.popitem(last=False)
        if len(of_device) >= MOST_REMEMBERED:
            over = [name for name, entry in of_device.items() if entry.is_over_after(now)]
            for name in over or [name for name, entry in of_device.items() if entry.did_nothing][: MOST_REMEMBERED // 10]:
                del of_device[name]


def _digest(command: str, data: Any) -> bytes:
    """Of what is asked for, not of how: another `issued_at`, or another order of the fields, is the same command once more."""
    return hashlib.sha256(command.encode() + b"\n" + msgspec.json.encode(data, order="deterministic")).digest()
