"""Empties the outbox: publishes what waits there whenever the broker is there, in order, until nothing is left, and has it deleted after its PUBACK."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.errors import BridgeError, BrokerAway, BrokerRefused, Invalid, StorageFault, TooLarge
from bridge.mqtt.message import Publication
from bridge.mqtt.topics import Topics
from bridge.outbox import Outbox, Stored
from bridge.relay.flights import Flight, Flights
from bridge.relay.outlet import Outlet
from bridge.relay.recall import Recall

REFUSED_PAUSE_S = 30.0
"""How long the outbox rests after the broker has refused something from it, or the disk has failed."""


class Drain:
    """`publications_of` composes what is stored anew, as what it is by now. `freed` is told of which terminals something has left the outbox."""

    log = Logger()

    def __init__(
        self,
        outlet: Outlet,
        outbox: Outbox,
        flights: Flights,
        topics: Topics,
        clock: IReactorTime,
        publications_of: Callable[[Stored], list[Publication]],
        freed: Callable[[set[str]], None],
    ) -> None:
        self._outlet = outlet
        self._outbox = outbox
        self._flights = flights
        self._clock = clock
        self._publications_of = publications_of
        self._freed = freed
        self.recall = Recall(outlet, outbox, topics, clock, self.empty)
        self._is_emptying = False
        self._is_closing = False
        self._rest: Deferred[None] | None = None
        self._deleting: dict[int, Flight] = {}
        """What a batch may hold that was asked for before, and is not to be published again."""
        self._read: set[int] = set()
        """What is to be published of the batches that are here: not what the broker has acknowledged since they were read."""

    @property
    def may_publish(self) -> bool:
        """Whether events may go to the broker: it is there, and has been told again what it may have forgotten."""
        return self._outlet.is_up and not self._is_closing and not self.recall.is_under_way

    @property
    def is_under_way(self) -> bool:
        """Whether what waits in the outbox is being published, and not just resting."""
        return self._is_emptying and self._rest is None and self.may_publish

    def empty(self) -> None:
        """Publish what is in the outbox, if the broker is there, until nothing is left."""
        if not self._is_emptying and self.may_publish:
            self._is_emptying = True
            Deferred.fromCoroutine(self._empty()).addErrback(self._defect)

    def landed(self, flight: Flight, number: int) -> None:
        """The link is done with what stands in the outbox under this number."""
        if self._is_taken(flight):
            self._delete({number: flight})
            return
        self._flights.airborne.discard(flight.terminal, flight.key)
        if _is_hopeless(flight):
            self._drop({number: flight})
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
        """One batch after the other, so that what the broker did not take is published again before what is newer. The next one is read while
        one is on its way: beside much that is new, to read took as long as to publish."""
        try:
            batch = await self._next()
            while batch:
                ahead = Deferred.fromCoroutine(self._next())
                again = await self._publish(batch)
                batch = await ahead
                if again:
                    self._give_back(batch)
                    if any(isinstance(error, BrokerRefused) for error in again):
                        await self._pause()
                if again or not batch:
                    batch = await self._next()
        finally:
            self._is_emptying = False

    async def _next(self) -> list[Stored]:
        """What is to be published next; nothing when there is nothing, or it may not be published."""
        while self.may_publish:
            try:
                batch = await self._outbox.next_batch()
            except StorageFault as fault:
                self.log.error("the outbox cannot be read: {reason}", reason=str(fault))
                await self._pause()
            else:
                self._read.update(stored.id for stored in batch if stored.id not in self._deleting)
                return batch
        return []

    async def _publish(self, batch: list[Stored]) -> list[BridgeError]:
        """Why some of it is to be published again, if it is. It waits until the link has room, and then goes there as a whole, whoever else had
        waited for that: so what is new leaves it a share, however much there is of it."""
        await self._outlet.when_drained()
        if not self.may_publish:
            self._give_back(batch)
            return [BrokerAway("the connection was lost")]
        flights = [(stored.id, self._fly(stored)) for stored in batch if stored.id in self._read]
        self._read.difference_update(stored.id for stored in batch)
        await self._flights.be_patient([flight for _, flight in flights])
        for _, flight in flights:
            await flight.landing()
        return self._done_with(flights)

    def _give_back(self, batch: list[Stored]) -> None:
        """To be read again."""
        self._read.difference_update(stored.id for stored in batch)
        self._outbox.give_back(stored.id for stored in batch)

    def _fly(self, stored: Stored) -> Flight:
        """Once: the link may have it already."""
        entry = stored.entry
        return self._flights.find(entry.terminal, entry.key) or self._flights.fly(entry.terminal, entry.key, self._publications_of(stored))

    def _done_with(self, flights: list[tuple[int, Flight]]) -> list[BridgeError]:
        """Tell the outbox what became of each. Returns why some go back, for each of those."""
        taken = {number: flight for number, flight in flights if self._is_taken(flight)}
        hopeless = {number: flight for number, flight in flights if _is_hopeless(flight)}
        back = {number: flight for number, flight in flights if number not in taken and number not in hopeless}
        self._outbox.give_back(back)
        if hopeless:
            self._drop(hopeless)
        if taken:
            self._delete(taken)
        return [flight.error or BrokerAway("the connection was lost") for flight in back.values()]

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

    def _delete(self, taken: dict[int, Flight]) -> None:
        """The broker has acknowledged these."""
        self._deleting.update(taken)
        self._read.difference_update(taken)
        self._outbox.delivered(taken).addErrback(self._not_deleted).addCallback(self._deleted, taken).addErrback(self._defect)
        self.recall.acknowledged()

    def _deleted(self, _: None, taken: dict[int, Flight]) -> None:
        for number, flight in taken.items():
            if self._deleting.get(number) is flight:  # else a copy of it has been acknowledged since
                del self._deleting[number]
            self._flights.airborne.discard(flight.terminal, flight.key)
        self._gone(taken)

    def _drop(self, hopeless: dict[int, Flight]) -> None:
        """The broker will never take these."""
        self._outbox.undeliverable(hopeless).addErrback(self._not_deleted).addCallback(lambda _: self._gone(hopeless)).addErrback(
            self._defect
        )

    def _gone(self, flights: dict[int, Flight]) -> None:
        self._freed({flight.terminal for flight in flights.values()})

    def _defect(self, failure: Failure) -> None:
        self.log.failure("defect while emptying the outbox", failure)

    def _not_deleted(self, failure: Failure) -> None:
        """It is deleted later, or published a second time after a restart: the event's id tells."""
        failure.trap(StorageFault)
        self.log.warn("the outbox could not delete what was delivered: {reason}", reason=failure.getErrorMessage())


def _is_hopeless(flight: Flight) -> bool:
    """Whether the broker can never take it."""
    return isinstance(flight.error, TooLarge | Invalid)
