"""Both ends of a conversation for tests: a session, and a terminal that says frames to it at a time of the test's choosing."""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import tzinfo
from typing import Any, NamedTuple, TypeVar
from zoneinfo import ZoneInfo

from bridge.catalogue import Result
from bridge.catalogue.identity import Login, Register
from bridge.session.admission import Admitted, Attempt, Identity, Refused
from bridge.session.happenings import Concluded, Happening, Identified, Received
from bridge.session.memory import AnswerMemory
from bridge.session.session import Session
from bridge.session.surroundings import SessionLimits, Surroundings
from bridge.wire import Frame, Framer, MessageType

H = TypeVar("H", bound=Happening)

WALL = 1_564_535_879.5  # 2019-07-31 09:17:59.500 in Shanghai
ZONE = ZoneInfo("Asia/Shanghai")
TERMINAL = Identity("HG1", "uuid-1", "Front door")
OTHER = Identity("HG2", "uuid-2", "Back door")
REGISTER = {"serial": "HG1", "mac": "0064871ECB01", "timestamp": "1", "sign": "good"}
LOGIN = {"uuid": "uuid-1", "timestamp": "1", "sign": "good"}
FACE = {"personId": "p1", "result": 1, "snaptime": "2019-07-31 09:17:58"}


class Said(NamedTuple):
    """A frame from the session, read."""

    type: int
    sequence: int
    version: int
    timestamp: int
    body: dict[str, Any]

    @property
    def result(self) -> Any:
        return self.body.get("result")


class Gate:
    """An admission that lets a good sign in, as its test wishes."""

    def __init__(self) -> None:
        self.refusal = Refused("bad_sign", Result.WRONG_PASSWORD, "wrong sign")
        self.asked: list[Attempt] = []
        self.secrets = (f"secret-{number}" for number in range(1, 1000))

    def register(self, register: Register, attempt: Attempt) -> Admitted | Refused:
        self.asked.append(attempt)
        identity = {"HG1": TERMINAL, "HG2": OTHER}.get(register.serial)
        return Admitted(identity, next(self.secrets)) if identity and register.sign == "good" else self.refusal

    def login(self, login: Login, attempt: Attempt) -> Admitted | Refused:
        self.asked.append(attempt)
        return Admitted(TERMINAL) if login.sign == "good" else self.refusal


@dataclass
class Site:
    """What all conversations of a test share: the gate, the memories, the clock on the wall."""

    gate: Gate = field(default_factory=Gate)
    memories: defaultdict[str, AnswerMemory] = field(default_factory=lambda: defaultdict(AnswerMemory))
    limits: SessionLimits = field(default_factory=SessionLimits)
    zone: tzinfo = ZONE
    wall: float = WALL

    def surroundings(self) -> Surroundings:
        return Surroundings(self.gate, self.memories.__getitem__, self.limits, lambda: self.wall, lambda _: self.zone)


class Conversation:
    """A session, its clock, and the terminal's side. `now` is monotonic seconds and moves by `at` and `wait` alone."""

    def __init__(self, site: Site | None = None, *, now: float = 1000.0, first_sequence: int = 100) -> None:
        self.site = site or Site()
        self.now = now
        self.wakes = 0
        self.session = Session(self.site.surroundings(), "192.0.2.1", first_sequence, now, self)
        self._next_sequence = 0
        self._framer = Framer(1 << 20)
        self._happenings: list[Happening] = []

    def wake(self) -> None:
        """The session has something to send."""
        self.wakes += 1

    # The terminal speaks.

    def say(
        self,
        message: str | None,
        data: Any = None,
        *,
        sequence: int | None = None,
        type: int = MessageType.REQUEST,  # noqa: A002 (the protocol's own word)
        version: int = 2,
        data_type: int = 1,
    ) -> list[Said]:
        """A REQUEST or NOTIFICATION; returns what the session has sent since it was last listened to."""
        body: dict[str, Any] = {} if message is None else {"message": message}
        return self.say_body(
            json.dumps({**body, "data": data}).encode(), sequence=sequence, type=type, version=version, data_type=data_type
        )

    def say_body(
        self,
        body: bytes,
        *,
        sequence: int | None = None,
        type: int = MessageType.REQUEST,  # noqa: A002
        version: int = 2,
        data_type: int = 1,
    ) -> list[Said]:
        if sequence is None:
            self._next_sequence += 1
            sequence = self._next_sequence
        self.session.receive(Frame(version, type, data_type, 0, sequence, body), self.now)
        return self.heard()

    def reply(self, sequence: int, result: Any = 0, data: Any = None, desc: str = "") -> list[Said]:
        """The terminal answers a request."""
        return self.say_body(
            json.dumps({"result": result, "desc": desc, "data": data}).encode(), sequence=sequence, type=MessageType.RESPONSE
        )

    def identify(self) -> Conversation:
        """Log in, and forget what came of it."""
        assert [each.result for each in self.say("login", LOGIN)] == [0]
        assert self.happened() == [Identified(TERMINAL)]
        return self

    # Time passes.

    def at(self, now: float) -> list[Said]:
        """Tick at this time."""
        self.now = now
        self.session.tick(now)
        return self.heard()

    def wait(self, seconds: float) -> list[Said]:
        return self.at(self.now + seconds)

    def until_deadline(self) -> list[Said]:
        """Tick exactly when the session asks for it."""
        assert self.session.deadline() >= self.now
        return self.at(self.session.deadline())

    # The bridge speaks.

    def request(self, message: str = "get_configs", body: bytes = b"{}", **options: Any) -> int:
        """Send a request; returns its token."""
        options = {"version": 2, "timeout_s": 80.0, **options}
        return self.session.requests.send(self.session, message, body, now=self.now, **options)

    # What came of it.

    def heard(self) -> list[Said]:
        """The frames sent since last asked."""
        frames = []
        for output in self.session.take_output():
            self._framer.feed(output)
            frame = self._framer.next_frame()
            assert frame is not None
            assert self._framer.buffered_bytes == 0
            frames.append(Said(frame.message_type, frame.sequence, frame.version, frame.timestamp, json.loads(frame.body or b"{}")))
        return frames

    def happened(self) -> list[Happening]:
        """What happened since last asked."""
        return self.session.take_happenings()

    def one(self, kind: type[H]) -> H:
        """The one thing that happened, of this kind."""
        (happening,) = self.happened()
        assert isinstance(happening, kind)
        return happening

    def received(self) -> Received:
        return self.one(Received)

    def outcome(self) -> Any:
        return self.one(Concluded).outcome
