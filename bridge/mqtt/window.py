"""What is on the way to the broker and what waits for its turn: in order, and bounded. No I/O."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final

from twisted.internet.defer import Deferred, succeed

from bridge.errors import BridgeError
from bridge.mqtt.packets import Encoded
from bridge.values import Entity

MOST_IN_FLIGHT: Final = 100  # messages; more gain nothing, and some brokers drop what is beyond (mosquitto: max_queued_messages)
MOST_IN_FLIGHT_BYTES: Final = 4 << 20  # a few pictures; what is in flight also stands in the transport's buffer
HIGH_WATER_BYTES: Final = 8 << 20  # waiting; above it the terminals should pause
LOW_WATER_BYTES: Final = 2 << 20  # waiting; below it they may go on
MOST_WITHDRAWN_BYTES: Final = 2 << 20  # kept until it would be their turn: a broker that is frozen has none


Done = Callable[[BridgeError | None], object]
"""Is told once that the broker has acknowledged a publication (None), or why it will not. A Deferred for each would cost 4 of the 100 µs of an
event."""


class Entry(Entity):
    """One publication, and whom to tell. `is_waiting`: it has not been sent, and can be withdrawn."""

    encoded: Encoded
    done: Done
    is_waiting: bool = True


class Window:
    """The publications of one connection. `add` is the one way in; `acknowledge`, `withdraw` and `close` are the ways out."""

    def __init__(self, receive_maximum: int = MOST_IN_FLIGHT) -> None:
        self.most_in_flight = min(MOST_IN_FLIGHT, receive_maximum)
        self.congested = False  # between the high-water and the low-water mark it keeps what it was
        self.waiting_bytes = 0
        self.in_flight_bytes = 0
        self.acknowledged = 0
        """How many have been, whatever the broker said of them."""
        self._waiting: deque[Entry] = deque()
        """What was withdrawn stands here until it would be its turn: to look for it took long where much waits."""
        self._withdrawn = 0
        self._withdrawn_bytes = 0
        self._in_flight: dict[int, Entry] = {}
        self._drained: list[Deferred[None]] = []

    def __len__(self) -> int:
        """How many are waiting or in flight."""
        return len(self._waiting) - self._withdrawn + len(self._in_flight)

    @property
    def oldest(self) -> Entry | None:
        """What has been in flight for longest, if anything is."""
        return next(iter(self._in_flight.values()), None)

    def add(self, encoded: Encoded, done: Done) -> Entry:
        """Queue behind what is there. Whoever calls `acknowledge` or `close` tells `done`."""
        entry = Entry(encoded, done)
        self._waiting.append(entry)
        self.waiting_bytes += encoded.packet_bytes
        self._look_at_the_marks()
        return entry

    def next(self) -> Encoded | None:
        """The next to be sent, or None: nothing waits, or the window is full. One that is over the cap in bytes goes alone."""
        while self._withdrawn and self._waiting and not self._waiting[0].is_waiting:
            self._withdrawn_bytes -= self._waiting.popleft().encoded.packet_bytes
            self._withdrawn -= 1
        if not self._waiting or len(self._in_flight) >= self.most_in_flight:
            return None
        encoded = self._waiting[0].encoded
        is_over = self.in_flight_bytes + encoded.packet_bytes > MOST_IN_FLIGHT_BYTES
        return None if is_over and self._in_flight else encoded

    def sent(self, packet_id: int) -> None:
        """What `next` gave is on its way under this packet identifier."""
        entry = self._waiting.popleft()
        entry.is_waiting = False
        self._in_flight[packet_id] = entry
        self.waiting_bytes -= entry.encoded.packet_bytes
        self.in_flight_bytes += entry.encoded.packet_bytes
        self._look_at_the_marks()

    def acknowledge(self, packet_id: int) -> Entry | None:
        """Take out what was sent under this packet identifier; None when there is nothing (a second PUBACK)."""
        entry = self._in_flight.pop(packet_id, None)
        if entry is not None:
            self.in_flight_bytes -= entry.encoded.packet_bytes
            self.acknowledged += 1
        return entry

    def withdraw(self, *entries: Entry) -> None:
        """Take out what waits, and tell nobody. What is in flight stays there until its PUBACK. Those who hear that there is room hear it when
        all are taken out: what they do sends none of them."""
        for entry in entries:
            if entry.is_waiting:
                entry.is_waiting = False
                self._withdrawn += 1
                self._withdrawn_bytes += entry.encoded.packet_bytes
                self.waiting_bytes -= entry.encoded.packet_bytes
        if self._withdrawn_bytes > MOST_WITHDRAWN_BYTES:
            self._waiting = deque(entry for entry in self._waiting if entry.is_waiting)
            self._withdrawn = self._withdrawn_bytes = 0
        self._look_at_the_marks()

    def when_drained(self) -> Deferred[None]:
        """Fires when the window is not congested, or at `close`; never fails."""
        if not self.congested:
            return succeed(None)
        drained: Deferred[None] = Deferred(self._drained.remove)
        self._drained.append(drained)
        return drained

    def close(self) -> list[Entry]:
        """Take out everything, in the order of `add`. The caller tells whoever asked for what is returned."""
        waiting = [entry for entry in self._waiting if entry.is_waiting]
        for entry in waiting:
            entry.is_waiting = False
        entries = [*self._in_flight.values(), *waiting]
        self._in_flight, self._waiting = {}, deque()
        self.waiting_bytes = self.in_flight_bytes = self._withdrawn = self._withdrawn_bytes = 0
        self._look_at_the_marks()
        return entries

    def _look_at_the_marks(self) -> None:
        if self.waiting_bytes > HIGH_WATER_BYTES:
            self.congested = True
        elif self.congested and self.waiting_bytes <= LOW_WATER_BYTES:
            self.congested = False
            drained, self._drained = self._drained, []
            for each in drained:
                each.callback(None)
