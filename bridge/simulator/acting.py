"""What the acts of a terminal have in common: what they are asked, and the answer they give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from ..catalogue import Command, Result
from .happenings import Commanded, Ended, Happening
from .manners import Manners
from .records import Key, Maker
from .terminal import Terminal

MOMENT_S = 0.3
"""How long it takes to get a good picture or to read a card, when the command grants the time for it."""
RESTART_S = 3.0
"""How long a terminal that starts anew is away."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A RESPONSE to be sent after `after_s`. `beside` stands at the top of the body, as RspMsg does. Once it is sent, what the terminal has
    `to_send` follows, or it `ends` the connection."""

    result: Result
    happening: Happening
    data: Any = field(default_factory=dict)
    after_s: float = 0.0
    beside: Mapping[str, Any] = field(default_factory=dict)
    to_send: Mapping[Key, Maker] = field(default_factory=dict)
    ends: Ended | None = None

    def body(self) -> bytes:
        """The JSON of the RESPONSE."""
        return msgspec.json.encode({"result": int(self.result), "desc": self.result.words, "data": self.data, **self.beside})


class Asked(NamedTuple):
    """A command that is carried out. `data` is as its declaration says."""

    terminal: Terminal
    manners: Manners
    command: Command
    data: Any

    def told(self, result: Result = Result.SUCCESS, data: Any = None, **more: Any) -> Answer:
        """An answer, with what else there is to say of it."""
        return told(self.command.name, result, data, **more)


Act = Callable[[Asked], Answer]
"""Carries out a command. Raises OSError when the terminal cannot keep what it was told."""


def told(name: str, result: Result, data: Any = None, **more: Any) -> Answer:
    """The answer to a command of this name."""
    return Answer(result, more.pop("happening", Commanded(name, int(result))), {} if data is None else data, **more)
