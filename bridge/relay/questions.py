"""The questions of terminals that wait for an answer, by terminal and kind (the contract's "Events that await an answer").

No I/O: `now` is monotonic seconds. A question is closed once, and then it is remembered for a while how, so that an answer that comes
after that can be told from one to no question at all.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from bridge.catalogue import Answer, ReportData
from bridge.mqtt.events import Subject

MOST_OPEN = 16
"""For one terminal, which has one person before it; beyond, nobody is asked and the default holds."""
REMEMBERED_S = 600.0
MOST_REMEMBERED = 1_000
"""In all; the oldest give way."""

Closing = Literal["answered", "late", "withdrawn"]
"""How a question came to its end: with an answer, without one in time, or because its event was not safe or its terminal gone."""
Miss = Literal["answered", "late", "withdrawn", "unknown"]
"""Why an answer finds no open question."""


@dataclass(eq=False, slots=True)
class Question:
    """One question: the event that asks, what the terminal said and which it is, and until when an answer counts (`due_at`, monotonic
    seconds). Its owner keeps the timer; `decision` fires once, when the question is closed."""

    device: str
    kind: str
    event_id: str
    data: ReportData = field(repr=False)
    subject: Subject
    due_at: float
    timer: IDelayedCall | None = None
    decision: Deferred[Answer | None] = field(default_factory=Deferred)

    @property
    def is_open(self) -> bool:
        """Whether it is still to be decided."""
        return not self.decision.called


@dataclass(frozen=True, slots=True)
class _Closed:
    at: float
    how: Closing


class Questions:
    """The open questions, each terminal's in the order they were asked, and those that were closed lately."""

    def __init__(self) -> None:
        self._open: dict[str, dict[tuple[str, str], Question]] = {}
        self._closed: OrderedDict[tuple[str, str, str], _Closed] = OrderedDict()

    def __iter__(self) -> Iterator[Question]:
        return iter([question for device in list(self._open) for question in self.of(device)])

    def of(self, device: str) -> list[Question]:
        """Those of one terminal, the one that has waited longest first."""
        return list(self._open.get(device, {}).values())

    def may_ask(self, device: str) -> bool:
        """Whether this terminal has not too many open already."""
        return len(self._open.get(device, ())) < MOST_OPEN

    def open(self, question: Question) -> None:
        """Somebody is being asked."""
        self._open.setdefault(question.device, {})[question.kind, question.event_id] = question

    def find(self, device: str, kind: str, event_id: str | None, now: float) -> Question | Miss:
        """The question that an answer is for: the named one, or else the one that has waited longest. Or why there is none."""
        asked = [question for question in self.of(device) if question.kind == kind and event_id in (None, question.event_id)]
        in_time = (question for question in asked if now < question.due_at)
        return next(in_time, None) or ("late" if asked else self._miss(device, kind, event_id))

    def close(self, question: Question, how: Closing, now: float) -> None:
        """It is decided."""
        asked = self._open[question.device]
        del asked[question.kind, question.event_id]
        if not asked:
            del self._open[question.device]
        key = (question.device, question.kind, question.event_id)
        self._closed.pop(key, None)
        self._closed[key] = _Closed(now, how)
        self._drop_old(now)

    def _miss(self, device: str, kind: str, event_id: str | None) -> Miss:
        """How the question came to its end; the last one's end where none is named."""
        for key in reversed(self._closed):
            if key[:2] == (device, kind) and event_id in (None, key[2]):
                return self._closed[key].how
        return "unknown"

    def _drop_old(self, now: float) -> None:
        while self._closed:
            key, closed = next(iter(self._closed.items()))
            if now - closed.at < REMEMBERED_S and len(self._closed) <= MOST_REMEMBERED:
                return
            del self._closed[key]
