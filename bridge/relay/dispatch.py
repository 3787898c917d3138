"""Makes events safe: acknowledged by the broker, or committed to the outbox. Only then is a terminal told that it may forget.

An event goes to the broker at once when the broker is there and nothing older of the same terminal waits in the outbox; when the link has
enough to do, it waits for a moment first. If it is not acknowledged within PUBACK_S, or the connection is lost, it is committed to the outbox, and
published from there when the broker is back, in order. In the mode "always" it is committed first, for brokers whose PUBACK does not outlive them,
and after its PUBACK a copy is kept for a while. In the mode "auto" an entry is deleted after its PUBACK.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import dropwhile
from math import inf
from typing import Literal

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.errors import BridgeError, BrokerAway, BrokerRefused, Invalid, StorageFault, TooLarge
from bridge.mqtt.events import Composed, EventRules, Kept, recompose
from bridge.mqtt.message import Publication
from bridge.mqtt.topics import Topics
from bridge.outbox import Entry, Outbox, Picture, Stored
from bridge.relay.flights import Airborne, Flight
from bridge.relay.outlet import Outlet
from bridge.relay.patience import Patience
from bridge.relay.recall import Recall
from bridge.relay.room import Room

PUBACK_S = 5.0
"""How long a PUBACK may take before the event is committed to the outbox."""
REFUSED_PAUSE_S = 30.0
"""How long the outbox rests after the broker has refused something from it, or the disk has failed."""

Mode = Literal["auto", "always"]


class Dispatch:
    """`wall` gives UNIX seconds; the clock is monotonic. `is_known` tells whether a terminal is still one of this bridge's."""

    log = Logger()

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
        self._clock = clock
        self._wall = wall
        self._mode = mode
        self._is_known = is_known
        self._flights: dict[str, Flight] = {}
        """By event id: what is with the link, and may stand in the outbox as well."""
        self._airborne = Airborne()
        self._connection = 0
        """Counts them: what the broker acknowledged on an earlier one it may have forgotten by now."""
        self.recall = Recall(outlet, outbox, topics, clock, self.empty)
        self._is_emptying = False
        self._rest: Deferred[None] | None = None
        self._patience = Patience(clock, PUBACK_S)
        self._room = Room(outlet, clock)
        self._is_closing = False
        self._deleting: set[int] = set()
        self._refusal_told_at = -inf

    def rules_now(self) -> EventRules:
        """The rules, with events and pictures kept below what the broker takes."""
        limits = self._outlet.limits
        return self._rules.within(limits.maximum_packet_bytes if limits else None)

    def is_live(self, terminal: str, *, urgent: bool = False) -> bool:
        """Whether an event of this terminal would reach the broker now, and not after older ones. When the link has enough to do, only what
        is urgent, because somebody stands at a door, is given to it."""
        has_room = urgent or not self._outlet.congested
        return self._may_publish and has_room and self._outbox.held(terminal) <= self._airborne.count(terminal)

    @property
    def _may_publish(self) -> bool:
        return self._outlet.is_up and not self._is_closing and not self.recall.is_under_way

    @property
    def congested(self) -> bool:
        """Whether more is waiting for the disk than should be; what is too much for the broker goes to the disk."""
        return self._outbox.congested

    def when_drained(self) -> Deferred[None]:
        """Fires when it is not congested; never fails."""
        return self._outbox.when_drained()

    async def make_safe(self, composed: Composed, *, urgent: bool = False) -> None:
        """Until the broker has acknowledged it, or the disk has it.

        Raises StorageFault when neither could be: the terminal must keep its record. Raises TooLarge or Invalid for what the broker can
        never take.
        """
        is_urgent = await self._is_its_turn(composed.device_id, urgent=urgent)
        if not self.is_live(composed.device_id, urgent=is_urgent) or (not urgent and self._has_become_a_replay(composed)):
            self._commit_older(composed.device_id)
            await self._outbox.add(_entry(composed))
            self.empty()
            return
        flight = self._fly(composed.device_id, composed.key, composed.publications)
        if self._mode == "always":
            await self._commit_first(composed, flight)
            Deferred.fromCoroutine(self._be_patient([flight])).addErrback(self._defect)
            return
        flight.hope = flight.landing()
        await self._patience.wait(flight.hope)
        if flight.is_over and flight.error is None:
            return
        if isinstance(flight.error, TooLarge | Invalid):
            raise flight.error
        await self._commit(composed, flight)
        self._take_back(flight)

    def link_up(self) -> None:
        """The broker is there: publish what waits for it, behind what it may have forgotten."""
        self._connection += 1
        self.recall.link_up()

    def link_down(self) -> None:
        """The broker is away."""
        self.recall.link_down()

    def empty(self) -> None:
        """Publish what is in the outbox, if the broker is there, until nothing is left."""
        if not self._is_emptying and self._may_publish:
            self._is_emptying = True
            Deferred.fromCoroutine(self._empty()).addErrback(self._defect)

    def hurry(self) -> None:
        """The end is near: what the broker has not acknowledged by now is committed to the outbox, and nothing more is published from there."""
        self._is_closing = True
        self.recall.cancel()
        self._patience.end()
        self._room.close()
        if self._rest is not None:
            self._rest.cancel()

    async def settle(self) -> None:
        """Until it is known of everything that the broker has acknowledged, so that it is not published again after the next start."""
        if self._outbox.keeps_copies:
            await self._outbox.settle().addErrback(self._not_deleted)

    # One event.

    async def _is_its_turn(self, terminal: str, *, urgent: bool) -> bool:
        """Whether the link may be given an event although it has enough to do. What is urgent takes along what the terminal said before; behind
        anything else the older one goes to the disk, and the newer one after it."""
        if terminal in self._room:
            if urgent:
                self._room.let_in(terminal)
            else:
                self._room.turn_away(terminal)
        elif self._mode == "auto" and self._outlet.congested and not urgent and self.is_live(terminal, urgent=True):
            return await self._room.wait(terminal)
        return urgent

    def _has_become_a_replay(self, composed: Composed) -> bool:
        """Whether it was none when it was composed, and has waited too long for the link: then the outbox publishes it as what it is."""
        is_old = self._wall() - composed.happened_at > self._rules.replay_after_s
        return is_old and composed.event.topic == self._topics.event(composed.device_id, composed.kind, replay=False)

    def _fly(self, terminal: str, key: str, publications: list[Publication]) -> Flight:
        """Give an event to the link."""
        published = [self._outlet.publish(each) for each in publications]
        flight = self._flights[key] = Flight(terminal, self._connection, published, len(published))
        for each in published:
            each.addCallbacks(self._taken, self._not_taken, callbackArgs=(key, flight), errbackArgs=(key, flight))
            each.addErrback(self._defect_after_publication)
        return flight

    def _taken(self, _: None, key: str, flight: Flight) -> None:
        flight.under_way -= 1
        if flight.under_way == 0:
            self._landed(key, flight, None)

    def _not_taken(self, failure: Failure, key: str, flight: Flight) -> None:
        """One of its publications; whatever becomes of the others, the event is not safe."""
        if not flight.is_over:
            self._landed(key, flight, _error(failure))

    def _defect_after_publication(self, failure: Failure) -> None:
        self.log.failure("defect after a publication", failure)

    def _landed(self, key: str, flight: Flight, error: BridgeError | None) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
        if error is not None:
            self._airborne.discard(flight.terminal, key)
        flight.land(error)
        if isinstance(error, BrokerRefused) and self._clock.seconds() >= self._refusal_told_at + REFUSED_PAUSE_S:
            self._refusal_told_at = self._clock.seconds()
            self.log.error(
                "the broker refuses events, which wait in the outbox; see to its access list and limits: {reason}", reason=str(error)
            )

    async def _be_patient(self, flights: list[Flight]) -> None:
        """Wait until the last has landed, but not longer than PUBACK_S; what the link has not begun to send by then, it shall not."""
        if flights:
            await self._patience.wait(flights[-1].landing())
        for flight in flights:
            self._take_back(flight)

    def _take_back(self, flight: Flight) -> None:
        """Let the outbox publish what waits for its turn at a slow link: as what it is by then, for it may have become a replay. What is newer
        of the same terminal comes back as well, or it would be sooner there. What the link has begun to send, pictures first, it ends."""
        if flight.is_over or not self._outlet.is_waiting(flight.published[0]):
            return
        of_terminal = [each for each in self._flights.values() if each.terminal == flight.terminal]
        for each in list(dropwhile(lambda each: each is not flight, of_terminal)) or [flight]:
            for published in each.published:
                published.cancel()

    async def _commit(self, composed: Composed, flight: Flight) -> None:
        """Commit an event that the link has, or had; it is deleted when its PUBACK comes after all."""
        number = await self._outbox.add(_entry(composed))
        flight.landing().addCallback(self._settle, flight, composed.key, number)

    async def _commit_first(self, composed: Composed, flight: Flight) -> None:
        """The same before its PUBACK: what is newer can be given to the link all the same, which keeps the order."""
        self._airborne.add(flight.terminal, composed.key)
        try:
            await self._commit(composed, flight)
        except StorageFault:
            self._airborne.discard(flight.terminal, composed.key)
            raise

    def _commit_older(self, terminal: str) -> None:
        """Something of this terminal goes to the disk: what the link has of it, and nobody has acknowledged, goes there before it, or it would come
        after it when the connection is lost."""
        for flight in [each for each in self._flights.values() if each.terminal == terminal]:
            flight.give_up_hope()

    def _settle(self, _: None, flight: Flight, key: str, number: int) -> None:
        """The link is done with what is in the outbox too."""
        if self._is_taken(flight):
            self._delete([number]).addCallback(lambda _: self._airborne.discard(flight.terminal, key))
            return
        self._airborne.discard(flight.terminal, key)
        if isinstance(flight.error, TooLarge | Invalid):
            self._outbox.undeliverable([number]).addErrback(self._not_deleted)
        else:
            self.empty()

    # The outbox.

    async def _empty(self) -> None:
        try:
            while self._may_publish:
                await self._outlet.when_drained()
                try:
                    batch = await self._outbox.next_batch()
                except StorageFault as fault:
                    self.log.error("the outbox cannot be read: {reason}", reason=str(fault))
                    await self._pause()
                    continue
                if not batch:
                    return
                if not await self._publish_batch(batch):
                    await self._pause()
        finally:
            self._is_emptying = False

    async def _publish_batch(self, batch: list[Stored]) -> bool:
        """Whether to go on at once: not after the broker has refused something."""
        if not self._may_publish:
            self._outbox.give_back(stored.id for stored in batch)
            return True
        flights = [
            (stored.id, self._flights.get(stored.entry.key) or self._fly_again(stored))
            for stored in batch
            if stored.id not in self._deleting
        ]
        await self._be_patient([flight for _, flight in flights])
        for _, flight in flights:
            await flight.landing()
        hopeless = [number for number, flight in flights if isinstance(flight.error, TooLarge | Invalid)]
        taken = [number for number, flight in flights if self._is_taken(flight)]
        back = [number for number, _ in flights if number not in {*hopeless, *taken}]
        self._outbox.give_back(back)
        if hopeless:
            self._outbox.undeliverable(hopeless).addErrback(self._not_deleted)
        if taken:
            self._delete(taken)
        return not any(isinstance(flight.error, BrokerRefused) for _, flight in flights)

    def _is_taken(self, flight: Flight) -> bool:
        """Whether the broker has acknowledged it, and has not been away since."""
        return flight.error is None and flight.connection == self._connection

    def _fly_again(self, stored: Stored) -> Flight:
        """Of a terminal that was removed or blocked meanwhile, too: it was told that this is safe. But nothing is retained of it any more."""
        entry = stored.entry
        is_known = self._is_known(entry.terminal)
        pictures = tuple((each.topic, each.payload, each.retain and is_known) for each in entry.pictures)
        kept = Kept(entry.terminal, entry.kind, entry.key, entry.recorded_at, entry.event, pictures, stored.least_age_s)
        return self._fly(entry.terminal, entry.key, recompose(kept, self._topics, self.rules_now(), self._wall()))

    async def _pause(self) -> None:
        """A while. The end cuts it short."""
        self._rest = deferLater(self._clock, REFUSED_PAUSE_S, lambda: None)
        try:
            await self._rest
        except CancelledError:
            return
        finally:
            self._rest = None

    def _delete(self, numbers: list[int]) -> Deferred[None]:
        """Fires when the outbox has done with them, or could not; never fails."""
        self._deleting.update(numbers)
        deleted = self._outbox.delivered(numbers).addErrback(self._not_deleted)
        deleted.addCallback(lambda _: self._deleting.difference_update(numbers))
        self.recall.acknowledged()
        return deleted

    def _defect(self, failure: Failure) -> None:
        self.log.failure("defect while emptying the outbox", failure)

    def _not_deleted(self, failure: Failure) -> None:
        """It is deleted later, or published a second time after a restart: the event's id tells."""
        failure.trap(StorageFault)
        self.log.warn("the outbox could not delete what was delivered: {reason}", reason=failure.getErrorMessage())


def _entry(composed: Composed) -> Entry:
    pictures = tuple(Picture(each.topic, each.payload, each.retain) for each in composed.pictures)
    return Entry(composed.device_id, composed.key, composed.kind, composed.happened_at, composed.event.payload, pictures)


def _error(failure: Failure) -> BridgeError:
    """Anything that is not a BridgeError is a defect, and raised."""
    error = failure.value
    if isinstance(error, CancelledError):
        return BrokerAway("it was taken back")
    if not isinstance(error, BridgeError):
        raise TypeError("a publication failed with a defect") from error
    return error
