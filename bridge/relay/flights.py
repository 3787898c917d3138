"""Events that were given to the link: what is known of each, and which of them stand in the outbox as well."""

from __future__ import annotations

from dataclasses import dataclass, field

from twisted.internet.defer import Deferred

from bridge.errors import BridgeError


@dataclass(slots=True, eq=False)
class Flight:
    """The publications of one event, given to the link while its connection was the one with this number. `error` says why the broker did
    not take them, once `is_over`."""

    terminal: str
    connection: int
    published: list[Deferred[None]]
    under_way: int
    is_over: bool = False
    error: BridgeError | None = None
    waiting: list[Deferred[None]] = field(default_factory=list)
    hope: Deferred[None] | None = None
    """The landing that decides whether the event goes to the disk as well."""

    def landing(self) -> Deferred[None]:
        """Fires when it is over, however it went. May be cancelled."""
        landing: Deferred[None] = Deferred()
        if self.is_over:
            landing.callback(None)
        else:
            self.waiting.append(landing)
        return landing

    def give_up_hope(self) -> None:
        """Something newer goes to the disk, and this before it."""
        if self.hope is not None:
            self.hope.cancel()

    def land(self, error: BridgeError | None) -> None:
        """It is over."""
        self.is_over, self.error = True, error
        waiting, self.waiting = self.waiting, []
        for each in waiting:
            if not each.called:
                each.callback(None)


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
