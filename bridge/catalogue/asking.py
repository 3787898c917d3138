"""Questions: reports whose answer is decided over MQTT, and what may be said to them (section "Events that await an answer" of the contract).

A terminal's report becomes an event; a reply to it, or else a default, becomes the answer to the terminal. Both ways are pure: a report's
`answer_to` turns a reply into an Answer, its `default_answer` does without one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple, Protocol

from msgspec import UNSET, Struct

from .checking import strict
from .fields import Maybe, text
from .results import Result

if TYPE_CHECKING:
    from .message import AnswerData


class Asker(Protocol):
    """The terminal that asks, as far as answers tell of it."""

    @property
    def device_id(self) -> str:
        """Its serial."""

    @property
    def name(self) -> str:
        """What people call it."""


class Answer(NamedTuple):
    """What a terminal is told: a result, and what goes with it."""

    result: Result
    data: AnswerData | None = None


class Reply(Struct, kw_only=True, forbid_unknown_fields=True):
    """What somebody says to an event that awaits an answer; without an event_id, to the one that has waited longest."""

    event_id: Maybe[Annotated[str, text("the event that is answered", 64, min_bytes=1)]] = UNSET

    @classmethod
    def spelled_out(cls, payload: Any) -> Any:
        """A payload that is no object as the object that it stands for; anything else as it is."""
        return payload


@dataclass(frozen=True, kw_only=True)
class Question:
    """That a report awaits an answer. `reply` is the form of what may be said; `always` False where the terminal decides unless the
    configuration has it ask; `otherwise` says what becomes of it when nobody answers; `example` is a reply."""

    reply: type[Reply]
    always: bool
    otherwise: str
    example: Mapping[str, Any]

    def read(self, payload: Any) -> Reply:
        """A reply, from decoded JSON. Raises Invalid, whose path starts with `answer`."""
        return strict(self.reply.spelled_out(payload), self.reply, "answer")
