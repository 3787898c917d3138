"""Answers in: what a terminal asks is decided by the first answer that comes in time over MQTT, else by the defaults.

No answer acts that is retained, late, second, unreadable, or for a question that was never asked: it is reported on `<bridge>/event`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from bridge.catalogue import REPORTS, Answer, Report, Result
from bridge.errors import Invalid
from bridge.mqtt.answers import event_named, read_answer
from bridge.mqtt.events import Asking, Subject, event_id, kind_of
from bridge.mqtt.message import Message
from bridge.mqtt.topics import AnswerTopic, Topics
from bridge.relay.defaults import Defaults
from bridge.relay.questions import Closing, Miss, Question, Questions
from bridge.session.happenings import Received

ASKING: dict[str, Report] = {kind: report for report in REPORTS.values() if report.question and (kind := report.event)}
"""The reports that may await an answer, by kind of event."""
ALWAYS_ASKING = frozenset(kind for kind, report in ASKING.items() if report.question and report.question.always)
LONGEST_SHOWN = 64
"""Characters of a topic's levels that are told of an answer to nothing."""


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """What the configuration says about questions: for how long an answer is waited for, and which kinds of events ask. A bridge that
    `shares` its base topic leaves answers for terminals it does not know to the others."""

    timeout_s: float = 3.0
    asking: frozenset[str] = ALWAYS_ASKING
    shares: bool = False


class AnswerRelay:
    """Asks, and takes answers. `tell` publishes an event of the bridge itself; `wall` gives UNIX seconds."""

    log: ClassVar = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        topics: Topics,
        rules: AnswerRules,
        defaults: Defaults,
        *,
        is_known: Callable[[str], bool],
        tell: Callable[..., None],
        wall: Callable[[], float],
    ) -> None:
        self._clock = clock
        self._topics = topics
        self._rules = rules
        self._defaults = defaults
        self._is_known = is_known
        self._tell = tell
        self._wall = wall
        self._questions = Questions()
        self._is_shutting_down = False

    # For events that may ask.

    def may_ask(self, received: Received) -> bool:
        """Whether this is a message whose answer others may decide."""
        return received.data is not None and received.wants_answer and kind_of(received) in self._rules.asking and _asks(received)

    def question(self, received: Received, subject: Subject) -> Question | None:
        """What to ask about such a message. None when too much is asked already, or the bridge is being stopped: the default holds."""
        assert received.data is not None
        if self._is_shutting_down or not self._questions.may_ask(subject.device_id):
            return None
        return Question(
            subject.device_id,
            kind_of(received),
            event_id(subject.device_id, received),
            received.data,
            subject,
            due_at=self._clock.seconds() + self._rules.timeout_s,
        )

    def asking(self, question: Question) -> Asking:
        """What the question's event says about it."""
        answer_by = datetime.fromtimestamp(self._wall() + self._rules.timeout_s, question.subject.zone)
        return Asking(self._topics.answer(question.device, question.kind), answer_by.isoformat(timespec="milliseconds"))

    def ask(self, question: Question) -> Deferred[Answer | None]:
        """The question's event is on its way. Fires with what to tell the terminal: what somebody answered, or else the default; None
        when the question was withdrawn. Does not fail."""
        self._questions.open(question)
        question.timer = self._clock.callLater(self._rules.timeout_s, self._default, question)
        return question.decision

    def withdraw(self, question: Question) -> None:
        """Its event could not be made safe: what was or will be answered to it does not count."""
        if question.is_open:
            self._close(question, "withdrawn", None)

    def default(self, received: Received, subject: Subject) -> Answer:
        """What to tell the terminal when nobody is asked."""
        return Answer(Result.SUCCESS) if received.data is None else self._defaults.answer(received.data, subject)

    def stale(self, received: Received, subject: Subject) -> Answer:
        """What to tell the terminal when it is too late for anything to come of its message."""
        return Answer(Result.SUCCESS) if received.data is None else self._defaults.stale(received.data, subject)

    # What ends questions.

    def left(self, device: str) -> None:
        """A terminal is gone: it will ask again when it is back."""
        for question in self._questions.of(device):
            self._close(question, "withdrawn", None)

    def shutting_down(self) -> None:
        """The bridge is being stopped: open questions get their default now, so that no terminal asks again, when it is old, what was asked
        already; and nobody is asked any more."""
        self._is_shutting_down = True
        for question in self._questions:
            self._default(question)

    def message(self, topic: AnswerTopic, message: Message) -> None:
        """A message on an answer topic. A border, like the commands': a defect costs this answer, and is reported as one that is invalid."""
        if self._rules.shares and not self._is_known(topic.device):
            return
        try:
            missed = self._take(topic, message)
            if missed is not None:
                self._report(topic, message, missed)
        except Invalid as error:
            self._report(topic, message, "invalid", f"{error.path}: expected {error.expected}")
        except Exception:  # noqa: BLE001 - a border: see above
            self.log.failure("defect in an answer on {kind} for {device}", kind=topic.kind, device=topic.device)
            self._report(topic, message, "invalid", "the bridge could not make sense of it; its log says why")

    # Inside.

    def _take(self, topic: AnswerTopic, message: Message) -> Miss | str | None:
        """Decide the question that the answer is for. Returns why there is none, or raises Invalid, which leaves it open."""
        if message.retain:
            return "retained"
        report = ASKING.get(topic.kind)
        if report is None or report.question is None:
            return "unknown"
        reply = report.question.read(read_answer(message))
        question = self._questions.find(topic.device, topic.kind, event_named(message), self._clock.seconds())
        if not isinstance(question, Question):
            return question
        answer = question.data.answer_to(self._defaults.completed(question.data, reply), question.subject)
        self._close(question, "answered", answer)
        return None

    def _default(self, question: Question) -> None:
        self._close(question, "late", self._defaults.answer(question.data, question.subject))

    def _close(self, question: Question, how: Closing, answer: Answer | None) -> None:
        self._questions.close(question, how, self._clock.seconds())
        if question.timer is not None and question.timer.active():
            question.timer.cancel()
        question.decision.callback(answer)

    def _report(self, topic: AnswerTopic, message: Message, reason: str, error: str | None = None) -> None:
        """Say that an answer did not count, and why. What it said is not repeated: it may be about people."""
        why = {"reason": reason} if error is None else {"reason": reason, "error": error}
        self._tell("answer_late", id=topic.device[:LONGEST_SHOWN], kind=topic.kind[:LONGEST_SHOWN], event_id=event_named(message), **why)


def _asks(received: Received) -> bool:
    return received.declaration is not None and received.declaration.question is not None
