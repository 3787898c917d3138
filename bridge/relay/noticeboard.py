"""Retained topics: what the bridge says about the state of things, kept true at the broker.

A notice that changes is published at once if the broker is there; when it comes back, all of them are, since it may have lost them.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from itertools import chain
from typing import Protocol

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.errors import BridgeError, BrokerAway
from bridge.mqtt.message import Publication
from bridge.relay.outlet import Outlet

MOST_UNDER_WAY = 100
"""So many notices wait for their PUBACK at once; more would wait in the link, in the way of events, and take far more memory there than here.
A topic that changes again while it waits here is told once."""

MOST_UNTOLD = 500
"""Whoever has thousands of notices to come waits while so many have not been told, each of which takes 200 bytes here."""

LARGE_BYTES = 256 * 1024
"""A notice that is larger leaves room behind that is worth giving back."""

_log = Logger()

Drawn = Callable[[], bytes]
"""A notice that is made each time it is told: it is too large to be kept, or depends on the broker."""


class Keeper(Protocol):
    """Whoever keeps notices of thousands of terminals itself, in less room than they would take here."""

    def topics_kept(self) -> Iterator[str]:
        """All topics on which there is something to say."""

    def notice(self, topic: str) -> bytes | None:
        """What stands there; None where nothing does, or others speak."""


class Noticeboard:
    """The retained topics of this bridge, by topic, those of the keepers among them. What the broker has yet to be told waits here, a topic
    once, for as long as the link or the broker has enough to do."""

    def __init__(self, outlet: Outlet, at_rest: Callable[[], None] = lambda: None) -> None:
        """`at_rest` is called when all has been told after much: so many notices that somebody may have waited, or a large one, such as the list of
        thousands of terminals."""
        self._outlet = outlet
        self._at_rest = at_rest
        self._had_much = False
        self._keepers: list[Keeper] = []
        self._is_up = outlet.is_up
        self._is_telling = False
        self._is_waiting = False
        self._under_way = 0
        self._notices: dict[str, bytes | Drawn] = {}
        self._to_clear: set[str] = set()
        self._untold: OrderedDict[str, None] = OrderedDict()  # whose first is found at once, however many were before it
        self._again: Iterator[str] = iter(())
        """What is to be told once more behind that, topic by topic: all of a city's topics would be a heavy list."""
        self._patient: list[Deferred[None]] = []

    def keep(self, keeper: Keeper) -> None:
        """From now on, what this keeper has to say is part of the board."""
        self._keepers.append(keeper)

    def post(self, topic: str, payload: bytes | Drawn) -> None:
        """This is how it is now. The same bytes again say nothing new."""
        if self._notices.get(topic) != payload:
            self._notices[topic] = payload
            self.changed(topic)

    def changed(self, topic: str) -> None:
        """What stands there is news."""
        self._to_clear.discard(topic)
        self._untold[topic] = None
        self._tell()

    def read(self, topic: str) -> bytes | None:
        """What stands there."""
        notice = self._notices.get(topic)
        if notice is None:
            return next((kept for keeper in self._keepers if (kept := keeper.notice(topic)) is not None), None)
        return notice() if callable(notice) else notice

    def again(self, topics: Iterable[str]) -> None:
        """Tell these once more, in this order, as far as there are such notices: somebody may have missed them. They are asked for bit by bit."""
        self._again = chain(self._again, topics)
        self._tell()

    def clear(self, topic: str) -> None:
        """There is nothing to say any more: the broker is to forget it, now or as soon as it is there."""
        self._notices.pop(topic, None)
        self._to_clear.add(topic)
        self._untold[topic] = None
        self._tell()

    def forget(self, topic: str) -> None:
        """Others speak on this topic now: say nothing there any more, and leave what stands there."""
        self._notices.pop(topic, None)
        self._to_clear.discard(topic)
        self._untold.pop(topic, None)

    def when_caught_up(self) -> Deferred[None]:
        """Fires when there is not much that the broker has yet to be told, or when it is away; never fails."""
        caught_up: Deferred[None] = Deferred()
        self._patient.append(caught_up)
        self._see_who_waits()
        return caught_up

    def link_up(self) -> None:
        """The broker is there, and may know nothing."""
        self._is_up = True
        self._untold = OrderedDict.fromkeys((*self._notices, *self._to_clear))
        self._again = chain.from_iterable(keeper.topics_kept() for keeper in self._keepers)
        self._tell()

    def link_down(self) -> None:
        """The broker is away."""
        self._is_up = False
        self._see_who_waits()

    def _tell(self) -> None:
        """Until all is told, or the broker has enough to do."""
        if self._is_telling:
            return
        self._is_telling = True
        try:
            while self._may_tell() and (topic := self._next()) is not None:
                self._publish(topic)
        finally:
            self._is_telling = False
        self._see_if_at_rest()

    def _may_tell(self) -> bool:
        if not (self._is_up and self._outlet.is_up) or self._is_waiting or self._under_way >= MOST_UNDER_WAY:
            return False
        if self._outlet.congested:
            self._is_waiting = True
            self._outlet.when_drained().addCallback(self._go_on)
        return not self._is_waiting

    def _next(self) -> str | None:
        return self._untold.popitem(last=False)[0] if self._untold else next(self._again, None)

    def _go_on(self, _: None) -> None:
        self._is_waiting = False
        self._tell()

    def _publish(self, topic: str) -> None:
        notice = self.read(topic)
        if notice is None and topic not in self._to_clear:
            return
        self._under_way += 1
        self._had_much = self._had_much or len(notice or b"") > LARGE_BYTES
        published = self._outlet.publish(Publication(topic, notice or b"", retain=True))
        published.addCallbacks(self._told, _log_unless_away, callbackArgs=(topic, notice is None), errbackArgs=(topic, _log))
        published.addBoth(self._landed)

    def _told(self, _: None, topic: str, was_cleared: bool) -> None:
        if was_cleared and topic not in self._untold:
            self._to_clear.discard(topic)

    def _landed(self, _: object) -> None:
        self._under_way -= 1
        self._tell()
        self._see_who_waits()

    def _see_if_at_rest(self) -> None:
        self._had_much = self._had_much or len(self._untold) > MOST_UNTOLD
        if self._had_much and not (self._untold or self._under_way):
            self._had_much = False
            self._untold = OrderedDict()  # an emptied one keeps its room
            self._at_rest()

    def _see_who_waits(self) -> None:
        while self._patient and (len(self._untold) < MOST_UNTOLD or not self._is_up):
            self._patient.pop(0).callback(None)


def say(outlet: Outlet, publication: Publication, log: Logger) -> Deferred[None]:
    """Publish what nobody waits for. A broker that goes away meanwhile is told of elsewhere; anything else ends in the log."""
    return outlet.publish(publication).addErrback(_log_unless_away, publication.topic, log)


def _log_unless_away(failure: Failure, topic: str, log: Logger) -> None:
    if failure.check(BrokerAway) is None:
        failure.trap(BridgeError)
        log.error("cannot publish on {topic}: {reason}", topic=topic, reason=failure.getErrorMessage())
