"""What a session tells its owner. One small value each; the owner acts on them in the order they come."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from msgspec import Struct

from ..catalogue import Report, ReportData
from .admission import Identity, Refused, Undecided
from .terminal_clock import TerminalClock


@dataclass(frozen=True, slots=True)
class Identified:
    """The connection now speaks for this terminal. May happen again: a login follows a register."""

    identity: Identity


@dataclass(frozen=True, slots=True)
class Rejected:
    """A register or login was refused; the terminal has been told."""

    refusal: Refused


class Received(Struct, frozen=True, gc=False):
    """A message from the terminal, to be made safe and then answered with `Session.answer`, or given up with `Session.forget`.

    `declaration` and `data` are None for a message the catalogue does not know: then all of it is in `extra`. `digest` is that
    of the body: with the sequence it tells a record from its copies. `received_at` is UNIX seconds by the bridge's clock.
    `clock` is what is known of the terminal's clock; None while it has not asked for the time.
    """

    name: str
    declaration: Report | None
    data: ReportData | None
    extra: dict[str, Any]
    sequence: int
    version: int
    digest: bytes
    received_at: float
    clock: TerminalClock | None
    wants_answer: bool
    body_bytes: int

    def __repr__(self) -> str:
        """Without what it says, which may be about people."""
        return f"Received(name={self.name!r}, sequence={self.sequence}, wants_answer={self.wants_answer}, body_bytes={self.body_bytes})"

    @property
    def key(self) -> tuple[str, int, bytes]:
        """What a copy of this record has in common with it."""
        return (self.name, self.sequence, self.digest)


@dataclass(frozen=True, slots=True)
class Deciding:
    """Whether the terminal is let in is being decided: pass the verdict to `Session.decided` when there is one. What the terminal says until
    then is to be heard after that, so hurry the verdict before the next frame that asks anything."""

    received: Received
    verdict: Undecided


class Answered(Struct, frozen=True):
    """The terminal answered a request. `data` is as it came: an object, or an array (get_configs)."""

    sequence: int
    attempts: int
    elapsed_s: float
    result: int
    desc: str
    data: Any

    def __repr__(self) -> str:
        """Without what it says, which may be about people."""
        return f"Answered(sequence={self.sequence}, attempts={self.attempts}, elapsed_s={self.elapsed_s}, result={self.result})"


FailureCode = Literal["timeout", "expired", "busy", "superseded"]


class Failed(Struct, frozen=True):
    """A request ended without an answer that says anything: no answer in time, stale before it could be sent (again), busy too
    often, or the connection was lost."""

    sequence: int
    attempts: int
    elapsed_s: float
    code: FailureCode


class Concluded(Struct, frozen=True):
    """A request is over. `token` is what `Session.request` returned."""

    token: int
    outcome: Answered | Failed


@dataclass(frozen=True, slots=True)
class Faulted:
    """The terminal broke the protocol, and the conversation goes on."""

    reason: str


@dataclass(frozen=True, slots=True)
class Ended:
    """Close the connection. `clean` after a logout; otherwise `reason` is the fault."""

    reason: str
    clean: bool = False


Happening = Identified | Rejected | Deciding | Received | Concluded | Faulted | Ended
