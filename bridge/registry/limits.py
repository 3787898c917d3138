"""What keeps strangers from wearing out the operator: failed signs are limited by address, and nothing is told twice."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass

from ..session.addresses import network_of

MAX_ADDRESSES = 1000
MAX_SUBJECTS = 4096
MAX_DETAILS = 8
"""For one serial: whoever comes as it in ever new ways is told of no more than this."""
FORGOTTEN_AFTER_S = 3600.0
"""What has not been seen for this long is news again."""


@dataclass(slots=True)
class _Count:
    since: float
    events: int = 0


class AddressLimit:
    """At most `events` in `window_s` seconds from one address, where an IPv6 network counts as one, and memory for the addresses seen last.
    `monotonic` gives seconds."""

    def __init__(self, events: int, window_s: float, monotonic: Callable[[], float]) -> None:
        self._events = events
        self._window_s = window_s
        self._monotonic = monotonic
        self._counts: OrderedDict[str, _Count] = OrderedDict()

    def admits(self, address: str) -> bool:
        """Count an event; whether it is within the limit."""
        now, network = self._monotonic(), network_of(address) or address
        count = self._counts.setdefault(network, _Count(now))
        self._counts.move_to_end(network)
        if now - count.since >= self._window_s:
            count.since, count.events = now, 0
        count.events += 1
        if len(self._counts) > MAX_ADDRESSES:
            self._counts.popitem(last=False)
        return count.events <= self._events


class Novelties:
    """What the operator has been told of each subject (a serial, or what stands for one). Bounded, and forgotten in time."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._limit = AddressLimit(30, 60.0, monotonic)
        self._told: OrderedDict[str, dict[Hashable, float]] = OrderedDict()

    def is_new(self, subject: str, detail: Hashable, address: str) -> bool:
        """Whether to tell the operator. If so, it counts as told."""
        now = self._monotonic()
        told = self._told.get(subject, {})
        for old in [old for old, seen_at in told.items() if now - seen_at >= FORGOTTEN_AFTER_S]:
            del told[old]
        if detail not in told and (len(told) >= MAX_DETAILS or not self._limit.admits(address)):
            return False
        is_new = detail not in told
        told[detail] = now
        self._told[subject] = told
        self._told.move_to_end(subject)
        if len(self._told) > MAX_SUBJECTS:
            self._told.popitem(last=False)
        return is_new

    def forget(self, subject: str) -> None:
        """Whatever is seen of this subject from now on is news."""
        self._told.pop(subject, None)
