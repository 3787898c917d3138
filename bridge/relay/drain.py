"""Empties the outbox: publishes what waits there whenever the broker is there, in order, until nothing is left, and has it deleted after its PUBACK."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.errors import BrokerRefused, Invalid, StorageFault, TooLarge
from bridge.mqtt.message import Publication
from bridge.mqtt.topics import Topics
from bridge.outbox import Outbox, Stored
from bridge.relay.flights import Flight, Flights
from bridge.relay.outlet import Outlet
from bridge.relay.recall import Recall

REFUSED_PAUSE_S = 30.0
"""How long the outbox rests after the broker has refused something from it, or the disk has failed."""


class Drain:
    """`publications_of` composes what is stored anew, as what it is by now."""

    log = Logger()

    def __init__(
        self,
        outlet: Outlet,
        outbox: Outbox,
        flights: Flights,
        topics: Topics,
        clock: IReactorTime,
        publications_of: Callable[[Stored], list[Publication]],
    ) -> None:
        self._outlet = outlet
        self._outbox = outbox
        self._flights = flights
        self._clock = clock
        self._publications_of = publications_of
        self.recall = Recall(outlet, outbox, topics, clock, self.empty)
        self._is_emptying = False
        self._is_closing = False
        self._rest: Deferred[None] | None = None
        self._deleting: set[int] = set()
        """What a batch may hold that was asked for before, and is not to be published again."""

    @property
    def may_publish(self) -> bool:
        """Whether events may go to the broker: it is there, and has been told again what it may have forgotten."""
        return self._outlet.is_up and not self._is_closing and not self.recall.is_under_way

    def empty(self) -> None:
        """Publish what is in the outbox, if the broker is there, until nothing is left."""
        if not self._is_emptying and self.may_publish:
            self._is_emptying = True
            Deferred.fromCoroutine(self._empty()).addErrback(self._defect)

    def landed(self, flight: Flight, number: int) -> None:
        """The link is done with what stands in the outbox under this number."""
        if self._is_taken(flight):
            self._delete([number]).addCallback(lambda _: self._flights.airborne.discard(flight.terminal, flight.key))
            return
        self._flights.airborne.discard(flight.terminal, flight.key)
        if _is_hopeless(flight):
            self._outbox.undeliverable([number]).addErrback(self._not_deleted)
        else:
            self.empty()

    def close(self) -> None:
        """Publish nothing more."""
        self._is_closing = True
        self.recall.cancel()
        if self._rest is not None:
            self._rest.cancel()

    async def settle(self) -> None:
        """Until it is known of everything that the broker has acknowledged, so that it is not published again after the next start."""
        if self._outbox.keeps_copies:
            await self._outbox.settle().addErrback(self._not_deleted)

    async def _empty(self) -> None:
        try:
            while self.may_publish:
                await self._outlet.when_drained()
                try:
                    batch = await self._outbox.next_batch()
                except StorageFault as fault:
                    self.log.error("the outbox cannot be read: {reason}", reason=str(fault))
                    await self._pause()
                    continue
                if not batch:
                    return
                if not await self._publish(batch):
                    await self._pause()
        finally:
            self._is_emptying = False

    async def _publish(self, batch: list[Stored]) -> bool:
        """Whether to go on at once: not after the broker has refused something."""
        if not self.may_publish:
            self._outbox.give_back(stored.id for stored in batch)
            return True
        flights = [(stored.id, self._fly(stored)) for stored in batch if stored.id not in self._deleting]
        await self._flights.be_patient([flight for _, flight in flights])
        for _, flight in flights:
            await flight.landing()
        self._done_with(flights)
        return not any(isinstance(flight.error, BrokerRefused) for _, flight in flights)

    def _fly(self, stored: Stored) -> Flight:
        """Once: the link may have it already."""
        entry = stored.entry
        return self._flights.find(entry.terminal, entry.key) or self._flights.fly(entry.terminal, entry.key, self._publications_of(stored))

    def _done_with(self, flights: list[tuple[int, Flight]]) -> None:
        hopeless = [number for number, flight in flights if _is_hopeless(flight)]
        taken = [number for number, flight in flights if self._is_taken(flight)]
        self._outbox.give_back(number for number, _ in flights if number not in {*hopeless, *taken})
        if hopeless:
            self._outbox.undeliverable(hopeless).addErrback(self._not_deleted)
        if taken:
            self._delete(taken)

    def _is_taken(self, flight: Flight) -> bool:
        """Whether the broker has acknowledged it, and has not been away since."""
        return flight.error is None and flight.connection == self._flights.connection

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


def _is_hopeless(flight: Flight) -> bool:
    """Whether the broker can never take it."""
    return isinstance(flight.error, TooLarge | Invalid)
