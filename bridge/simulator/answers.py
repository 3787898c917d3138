"""The bridge's REQUESTs and the terminal's RESPONSEs to them: each copy answered, each command done once, slow answers later."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from math import inf
from typing import NamedTuple

from ..wire import Body, Frame, MessageType, encode_frame
from .acting import Answer
from .behaviour import answer
from .manners import Manners
from .terminal import Terminal

_REMEMBERED = 16
_Key = tuple[int, str]
"""Sequence and message."""


class _Later(NamedTuple):
    at: float
    key: _Key
    response: bytes
    said: Answer


class Answers:
    """The commands of one connection. `given` is called with each answer that was sent. `now` is monotonic seconds."""

    def __init__(self, terminal: Terminal, manners: Manners, send: Callable[[bytes], None], given: Callable[[Answer, float], None]) -> None:
        self._terminal = terminal
        self._manners = manners
        self._send = send
        self._told = given
        self._given: OrderedDict[_Key, bytes | None] = OrderedDict()
        self._later: list[_Later] = []

    def next_due_at(self) -> float:
        """When `tick` has something to send; infinity when nothing waits."""
        return min((each.at for each in self._later), default=inf)

    def commanded(self, frame: Frame, body: Body, now: float) -> None:
        """A REQUEST. A copy of an earlier one gets the same answer, now or once there is one."""
        key = (frame.sequence, body.message or "")
        if key in self._given:
            if (given := self._given[key]) is not None:
                self._send(given)
        elif not self._manners.mute:
            self._do(key, frame, body, now)

    def tick(self, now: float) -> None:
        """Send the answers that are due."""
        due = [each for each in self._later if each.at <= now]
        self._later = [each for each in self._later if each.at > now]
        for each in due:
            self._give(each.key, each.response, each.said, now)

    def _do(self, key: _Key, frame: Frame, body: Body, now: float) -> None:
        said = answer(self._terminal, self._manners, key[1], body.data)
        response = encode_frame(MessageType.RESPONSE, frame.sequence, int(self._terminal.wall()), said.body(), frame.version)
        self._given[key] = None
        if len(self._given) > _REMEMBERED:
            self._given.popitem(last=False)
        after_s = self._manners.slow_s + said.after_s
        if after_s > 0:
            self._later.append(_Later(now + after_s, key, response, said))
        else:
            self._give(key, response, said, now)

    def _give(self, key: _Key, response: bytes, said: Answer, now: float) -> None:
        if key in self._given:
            self._given[key] = response
        self._send(response)
        self._told(said, now)
