"""What the session asks of whoever decides who may join. The session knows the conversation; the policy stands elsewhere."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal, Protocol

from msgspec import Struct

from ..catalogue import Result
from ..catalogue.identity import Login, Register

RefusalKind = Literal[
    "pending",
    "blocked",
    "closed",
    "bad_serial",
    "bad_sign",
    "unknown",
    "other_mac",
    "already_connected",
    "other_terminal",
    "not_stored",
]


class Identity(Struct, frozen=True, gc=False):
    """A terminal that has been let in. `serial` is its id everywhere; `name` is for people."""

    serial: str
    uuid: str
    name: str
    model: str = ""
    mac: str = ""
    firmware: str = ""


@dataclass(frozen=True, slots=True)
class Admitted:
    """Let in. `passwd` goes with the answer to a register, and nowhere else."""

    identity: Identity
    passwd: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Refused:
    """Not let in. `result` and `wait_s` are told to the terminal; `reason` says to the operator why, and what to do.

    `repeated`: the operator has been told already, or is being told too much; neither a log line nor an event is due. `serial` is None
    where it is not known, or is not fit for a topic.
    """

    kind: RefusalKind
    result: Result
    reason: str
    wait_s: int | None = None
    serial: str | None = None
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Attempt:
    """The circumstances of a register or login: the peer's address (the host, without the port: limits count by it), and whom the
    connection already speaks for, if anybody."""

    address: str
    identified_as: str | None = None


class Undecided:
    """A verdict that is not to be told before something is on the disk. `hurry` decides it at once, if it is not decided."""

    __slots__ = ("_then", "hurry", "verdict")

    def __init__(self, hurry: Callable[[], None]) -> None:
        self.hurry = hurry
        self.verdict: Admitted | Refused | None = None
        self._then: Callable[[Admitted | Refused], None] | None = None

    def then(self, told: Callable[[Admitted | Refused], None]) -> None:
        """Have this called with the verdict, as soon as there is one. To be called once."""
        if self.verdict is None:
            self._then = told
        else:
            told(self.verdict)

    def decide(self, verdict: Admitted | Refused) -> None:
        """This is the verdict."""
        self.verdict = verdict
        if self._then is not None:
            self._then(verdict)


class Admission(Protocol):
    """The policy. Neither method raises for what a terminal says."""

    def register(self, register: Register, attempt: Attempt) -> Admitted | Refused | Undecided:
        """A terminal asks for an identity (section 4.2.2)."""

    def login(self, login: Login, attempt: Attempt) -> Admitted | Refused:
        """A terminal with an identity is back (section 4.2.3)."""
