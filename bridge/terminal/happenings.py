"""What passes between a connection and those who deal with it, beside the session's own happenings."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from msgspec import Struct

from ..catalogue import Result
from ..session.happenings import Answered, Failed
from .limits import Full

Outcome = Answered | Failed
"""What becomes of a REQUEST."""


class Later(Struct, frozen=True):
    """What copies of a message are answered from so many seconds from now on."""

    after_s: float
    result: Result
    data: Any = None


@dataclass(frozen=True, slots=True)
class TurnedAway:
    """There is no place for the connection."""

    full: Full


@dataclass(frozen=True, slots=True)
class Slowed:
    """The peer sends faster than it may, and is not read for so long."""

    for_s: float
