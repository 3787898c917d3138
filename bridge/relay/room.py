"""Where events wait while the link to the broker has enough to do, or older ones of their terminal are about to leave the outbox: one of each
terminal, in the order in which they came, not for long, and not without a bound."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from bridge.relay.outlet import Outlet
from bridge.relay.patience import Patience

ROOM_S = 2.0
"""How long an event may wait for the link before it goes to the disk. A thousand terminals that report at once have had their turn by then, at a
fifth of what the way over the disk costs."""


ROOM_BYTES = 64 << 20
"""How much may wait, as it is to be published; what does not fit goes to the disk. A thousand terminals with pictures of 50 KB need 50 MB; the
text that their pictures came in, a third more, is held as well."""


class Room:
    """A terminal sends its next event when the last was answered, so there is rarely a second one of it; whoever has one deals with it."""

    def __init__(self, outlet: Outlet, clock: IReactorTime) -> None:
        self._outlet = outlet
        self._clock = clock
        self._patience = Patience(clock, ROOM_S)
        self._turns: dict[str, Deferred[None]] = {}
        """Of those that wait for the link."""
        self._behind: dict[str, Deferred[None]] = {}
        """Of those that wait for older ones of their terminal."""
        self._bytes = 0
        self._is_watching = False
        self._is_polite = True
        self._after_others: IDelayedCall | None = None

    def __contains__(self, terminal: str) -> bool:
        """Whether an event of this terminal waits."""
        return terminal in self._turns or terminal in self._behind

    def fits(self, size: int) -> bool:
        """Whether an event of so many bytes may wait."""
        return self._bytes + size <= ROOM_BYTES

    async def wait(self, terminal: str, size: int, *, behind: bool = False) -> bool:
        """Whether it is its turn: the link has room, or something presses behind it. False when that took too long. `behind`: only when the older
        ones of its terminal are gone (`freed`), too."""
        turn: Deferred[None] = Deferred()
        self._bytes += size
        if behind:
            self._behind[terminal] = turn
        else:
            self._turns[terminal] = turn
            self._watch()
        await self._patience.wait(turn)
        self._bytes -= size
        return self._leave(terminal) is not turn

    def freed(self, terminal: str) -> None:
        """Nothing older of this terminal waits anywhere."""
        turn = self._behind.pop(terminal, None)
        if turn is None:
            return
        self._turns[terminal] = turn
        if self._outlet.congested:
            self._watch()
        elif not self._is_watching:
            self.let_in(terminal)

    def let_in(self, terminal: str) -> None:
        """It is this one's turn, whether the link has room or not."""
        turn = self._leave(terminal)
        if turn is not None:
            turn.callback(None)

    def turn_away(self, terminal: str) -> None:
        """This one has waited long enough."""
        turn = self._turns.get(terminal) or self._behind.get(terminal)
        if turn is not None:
            turn.cancel()

    def link_down(self) -> None:
        """Nothing leaves the outbox any more: nobody is to wait for that."""
        for terminal in list(self._behind):
            self.turn_away(terminal)

    def close(self) -> None:
        """Nobody is to wait any longer."""
        self._patience.end()
        if self._after_others is not None:
            self._after_others.cancel()
            self._after_others = None

    def _leave(self, terminal: str) -> Deferred[None] | None:
        return self._turns.pop(terminal, None) or self._behind.pop(terminal, None)

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
