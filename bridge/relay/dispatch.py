"""Makes events safe: acknowledged by the broker, or committed to the outbox. Only then is a terminal told that it may forget.

An event goes to the broker at once when the broker is there and nothing older of the same terminal waits in the outbox; when the link has
enough to do, it waits for a moment first. If it is not acknowledged within PUBACK_S, or the connection is lost, it is committed to the outbox, and
published from there when the broker is back, in order. In the mode "always" it is committed first, for brokers whose PUBACK does not outlive them,
and after its PUBACK a copy is kept for a while. In the mode "auto" an entry is deleted after its PUBACK.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, ClassVar, Literal

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.errors import Invalid, StorageFault, TooLarge
from bridge.mqtt.events import Composed, EventRules, Kept, recompose
from bridge.mqtt.message import Publication
from bridge.mqtt.topics import Topics
from bridge.outbox import Entry, Outbox, Picture, Stored
from bridge.relay.drain import Drain
from bridge.relay.flights import Flight, Flights
from bridge.relay.outlet import Outlet
from bridge.relay.room import Room

Mode = Literal["auto", "always"]
Safe = Callable[[Exception | None], None]
"""Is told once that an event is safe, or why it is not: StorageFault when neither the broker nor the disk took it, and the terminal must keep
its record; TooLarge or Invalid for what the broker can never take; anything else is a defect."""


class Dispatch:
    """`wall` gives UNIX seconds; the clock is monotonic. `is_known` tells whether a terminal is still one of this bridge's."""

    log: ClassVar = Logger()

    def __init__(
        self,
        outlet: Outlet,
        outbox: Outbox,
        topics: Topics,
        rules: EventRules,
        clock: IReactorTime,
        wall: Callable[[], float],
        mode: Mode,
        is_known: Callable[[str], bool],
    ) -> None:
        self._outlet = outlet
        self._outbox = outbox
        self._topics = topics
        self._rules = rules
        self._wall = wall
        self._mode = mode
        self._is_known = is_known
        self.flights = Flights(outlet, clock)
        self.drain = Drain(outlet, outbox, self.flights, topics, clock, self._again, self._freed)
        self._room = Room(outlet, clock)
        self.recall = self.drain.recall

    def rules_now(self) -> EventRules:
        """The rules, with events and pictures kept below what the broker takes."""
        limits = self._outlet.limits
        return self._rules.within(limits.maximum_packet_bytes if limits else None)

    def is_live(self, terminal: str, *, urgent: bool = False) -> bool:
        """Whether an event of this terminal would reach the broker now, and not after older ones. When the link has enough to do, only what
        is urgent, because somebody stands at a door, is given to it."""
        has_room = urgent or not self._outlet.congested
        return has_room and self.drain.may_publish and self._outbox.held(terminal) <= self.flights.airborne.count(terminal)

    @property
    def congested(self) -> bool:
        """Whether more is waiting for the disk than should be; what is too much for the broker goes to the disk."""
        return self._outbox.congested

    def when_drained(self) -> Deferred[None]:
        """Fires when it is not congested; never fails."""
        return self._outbox.when_drained()

    def make_safe(self, composed: Composed, safe: Safe, *, urgent: bool = False, can_wait: bool = True) -> None:
        """Have the broker or the disk take it, and tell `safe`: later, but for a fault that is known at once. It is `urgent` when somebody has been
        asked about it, and `can_wait` when nobody stands at a door for its answer.

        The common way, to the broker and back, goes without a coroutine and its Deferreds: 15 of the 60 µs that an event took.
        """
        terminal = composed.device_id
        if self._mode == "auto" and terminal not in self._room and self.is_live(terminal, urgent=urgent):
            self._fly(composed, safe)
        else:
            self._see_to(self._in_turn(composed, safe, urgent=urgent, can_wait=can_wait), safe)

    def link_up(self) -> None:
        """The broker is there: publish what waits for it, behind what it may have forgotten."""
        self.flights.connection += 1
        self.recall.link_up()

    def link_down(self) -> None:
        """The broker is away."""
        self.recall.link_down()
        self._room.link_down()

    def hurry(self) -> None:
        """The end is near: what the broker has not acknowledged by now is committed to the outbox, and nothing more is published from there."""
        self.drain.close()
        self.flights.hurry()
        self._room.close()

    async def settle(self) -> None:
        """Until it is known of everything that the broker has acknowledged, so that it is not published again after the next start."""
        await self.drain.settle()

    def _fly(self, composed: Composed, safe: Safe) -> None:
        """To the broker, and to the disk when that takes too long, or fails."""
        flight = self.flights.fly(composed.device_id, composed.key, composed.publications)
        self.flights.hope(flight, partial(self._decide, composed, safe))

    def _decide(self, composed: Composed, safe: Safe, flight: Flight) -> None:
        if flight.is_taken:
            safe(None)
        elif isinstance(flight.error, TooLarge | Invalid):
            safe(flight.error)
        else:
            self._see_to(self._commit_late(composed, flight), safe)

    def _see_to(self, saving: Coroutine[Deferred[Any], Any, bool], safe: Safe) -> None:
        """`saving` returns whether it has made the event safe; if it has not, it has seen to it that `safe` will be told."""
        saved = Deferred.fromCoroutine(saving)
        saved.addCallbacks(lambda is_safe: safe(None) if is_safe else None, lambda failure: safe(failure.value))
        saved.addErrback(self._defect)

    async def _in_turn(self, composed: Composed, safe: Safe, *, urgent: bool, can_wait: bool) -> bool:
        """Whether it is safe now."""
        terminal = composed.device_id
        is_urgent = await self._is_its_turn(composed, urgent=urgent, can_wait=can_wait)
        if not self.is_live(terminal, urgent=is_urgent) or (not urgent and self._has_become_a_replay(composed)):
            self.flights.give_up_hope(terminal)
            await self._outbox.add(_entry(composed))
            self.drain.empty()
            return True
        if self._mode == "auto":
            self._fly(composed, safe)
            return False
        flight = self.flights.fly(terminal, composed.key, composed.publications)
        await self._commit_first(composed, flight)
        Deferred.fromCoroutine(self.flights.be_patient([flight])).addErrback(self._defect)
        return True

    async def _is_its_turn(self, composed: Composed, *, urgent: bool, can_wait: bool) -> bool:
        """Whether the link may be given an event although it has enough to do. What is urgent takes along what the terminal said before; behind
        anything else the older one goes to the disk, and the newer one after it."""
        terminal = composed.device_id
        if terminal in self._room:
            if urgent:
                self._room.let_in(terminal)
            else:
                self._room.turn_away(terminal)
        elif not urgent and self._is_worth_waiting(terminal, can_wait=can_wait) and self._room.fits(composed.size):
            return await self._room.wait(terminal, composed.size, behind=not self.is_live(terminal, urgent=True))
        return urgent

    def _is_worth_waiting(self, terminal: str, *, can_wait: bool) -> bool:
        """Rather than to go to the disk: for the link, or for older ones of its terminal that are about to leave the outbox.

        Without the second, a terminal of which something had once gone to the disk sent its next event as soon as that one was there, ten times as
        fast as the outbox can publish beside the others: neither ever caught up.
        """
        return self._outlet.congested if self.is_live(terminal, urgent=True) else can_wait and self.drain.is_under_way

    def _freed(self, terminals: set[str]) -> None:
        """Something of these has left the outbox."""
        for terminal in terminals:
            if terminal in self._room and self.is_live(terminal, urgent=True):
                self._room.freed(terminal)

    def _has_become_a_replay(self, composed: Composed) -> bool:
        """Whether it was none when it was composed, and has waited too long for the link: then the outbox publishes it as what it is."""
        is_old = self._wall() - composed.happened_at > self._rules.replay_after_s
        return is_old and composed.event.topic == self._topics.event(composed.device_id, composed.kind, replay=False)

    async def _commit_late(self, composed: Composed, flight: Flight) -> bool:
        """The disk is to have what the broker has not acknowledged, and may yet. True: it has."""
        await self._commit(composed, flight)
        self.flights.take_back(flight)
        return True

    async def _commit_first(self, composed: Composed, flight: Flight) -> None:
        """Before its PUBACK: what is newer can be given to the link all the same, which keeps the order."""
        self.flights.airborne.add(flight.terminal, composed.key)
        try:
            await self._commit(composed, flight)
        except StorageFault:
            self.flights.airborne.discard(flight.terminal, composed.key)
            raise

    async def _commit(self, composed: Composed, flight: Flight) -> None:
        """Commit an event that the link has, or had; it is deleted when its PUBACK comes after all."""
        number = await self._outbox.add(_entry(composed))
        flight.landing().addCallback(lambda _: self.drain.landed(flight, number)).addErrback(self._defect)

    def _again(self, stored: Stored) -> list[Publication]:
        """Of a terminal that was removed or blocked meanwhile, too: it was told that this is safe. But nothing is retained of it any more."""
        entry = stored.entry
        is_known = self._is_known(entry.terminal)
        pictures = tuple((each.topic, each.payload, each.retain and is_known) for each in entry.pictures)
        kept = Kept(entry.terminal, entry.kind, entry.key, entry.recorded_at, entry.event, pictures, stored.least_age_s)
        return recompose(kept, self._topics, self.rules_now(), self._wall())

    def _defect(self, failure: Failure) -> None:
        self.log.failure("defect while an event was made safe", failure)


def _entry(composed: Composed) -> Entry:
    pictures = tuple(Picture(each.topic, each.payload, each.retain) for each in composed.pictures)
    return Entry(composed.device_id, composed.key, composed.kind, composed.happened_at, composed.event.payload, pictures)
