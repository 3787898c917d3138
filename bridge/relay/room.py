"""Where events wait while the link to the broker has enough to do: one of each terminal, in the order in which they came, and not for long."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from bridge.relay.outlet import Outlet
from bridge.relay.patience import Patience

ROOM_S = 2.0
"""How long an event may wait for the link before it goes to the disk. A thousand terminals that report at once have had their turn by then, at a
fifth of what the way over the disk costs."""


class Room:
    """A terminal sends its next event when the last was answered, so there is rarely a second one of it; whoever has one deals with it."""

    def __init__(self, outlet: Outlet, clock: IReactorTime) -> None:
        self._outlet = outlet
        self._clock = clock
        self._patience = Patience(clock, ROOM_S)
        self._turns: dict[str, Deferred[None]] = {}
        self._is_watching = False
        self._is_polite = True
        self._after_others: IDelayedCall | None = None

    def __contains__(self, terminal: str) -> bool:
        """Whether an event of this terminal waits."""
        return terminal in self._turns

    async def wait(self, terminal: str) -> bool:
        """Whether it is its turn: the link has room, or something presses behind it. False when that took too long."""
        turn = self._turns[terminal] = Deferred()
        self._watch()
        await self._patience.wait(turn)
        return self._turns.pop(terminal, None) is not turn

    def let_in(self, terminal: str) -> None:
        """It is this one's turn, whether the link has room or not."""
        self._turns.pop(terminal).callback(None)

    def turn_away(self, terminal: str) -> None:
        """This one has waited long enough."""
        self._turns[terminal].cancel()

    def close(self) -> None:
        """Nobody is to wait any longer."""
        self._patience.end()
        if self._after_others is not None:
            self._after_others.cancel()
            self._after_others = None

    def _watch(self) -> None:
        if not self._is_watching:
            self._is_watching = True
            self._outlet.when_drained().addCallback(self._drained)

    def _drained(self, _: None) -> None:
        """Events are here first, each time. Every second time, what else waits for the link goes before them, or it might never have its turn."""
        self._is_polite = not self._is_polite and bool(self._turns)
        if self._is_polite:
            self._after_others = self._clock.callLater(0.0, self._let_in)
        else:
            self._let_in()

    def _let_in(self) -> None:
        self._is_watching, self._after_others = False, None
        while self._turns and not self._outlet.congested:
            self.let_in(next(iter(self._turns)))
        if self._turns:
            self._watch()
