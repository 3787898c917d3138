"""What every session of a bridge shares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo

from .admission import Admission
from .memory import AnswerMemory


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """`login_s`: a connection that has not said who it is by then is closed. `silence_s`: so is one without a frame of any kind for
    three heartbeats (section 2.2: one each 25 s)."""

    login_s: float = 30.0
    silence_s: float = 75.0


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The policy, the memories by serial, the limits, the clock on the wall (UNIX seconds), and the zone where a terminal hangs, by serial (None:
    the site's, for one that has not said who it is)."""

    admission: Admission
    memory_of: Callable[[str], AnswerMemory]
    limits: SessionLimits
    wall: Callable[[], float]
    zone_of: Callable[[str | None], tzinfo]
