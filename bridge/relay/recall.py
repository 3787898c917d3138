"""Whenever the broker is there again it may have forgotten what it acknowledged: it was killed, or the bridge was, or both. Then what the
outbox has kept of it is published once more, before anything newer."""

from __future__ import annotations

from collections.abc import Callable

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.errors import BrokerAway, StorageFault
from bridge.mqtt.message import Message
from bridge.mqtt.topics import Topics
from bridge.outbox import Outbox
from bridge.relay.checkpoints import Checkpoints
from bridge.relay.outlet import Outlet

AGAIN_S = 5.0
"""How long a disk that could not be read is left alone."""


class Recall:
    """Decides what is to be published again. `settled` is called when that is known to the outbox, which may be emptied then."""

    log = Logger()

    def __init__(self, outlet: Outlet, outbox: Outbox, topics: Topics, clock: IReactorTime, settled: Callable[[], None]) -> None:
        self._outbox = outbox
        self._checkpoints = Checkpoints(outlet, topics, clock, lambda: outbox.checkpoint)
        self._clock = clock
        self._settled = settled
        self._running: Deferred[None] | None = None

    @property
    def is_under_way(self) -> bool:
        """Whether it is yet to be decided: until then, what terminals report waits in the outbox."""
        return self._running is not None

    def link_up(self) -> None:
        """The broker is there."""
        self.cancel()
        if not self._outbox.keeps_copies:
            self._settled()
            return
        self._running = running = Deferred.fromCoroutine(self._recall())
        running.addCallback(self._over).addErrback(self._stopped)

    def link_down(self) -> None:
        """The broker is away: what it has acknowledged is kept until it is known what became of that."""
        self._outbox.may_expire = False
        self._checkpoints.stop()
        self.cancel()

    def message(self, message: Message) -> None:
        """What the broker remembers."""
        self._checkpoints.message(message)

    def acknowledged(self) -> None:
        """The broker has acknowledged more."""
        if not self.is_under_way:
            self._checkpoints.due()

    def stop(self) -> None:
        """No more timers: have the broker remember how it is now."""
        self._checkpoints.publish_last()
        self._checkpoints.stop()
        self.cancel()

    def cancel(self) -> None:
        """Decide nothing any more."""
        running, self._running = self._running, None
        if running is not None:
            running.cancel()

    async def _recall(self) -> None:
        checkpoint = await self._checkpoints.ask()
        while True:
            try:
                await self._outbox.recall(checkpoint)
            except StorageFault as fault:
                self.log.error("what the broker may have forgotten cannot be read: {reason}", reason=str(fault))
                await deferLater(self._clock, AGAIN_S, lambda: None)
            else:
                return

    def _over(self, _: None) -> None:
        self._running = None
        self._outbox.may_expire = True
        self._checkpoints.publish_first()
        self._settled()

    def _stopped(self, failure: Failure) -> None:
        if failure.check(CancelledError, BrokerAway) is None:
            self.log.failure("defect while looking for what the broker may have forgotten", failure)
