"""What a conversation goes through, and what it does by the clock."""

from __future__ import annotations

from enum import Enum, auto


class State(Enum):
    """How far it has come."""

    INTRODUCING = auto()
    LOGGED_IN = auto()
    LEAVING = auto()
    ENDED = auto()


class Task(Enum):
    """What it does by the clock."""

    BEAT = auto()
    INTRODUCE = auto()
    SYNC_TIME = auto()
    SEND_RECORD = auto()
    GIVE_UP = auto()
