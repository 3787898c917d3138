"""The load: terminals that say what they have to say, one thing after the other, and know what was answered."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from typing import Any

import msgspec

from benchmarks.frames import (
    HEARTBEAT,
    HEARTBEAT_FRAME,
    REQUEST,
    RESPONSE,
    Recognition,
    frame,
    header,
    login_body,
    register_body,
    split,
)
from benchmarks.loop import Link, Loop

PER_ADDRESS = 1000
"""So many of them behind one address: the bridge's limits allow some more."""
PATIENCE_S = 60.0


class Refused(Exception):
    """A terminal was told something else than success, or its connection was ended."""


class Answer(msgspec.Struct):
    """A RESPONSE's body."""

    result: int
    data: Any = None


_answer = msgspec.json.Decoder(Answer).decode
_request = msgspec.json.Decoder(dict[str, Any]).decode


class Terminal:
    """One of them. `answered` are the sequences of its events that were answered; `reported_at` is when it was to send the last one."""

    __slots__ = (
        "_asked",
        "_crowd",
        "_done",
        "_link",
        "_rest",
        "_sequence",
        "answered",
        "is_joined",
        "mac",
        "passwd",
        "reported_at",
        "seen",
        "serial",
        "source",
        "uuid",
    )

    def __init__(self, crowd: Crowd, number: int) -> None:
        self._crowd = crowd
        self.serial = f"B{number:06d}"
        self.mac = f"0064{number:08X}"
        self.source = f"127.0.0.{1 + number // PER_ADDRESS}"
        self.uuid = self.passwd = ""
        self.is_joined = False
        self.answered: list[int] = []
        self.seen: list[int] = []
        self.reported_at = 0.0
        self._sequence = number * 1_000_003 % (1 << 32)
        self._asked: int | None = None
        self._done: Callable[[Answer], None] = self._identified
        self._rest = b""
        self._link: Link | None = None

    @property
    def is_waiting(self) -> bool:
        """For an answer."""
        return self._asked is not None

    def join(self) -> None:
        """Connect, register if it never has, and log in."""
        self._rest = b""
        self._link = Link(self._crowd.loop, self._crowd.port, self._received, self._closed, self.source)
        if self.uuid:
            self._ask(login_body(self.uuid, self.passwd), self._identified)
        else:
            self._ask(register_body(self.serial, self.mac), self._registered)

    def leave(self) -> None:
        """Hang up."""
        assert self._link is not None
        self._link.close()
        self.is_joined = False
        self._asked = None

    def report(self, body: bytes, scheduled_at: float) -> int:
        """Send an event, which was to be sent at `scheduled_at`; returns its sequence."""
        self.reported_at = scheduled_at
        self._sequence = sequence = (self._sequence + 1) % (1 << 32)
        self._asked, self._done = sequence, self._event_answered
        assert self._link is not None
        self._link.write(header(REQUEST, sequence, len(body)), body)
        return sequence

    def beat(self) -> None:
        """A heartbeat."""
        assert self._link is not None
        self._link.write(HEARTBEAT_FRAME)

    def _ask(self, body: dict[str, Any], done: Callable[[Answer], None]) -> None:
        self._sequence = sequence = (self._sequence + 1) % (1 << 32)
        self._asked, self._done = sequence, done
        assert self._link is not None
        self._link.write(frame(REQUEST, sequence, body))

    def _registered(self, answer: Answer) -> None:
        self.uuid, self.passwd = answer.data["uuid"], answer.data["passwd"]
        self._ask(login_body(self.uuid, self.passwd), self._identified)

    def _identified(self, _answer: Answer) -> None:
        self.is_joined = True
        self._crowd.joined += 1
        self._crowd.has_joined()

    def _event_answered(self, _answer: Answer) -> None:
        self.answered.append(self._sequence)
        self._crowd.answered += 1
        self._crowd.answered_bytes += self._crowd.recognition.picture_bytes
        self._crowd.on_answer(self)

    def _received(self, data: bytes) -> None:
        frames, self._rest = split(self._rest + data if self._rest else data)
        for kind, sequence, body in frames:
            if kind == RESPONSE and sequence == self._asked:
                self._asked = None
                answer = _answer(body)
                if answer.result:
                    raise Refused(f"{self.serial} was answered {body!r}")
                self._done(answer)
            elif kind == REQUEST:
                self._obey(sequence, _request(body))
            elif kind == HEARTBEAT:
                self._crowd.beats += 1

    def _obey(self, sequence: int, request: dict[str, Any]) -> None:
        """A command, or the bridge's question at login: it has each group of its configuration, and nothing in it."""
        self._crowd.opened += request["message"] == "open_door"
        groups = [{"groupKey": name} for name in request["data"].get("groupKey", ())] if request["message"] == "get_configs" else {}
        assert self._link is not None
        self._link.write(frame(RESPONSE, sequence, {"result": 0, "desc": "done", "data": groups}))

    def _closed(self) -> None:
        raise Refused(f"the connection of {self.serial} was ended")


class Crowd:
    """All terminals of a run. `recognition` is what they report, and may be changed while they rest. `on_answer` is called for each event that was answered."""

    def __init__(self, loop: Loop, port: int, count: int) -> None:
        self.loop = loop
        self.port = port
        self.recognition = Recognition(0)
        self.joined = 0
        self.opened = 0
        """How many doors were opened."""
        self.answered = 0
        self.answered_bytes = 0
        """Of pictures."""
        self.beats = 0
        """How many heartbeats came back."""
        self.on_answer: Callable[[Terminal], None] = lambda _: None
        self.terminals = [Terminal(self, number) for number in range(count)]
        self.by_serial = {terminal.serial: terminal for terminal in self.terminals}
        self._coming = iter(self.terminals)

    def join(self, at_once: int = 100) -> float:
        """Have all of them log in, so many at a time; returns how long that took, in seconds. TimeoutError: longer than anybody waits."""
        self.joined = 0
        self._coming = iter(self.terminals)
        started = time.perf_counter()
        for terminal in itertools.islice(self._coming, at_once):
            terminal.join()
        if not self.loop.run(PATIENCE_S, lambda: self.joined == len(self.terminals)):
            raise TimeoutError(f"{self.joined} of {len(self.terminals)} terminals have logged in after {PATIENCE_S:.0f} s")
        return time.perf_counter() - started

    def has_joined(self) -> None:
        """One of them has: the next may come."""
        terminal = next(self._coming, None)
        if terminal is not None:
            terminal.join()

    def leave(self) -> None:
        """All of them hang up."""
        for terminal in self.terminals:
            if terminal.is_joined:
                terminal.leave()

    def report(self, terminal: Terminal) -> None:
        """Have one report what it sees, now."""
        terminal.report(self.recognition.body(), time.perf_counter())

    def report_once(self, at_once: int) -> None:
        """Have each report what it sees, so many at a time. TimeoutError: some wait for an answer longer than anybody does."""
        coming, due = iter(self.terminals), self.answered + len(self.terminals)

        def next_one(_: Terminal | None = None) -> None:
            terminal = next(coming, None)
            if terminal is not None:
                self.report(terminal)

        self.on_answer = next_one
        for _ in range(at_once):
            next_one()
        self.loop.run(PATIENCE_S, lambda: self.answered >= due)
        self.rest()

    def rest(self) -> None:
        """Wait until nobody waits for an answer. TimeoutError: longer than anybody waits."""
        self.on_answer = lambda _: None
        if not self.loop.run(PATIENCE_S, lambda: not any(terminal.is_waiting for terminal in self.terminals)):
            raise TimeoutError("events are left without an answer")
