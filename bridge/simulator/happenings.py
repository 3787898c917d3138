"""What a simulated terminal tells its owner. Each says itself in words, for the log; a field with repr=False stays out of it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any, ClassVar

from .identity import Credentials


class Happening:
    """`words` is a format for the log, filled from `shown` and the terminal's serial."""

    __slots__ = ()
    words: ClassVar[str]

    @property
    def shown(self) -> dict[str, Any]:
        """The fields that may be logged."""
        return {each.name: getattr(self, each.name) for each in fields(self) if each.repr}  # type: ignore[arg-type]


@dataclass(frozen=True, slots=True)
class Registered(Happening):
    """A bridge gave it credentials, to be kept."""

    words = "{serial} registered"
    credentials: Credentials = field(repr=False)


@dataclass(frozen=True, slots=True)
class LoggedIn(Happening):
    """It may work now."""

    words = "{serial} logged in"


@dataclass(frozen=True, slots=True)
class RegistersAnew(Happening):
    """Its credentials are not known there."""

    words = "{serial} is told {result} to its {message}: registers anew"
    message: str
    result: int


@dataclass(frozen=True, slots=True)
class ToldToWait(Happening):
    """A register or login has to wait: perhaps the terminal is not approved yet."""

    words = "{serial} is told to wait: {message} again in {wait_s:g} s"
    message: str
    wait_s: float


@dataclass(frozen=True, slots=True)
class RecordRefused(Happening):
    """A record was answered with an error, and is given up."""

    words = "{serial}: its {message} is refused with {result}"
    message: str
    result: int


@dataclass(frozen=True, slots=True)
class DoorOpened(Happening):
    """It would have opened the door."""

    words = "{serial} opens the door, {by}"
    by: str


@dataclass(frozen=True, slots=True)
class DoorKeptShut(Happening):
    """It was told to, or not told to open."""

    words = "{serial} keeps the door shut, {by}"
    by: str


@dataclass(frozen=True, slots=True)
class SentOut(Happening):
    """It sent hexadecimal digits on a port."""

    words = "{serial} sends {digits} digits on its {port} port"
    port: str
    digits: int


@dataclass(frozen=True, slots=True)
class CallAnswered(Happening):
    """The bridge said whom to call for a flat, or that there is nobody."""

    words = "{serial} is told to call {called} people: {result}"
    called: int
    result: int


@dataclass(frozen=True, slots=True)
class NotKept(Happening):
    """Its disk is full, perhaps."""

    words = "{serial} cannot keep what it was told: {reason}"
    reason: str


@dataclass(frozen=True, slots=True)
class Commanded(Happening):
    """It got a command, and answers it."""

    words = "{serial} answers {command} with {result}"
    command: str
    result: int


@dataclass(frozen=True, slots=True)
class Faulted(Happening):
    """The bridge said something that cannot be read."""

    words = "{serial} cannot read what the bridge said: {reason}"
    reason: str


@dataclass(frozen=True, slots=True)
class Ended(Happening):
    """Close the connection. `wait_s`: connect again no earlier than this."""

    words = "{serial} ends its connection: {reason}"
    reason: str
    wait_s: float = 0.0
