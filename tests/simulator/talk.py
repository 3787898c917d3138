"""A conversation of a simulated terminal, with a clock and the bridge's half played by the test."""

from __future__ import annotations

import base64
from datetime import datetime
from random import Random
from typing import Any, NamedTuple

from bridge.simulator.behaviour import answer
from bridge.simulator.conversation import Conversation
from bridge.simulator.happenings import Happening
from bridge.simulator.identity import Credentials, numbered
from bridge.simulator.manners import Manners
from bridge.simulator.people import Person
from bridge.simulator.roster import MOST_PERSONS
from bridge.simulator.shelf import Shelf
from bridge.simulator.terminal import Terminal
from bridge.wire import JSON_DATA, Body, Frame, Framer, MessageType, decode_body, request_body, response_body

START = 1_700_000_000.0
CREDENTIALS = Credentials("uuid-1", "secret")


class Said(NamedTuple):
    """A frame of the terminal's. `raw` is its body as it came."""

    type: int
    sequence: int
    version: int
    body: Body
    raw: bytes

    @property
    def name(self) -> str | None:
        return self.body.message

    @property
    def data(self) -> Any:
        return self.body.data


class Camera:
    """Takes pictures that tell one from the other."""

    def __init__(self) -> None:
        self.taken = 0

    def take(self, person: Person | None, moment: datetime) -> bytes:
        self.taken += 1
        return b"\xff\xd8picture %d, %s\xff\xd9" % (self.taken, moment.isoformat().encode())

    def has_face(self, jpeg: bytes) -> bool:
        return jpeg.startswith(b"\xff\xd8") and b"NO-FACE" not in jpeg


def said(framer: Framer, data: bytes) -> list[Said]:
    """The frames in `data`; an empty body reads as one that says nothing."""
    framer.feed(data)
    frames = []
    while (frame := framer.next_frame()) is not None:
        body = decode_body(frame.body) if frame.body else Body(None, None, "", {})
        frames.append(Said(frame.message_type, frame.sequence, frame.version, body, frame.body))
    return frames


def new_terminal(
    credentials: Credentials | None = CREDENTIALS,
    seed: int = 1,
    wall: Any = lambda: START,
    shelf: Shelf | None = None,
    most_persons: int = MOST_PERSONS,
) -> Terminal:
    return Terminal(numbered("DEMO", 1), credentials, Camera(), wall, Random(seed), 0.0, shelf, most_persons)


def face(text: str = "face") -> str:
    """A picture that the camera of these tests knows somebody by, in base64."""
    return base64.b64encode(b"\xff\xd8\xff" + text.encode() + b"\xff\xd9").decode()


def do(terminal: Terminal, name: str, data: Any = None) -> int:
    """The result of one more command."""
    return int(answer(terminal, Manners(), name, {} if data is None else data).result)


class Talk:
    """`now` moves with `advance`, which ticks at each deadline as an owner would; `frames` and `told` collect what came of it."""

    def __init__(
        self, credentials: Credentials | None = CREDENTIALS, manners: Manners | None = None, terminal: Terminal | None = None
    ) -> None:
        self.now = 0.0
        self.terminal = terminal or new_terminal(credentials, wall=lambda: START + self.now)
        self.conversation = Conversation(self.terminal, manners or Manners(), self.now)
        self._framer = Framer(8 << 20)
        self.frames: list[Said] = []
        self.told: list[Happening] = []
        self._collect()

    def _collect(self) -> None:
        self.frames += said(self._framer, self.conversation.take_output())
        self.told += self.conversation.take_happenings()

    def take(self) -> list[Said]:
        """What the terminal has said since the last time."""
        frames, self.frames = self.frames, []
        return frames

    def take_one(self, name: str) -> Said:
        """The one REQUEST with this name among what it has said."""
        [one] = [each for each in self.take() if each.name == name]
        return one

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while (deadline := self.conversation.deadline()) <= end:
            self.now = max(self.now, deadline)
            self.conversation.tick(self.now)
            self._collect()
        self.now = end

    def hear(self, kind: int, sequence: int, body: bytes = b"", version: int = 2, data_type: int = JSON_DATA) -> None:
        self.conversation.receive(Frame(version, kind, data_type, 0, sequence, body), self.now)
        self._collect()

    def answer(self, request: Said, result: int = 0, data: Any = None) -> None:
        self.hear(MessageType.RESPONSE, request.sequence, response_body(result, "", {} if data is None else data))

    def command(self, name: str, data: Any, sequence: int = 77, version: int = 2) -> None:
        self.hear(MessageType.REQUEST, sequence, request_body(name, data), version)

    def beat(self) -> None:
        self.hear(MessageType.HEARTBEAT, 0)

    def log_in(self) -> None:
        """Be logged in, with the time told."""
        self.answer(self.take_one("login"))
        self.answer(self.take_one("sync_time"), data={"timestamp": "20240102030405678"})
        self.told.clear()

    def recognise(self) -> None:
        self.terminal.recognise()
        self.conversation.send_records(self.now)
        self._collect()

    def ask(self, name: str, data: dict[str, Any]) -> None:
        self.conversation.ask(name, data, self.now)
        self._collect()

    def leave(self) -> None:
        self.conversation.leave(self.now)
        self._collect()
