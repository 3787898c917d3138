"""What connections may take of the bridge: places, bytes in a frame, and frames and bytes per second. No I/O; time comes in as `now`."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import lru_cache
from math import inf
from typing import Literal

from ..session.addresses import network_of

BEFORE_LOGIN = 0.1
"""The part of a terminal's pace that is granted before login, where anybody may be calling: a login needs two or three frames."""

Full = Literal["connections", "connections_per_address"]
"""Which limit there is no place under, by its name in the configuration."""


@dataclass(frozen=True, slots=True)
class FrameLimits:
    """The largest body accepted, in bytes, before a connection has said who it is and after."""

    before_login: int = 64 * 1024
    after_login: int = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Rate:
    """So many per second in the long run, and so many at once after a quiet time."""

    per_s: float
    burst: float

    def reduced(self, part: float) -> Rate:
        """A part of it."""
        return Rate(self.per_s * part, self.burst * part)


@dataclass(frozen=True, slots=True)
class Rates:
    """The frames and bytes that one terminal may send."""

    frames: Rate = Rate(100, 1000)
    bytes: Rate = Rate(2 * 1024 * 1024, 16 * 1024 * 1024)

    @lru_cache(maxsize=4)  # noqa: B019 - a value without an owner, of which a bridge has one
    def before_login(self) -> Rates:
        """Those of a connection that has not said who it is. They are the same for all of them."""
        return Rates(self.frames.reduced(BEFORE_LOGIN), self.bytes.reduced(BEFORE_LOGIN))


class Pace:
    """How fast one terminal sends, against how fast it may: two token buckets that go into debt, for what has come has come, and is made up
    for by waiting. `now` is monotonic seconds."""

    __slots__ = ("_at", "_bytes", "_frames", "_rates")

    def __init__(self, rates: Rates) -> None:
        self._rates = rates
        self._frames = self._bytes = 0.0
        """What the buckets lacked of being full, at a moment."""
        self._at = -inf

    def read(self, size: float, now: float) -> None:
        """So many bytes came, whatever they are."""
        self._refill(now)
        self._bytes += size

    def frame(self) -> None:
        """A whole frame came, with what was read last."""
        self._frames += 1

    def wait_s(self, now: float) -> float:
        """How long to read nothing, so that it does not send faster than it may; 0 when nothing is owed."""
        frames, size = self._rates.frames, self._rates.bytes
        if self._frames <= frames.burst and self._bytes <= size.burst:
            return 0.0
        owed_s = max((self._frames - frames.burst) / frames.per_s, (self._bytes - size.burst) / size.per_s)
        return max(0.0, owed_s - (now - self._at))

    def _refill(self, now: float) -> None:
        quiet_s = now - self._at
        if quiet_s > 0:
            self._at = now
            self._frames = max(0.0, self._frames - quiet_s * self._rates.frames.per_s)
            self._bytes = max(0.0, self._bytes - quiet_s * self._rates.bytes.per_s)


class Places:
    """The places for connections: so many in all, and for each address, where an IPv6 network counts as one. Only connections that have
    a place are kept account of, so it does not grow with those that were turned away."""

    def __init__(self, most: int, most_per_address: int) -> None:
        self._most = most
        self._most_per_address = most_per_address
        self._taken = 0
        self._by_network: Counter[str] = Counter()

    def __len__(self) -> int:
        """How many are taken."""
        return self._taken

    def take(self, address: str | None) -> Full | None:
        """Give a connection its place, or say which limit keeps it from one. Without an IP address it counts in all only."""
        network = network_of(address)
        if self._taken >= self._most:
            return "connections"
        if network is not None and self._by_network[network] >= self._most_per_address:
            return "connections_per_address"
        self._taken += 1
        if network is not None:
            self._by_network[network] += 1
        return None

    def leave(self, address: str | None) -> None:
        """A place is free again: one that was taken for this address."""
        network = network_of(address)
        self._taken -= 1
        if network is not None:
            self._by_network[network] -= 1
            if not self._by_network[network]:
                del self._by_network[network]
