"""Events out: what a terminal reports is published, and only then answered (the contract's "Who is told done, and when").

Where the report asks something, the answer waits for the decision as well.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import ClassVar, Protocol, TypeVar

from msgspec.structs import replace
from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.catalogue import Answer, Result
from bridge.errors import BridgeError, Invalid, StorageFault, TooLarge
from bridge.mqtt.events import Composed, EventRules, Subject, compose, event_id, fresh_for_s, is_kind
from bridge.mqtt.topics import Topics
from bridge.relay.answers import AnswerRelay
from bridge.relay.arrivals import Arrivals
from bridge.relay.dispatch import Safe
from bridge.relay.questions import Question
from bridge.session.happenings import Received
from bridge.terminal.happenings import Later
from bridge.terminal.protocol import TerminalProtocol
from bridge.values import Holding

T = TypeVar("T")


class Safekeeping(Protocol):
    """What makes events safe: a Dispatch, which says more of each."""

    @property
    def congested(self) -> bool:
        """Whether terminals should pause."""

    def when_drained(self) -> Deferred[None]:
        """Fires when they need not any more; never fails."""

    def rules_now(self) -> EventRules:
        """By which events are composed."""

    def is_live(self, terminal: str, *, urgent: bool = False) -> bool:
        """Whether an event of this terminal would reach the broker now."""

    def make_safe(self, composed: Composed, safe: Safe, *, urgent: bool = False, can_wait: bool = True) -> None:
        """Have the broker or the disk take it, and tell `safe`."""


class _Delivery(Holding, frozen=True):
    """One report on its way: who reports, what, whether its answer may be for others to decide, and the question it asks, if it does."""

    terminal: TerminalProtocol
    received: Received
    subject: Subject
    event_id: str
    may_ask: bool
    question: Question | None


class EventRelay:
    """Turns messages of terminals into publications, and their PUBACKs into answers."""

    log: ClassVar = Logger()

    def __init__(
        self,
        dispatch: Safekeeping,
        topics: Topics,
        rules: EventRules,
        subject_of: Callable[[str], Subject],
        wall: Callable[[], float],
        answers: AnswerRelay,
    ) -> None:
        self._dispatch = dispatch
        self._topics = topics
        self._rules = rules
        self._subject_of = subject_of
        self._wall = wall
        self._answers = answers
        self._arrivals = Arrivals()
        self._on_their_way = 0
        self._idle: list[Deferred[None]] = []

    def when_idle(self) -> Deferred[None]:
        """Fires when no event is on its way to the broker any more; never fails."""
        idle: Deferred[None] = Deferred()
        if self._on_their_way == 0:
            idle.callback(None)
        else:
            self._idle.append(idle)
        return idle

    def received(self, terminal: TerminalProtocol, received: Received) -> None:
        """Make a message's pictures and event safe, and answer it once they are, and what it asks is decided.

        When they cannot be made safe, the terminal is not answered: it keeps the record and sends it again.
        """
        if received.declaration is None and not is_kind(received.name):
            terminal.answer(received, Result.BAD_PARAMETER)
            return
        delivery = self._begin(terminal, received)
        question = delivery.question
        composed = self._composed(delivery)
        decision = self._answers.ask(question) if question else None
        self._on_their_way += 1
        safe = partial(self._made_safe, delivery, decision)
        self._dispatch.make_safe(composed, safe, urgent=question is not None, can_wait=not delivery.may_ask)
        self._hold_back(terminal)

    def _begin(self, terminal: TerminalProtocol, received: Received) -> _Delivery:
        subject = self._subject_of(terminal.serial)
        identity = event_id(subject.device_id, received)
        received = replace(received, received_at=self._arrivals.first(identity, received.received_at))
        may_ask = self._answers.may_ask(received)
        is_asked = may_ask and self._fresh_for_s(received, subject) >= 0 and self._dispatch.is_live(subject.device_id, urgent=True)
        question = self._answers.question(received, subject) if is_asked else None
        return _Delivery(terminal, received, subject, identity, may_ask, question)

    def _composed(self, delivery: _Delivery) -> Composed:
        asking = self._answers.asking(delivery.question) if delivery.question else None
        received, subject = delivery.received, delivery.subject
        return compose(received, subject, self._topics, self._dispatch.rules_now(), self._wall(), asking, delivery.event_id)

    def _made_safe(self, delivery: _Delivery, decision: Deferred[Answer | None] | None, error: Exception | None) -> None:
        """Or not, for an error; what it asks is yet to be decided, perhaps."""
        if error is not None:
            if delivery.question:
                self._answers.withdraw(delivery.question)
            self._conclude(self._not_safe, delivery, error)
        elif decision is not None:
            decision.addCallback(partial(self._conclude, self._decided, delivery)).addErrback(self._defect, delivery)
        else:
            self._conclude(self._decided, delivery, self._unasked(delivery))

    def _conclude(self, end: Callable[[_Delivery, T], None], delivery: _Delivery, outcome: T) -> None:
        """It is on its way no longer. A defect on the last step leaves the record to the terminal."""
        try:
            end(delivery, outcome)
        except Exception:
            self._give_up(delivery)
            raise
        finally:
            self._arrived()

    def _decided(self, delivery: _Delivery, answer: Answer | None) -> None:
        if answer is None:
            self._give_up(delivery)
            return
        self._arrivals.forget(delivery.event_id)
        self._answer(delivery, answer)

    def _unasked(self, delivery: _Delivery) -> Answer:
        """What to tell a terminal whose report asks nothing, or about which nobody is asked now."""
        return self._answers.default(delivery.received, delivery.subject)

    def _answer(self, delivery: _Delivery, answer: Answer) -> None:
        """Tell the terminal. When it is too late for anything to come of it, for the event may have waited long for its PUBACK, or when
        the terminal asks once more by then, the answer is another one: it opens no door."""
        terminal, received, subject = delivery.terminal, delivery.received, delivery.subject
        if not delivery.may_ask:
            terminal.answer(received, *answer)
            return
        stale, fresh_for_s = self._answers.stale(received, subject), self._fresh_for_s(received, subject)
        if fresh_for_s < 0:
            terminal.answer(received, *stale)
        else:
            terminal.answer(received, *answer, Later(fresh_for_s, *stale))

    def _fresh_for_s(self, received: Received, subject: Subject) -> float:
        return fresh_for_s(received, subject.zone, self._rules, self._wall())

    def _arrived(self) -> None:
        self._on_their_way -= 1
        if self._on_their_way == 0:
            idle, self._idle = self._idle, []
            for each in idle:
                each.callback(None)

    def _give_up(self, delivery: _Delivery) -> None:
        """Leave the record to the terminal, which will send it again."""
        self._arrivals.remember(delivery.event_id, delivery.received.received_at, self._wall())
        delivery.terminal.forget(delivery.received)

    def _not_safe(self, delivery: _Delivery, error: Exception) -> None:
        if not isinstance(error, BridgeError):
            raise error
        is_hopeless = isinstance(error, TooLarge | Invalid)
        if is_hopeless:
            self._arrivals.forget(delivery.event_id)
            delivery.terminal.answer(delivery.received, Result.BAD_PARAMETER)
        else:
            self._give_up(delivery)
        if isinstance(error, StorageFault):
            return  # told once, by the outbox
        self.log.error(
            "an event ({name}) of {device} cannot be published, and is {what}: {reason}",
            name=delivery.received.name,
            device=delivery.terminal.serial,
            what="refused, since it never could be" if is_hopeless else "left to the terminal to send again",
            reason=str(error),
        )

    def _defect(self, failure: Failure, delivery: _Delivery) -> None:
        self.log.failure("defect after an event of {device}", failure, device=delivery.terminal.serial)

    def _hold_back(self, terminal: TerminalProtocol) -> None:
        """More is waiting than should be: read nothing from this terminal until that is over."""
        if self._dispatch.congested:
            terminal.pause("disk")
            self._dispatch.when_drained().addCallback(lambda _: terminal.resume("disk"))
