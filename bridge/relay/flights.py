"""Events that were given to the link: what is known of each, how long each is waited for, and which of them stand in the outbox as well."""

from __future__ import annotations

from collections.abc import Callable
from itertools import dropwhile
from math import inf
from typing import ClassVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from bridge.errors import BridgeError, BrokerAway, BrokerRefused
from bridge.mqtt.message import Publication
from bridge.relay.outlet import Outlet, Sent
from bridge.relay.patience import Patience
from bridge.values import Entity

PUBACK_S = 5.0
"""How long a PUBACK may take before the event is committed to the outbox."""
TOLD_AGAIN_S = 30.0
"""How often the log says that the broker refuses events."""


class Flight(Entity):
    """The publications of one event, given to the link while its connection was the one with this number. `error` says why the broker did
    not take them, once `is_over`."""

    terminal: str
    key: str
    connection: int
    under_way: int
    """How many of its publications the broker has not acknowledged."""
    landed: Callable[[Flight], None]
    is_over: bool = False
    error: BridgeError | None = None
    sent: list[Sent] = []  # noqa: RUF012 - each instance gets its own
    hope: Callable[[Flight], None] | None = None
    """Decides whether the event goes to the disk as well; called once, when it is over, or nobody waits for that any longer."""
    waiting: list[Deferred[None]] = []  # noqa: RUF012 - each instance gets its own

    @property
    def is_taken(self) -> bool:
        """Whether the broker has acknowledged all of it."""
        return self.is_over and self.error is None

    def done(self, error: BridgeError | None) -> None:
        """With one of its publications; whatever becomes of the others, one that was not taken is enough for the event not to be safe."""
        self.under_way -= 1
        if not self.is_over and (error is not None or self.under_way == 0):
            self.is_over, self.error = True, error
            self.sent.clear()
            self.landed(self)

    def landing(self) -> Deferred[None]:
        """Fires when it is over, however it went. May be cancelled."""
        landing: Deferred[None] = Deferred()
        if self.is_over:
            landing.callback(None)
        else:
            self.waiting.append(landing)
        return landing

    def cancel(self) -> None:
        """Give up hope: it takes too long, or something newer goes to the disk, and this before it."""
        hope, self.hope = self.hope, None
        if hope is not None:
            hope(self)


class Flights:
    """All that is with the link, and may stand in the outbox as well, by terminal and event id."""

    log: ClassVar = Logger()

    def __init__(self, outlet: Outlet, clock: IReactorTime) -> None:
        self.airborne = Airborne()
        self.connection = 0
        """Counts them: what the broker acknowledged on an earlier one it may have forgotten by now."""
        self._outlet = outlet
        self._clock = clock
        self._patience = Patience(clock, PUBACK_S)
        self._of: dict[str, dict[str, Flight]] = {}
        self._refusal_told_at = -inf

    def find(self, terminal: str, key: str) -> Flight | None:
        """The flight of an event that is with the link."""
        return self._of.get(terminal, {}).get(key)

    def fly(self, terminal: str, key: str, publications: list[Publication]) -> Flight:
        """Give an event to the link."""
        flight = Flight(terminal, key, self.connection, len(publications), self._landed)
        self._of.setdefault(terminal, {})[key] = flight
        for each in publications:
            sent = self._outlet.send(each, flight.done)
            if sent is not None and not flight.is_over:
                flight.sent.append(sent)
        return flight

    def hope(self, flight: Flight, decide: Callable[[Flight], None]) -> None:
        """Call `decide` when it is over, or has taken PUBACK_S, or something newer of its terminal goes to the disk."""
        flight.hope = decide
        if flight.is_over:
            flight.cancel()
        else:
            self._patience.begin(flight)

    def give_up_hope(self, terminal: str) -> None:
        """Something of this terminal goes to the disk: what the link has of it, and nobody has acknowledged, goes there before it, or it would
        come after it when the connection is lost."""
        for flight in list(self._of.get(terminal, {}).values()):
            self._give_up(flight)

    async def be_patient(self, flights: list[Flight]) -> None:
        """Wait until the last has landed, but not longer than PUBACK_S; what the link has not begun to send by then, it shall not."""
        if flights:
            await self._patience.wait(flights[-1].landing())
        for flight in flights:
            self.take_back(flight)

    def take_back(self, flight: Flight) -> None:
        """Let the outbox publish what waits for its turn at a slow link: as what it is by then, for it may have become a replay. What is newer
        of the same terminal comes back as well, or it would be sooner there. What the link has begun to send, pictures first, it ends."""
        if flight.is_over or not flight.sent[0].is_waiting:
            return
        of_terminal = self._of.get(flight.terminal, {}).values()
        taken_back = list(dropwhile(lambda each: each is not flight, of_terminal)) or [flight]
        sent = [sent for each in taken_back for sent in each.sent]
        for each in taken_back:
            each.done(BrokerAway("it was taken back"))
        self._outlet.withdraw(*sent)  # at once, and last: something newer may go to the link within this

    def hurry(self) -> None:
        """Wait no longer for what is under way now."""
        self._patience.end()

    def _give_up(self, flight: Flight) -> None:
        self._patience.over(flight)
        flight.cancel()

    def _landed(self, flight: Flight) -> None:
        of_terminal = self._of.get(flight.terminal, {})
        if of_terminal.get(flight.key) is flight:
            del of_terminal[flight.key]
            if not of_terminal:
                del self._of[flight.terminal]
        if flight.error is not None:
            self.airborne.discard(flight.terminal, flight.key)
        if flight.hope is not None:
            self._give_up(flight)
        waiting, flight.waiting = flight.waiting, []
        for each in waiting:
            if not each.called:
                each.callback(None)
        if isinstance(flight.error, BrokerRefused):
            self._tell_of_refusal(flight.error)

    def _tell_of_refusal(self, refusal: BrokerRefused) -> None:
        if self._clock.seconds() >= self._refusal_told_at + TOLD_AGAIN_S:
            self._refusal_told_at = self._clock.seconds()
            self.log.error(
                "the broker refuses events, which wait in the outbox; see to its access list and limits: {reason}", reason=str(refusal)
            )


class Airborne:
    """The events that stand in the outbox and were given to the link before: nothing newer of their terminal has to queue behind those, for the
    link keeps the order."""

    def __init__(self) -> None:
        self._keys: dict[str, set[str]] = {}

    def count(self, terminal: str) -> int:
        """How many a terminal has."""
        return len(self._keys.get(terminal, ()))

    def add(self, terminal: str, key: str) -> None:
        """This one; a second time is none."""
        self._keys.setdefault(terminal, set()).add(key)

    def discard(self, terminal: str, key: str) -> None:
        """It is done with, or has to be published from the outbox: then what is newer queues behind it."""
        keys = self._keys.get(terminal)
        if keys is not None:
            keys.discard(key)
            if not keys:
                del self._keys[terminal]
