"""Remembers what was answered, so that a record re-sent is answered again and acted on once (protocol section 3.2, item 5).

A terminal re-sends what got no answer in 20 s, with the same sequence, three times, and may do so on a new connection. So the
memory belongs to the terminal, not to the connection, and knows which connection asked last.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from ..values import Value

Key = tuple[str, int, bytes]
"""Message, sequence, digest of the body."""
Send = Callable[[bytes], None]

REMEMBERED_S = 600.0
"""Longer than a terminal's re-sends (80 s) with a reconnect in between."""
MOST_REMEMBERED = 256
"""A terminal has one record under way at a time; this is for floods."""


class _UnderWay(Struct):
    """A record that is being made safe: when it was last asked about, and by which connection."""

    asked_at: float
    send: Send


class Stale(Value, frozen=True):
    """What copies of a record are answered that come at `at` or later (monotonic seconds), so that no door opens for what is long over."""

    at: float
    answer: bytes


class _Answered(Value, frozen=True):
    asked_at: float
    answer: bytes
    stale: Stale | None

    def answer_at(self, now: float) -> bytes:
        return self.answer if self.stale is None or now < self.stale.at else self.stale.answer


class LastAnswer:
    """What the session itself answered last on one connection: to a register, a login or a logout. Whoever asks the next thing has heard the
    answer to the one before, so there is no need for more; and it is remembered of every terminal, whatever it has to report.

    The digest tells one message from another, whatever it is named. `now` is monotonic seconds.
    """

    __slots__ = ("_answer", "_asked_at", "_digest", "_sequence")

    def __init__(self) -> None:
        self._sequence = 0
        self._digest = b""
        self._asked_at = 0.0
        self._answer: bytes | None = None

    def __len__(self) -> int:
        return 1 if self._digest else 0

    def is_new(self, sequence: int, digest: bytes, send: Send, now: float) -> bool:
        """Whether this message is to be acted on. If not, it is a copy, whose answer is sent now, or when there is one."""
        self.drop_old(now)
        if self._is_of(sequence, digest):
            if self._answer is not None:
                send(self._answer)
            return False
        self._sequence, self._digest, self._asked_at, self._answer = sequence, digest, now, None
        return True

    def settle(self, sequence: int, digest: bytes, answer: bytes) -> None:
        """The answer is this frame."""
        if self._is_of(sequence, digest):
            self._answer = answer

    def forget(self, sequence: int, digest: bytes) -> None:
        """This message is to be judged anew when it comes again."""
        if self._is_of(sequence, digest):
            self._digest, self._answer = b"", None

    def drop_old(self, now: float) -> None:
        """Forget what is remembered for long enough, once it was answered."""
        if self._answer is not None and now - self._asked_at >= REMEMBERED_S:
            self._digest, self._answer = b"", None

    def _is_of(self, sequence: int, digest: bytes) -> bool:
        return sequence == self._sequence and digest == self._digest


class AnswerMemory:
    """The answers given to one terminal. `now` is monotonic seconds.

    A record under way is kept whatever its age, or its copy would be acted on as well; an answer is kept without the connection it went
    to, which may be long gone. There are thousands of memories with nothing in them: so the tables are there only while something is.
    """

    __slots__ = ("_answered", "_under_way")

    def __init__(self) -> None:
        self._under_way: dict[Key, _UnderWay] | None = None
        self._answered: dict[Key, _Answered] | None = None

    def __len__(self) -> int:
        return len(self._under_way or ()) + len(self._answered or ())

    def is_new(self, key: Key, send: Send, now: float) -> bool:
        """Whether this record is to be acted on. If not, it is a copy: its answer is sent now, or once there is one, through `send`."""
        self.drop_old(now)
        answered = self._answered.get(key) if self._answered else None
        if answered is not None:
            send(answered.answer_at(now))
            return False
        if self._under_way is None:
            self._under_way = {}
        is_new = key not in self._under_way
        self._under_way[key] = _UnderWay(now, send)
        return is_new

    def settle(self, key: Key, answer: bytes, send: Send, stale: Stale | None = None) -> None:
        """The answer is this frame: send it to whoever asked last (`send` when nobody remembers), and to whoever asks again before it
        is `stale`."""
        under_way = self._take_under_way(key)
        if under_way is None:
            send(answer)
            return
        if self._answered is None:
            self._answered = {}
        self._answered[key] = _Answered(under_way.asked_at, answer, stale)
        under_way.send(answer)
        if len(self._answered) > MOST_REMEMBERED:
            del self._answered[next(iter(self._answered))]

    def forget(self, key: Key) -> None:
        """The record could not be made safe: its next copy is to be acted on as if it were the first."""
        self._take_under_way(key)
        if self._answered is not None:
            self._answered.pop(key, None)
            self._answered = self._answered or None

    def drop_old(self, now: float) -> None:
        """Forget what is remembered for long enough: first answered, first out."""
        while self._answered:
            key, answered = next(iter(self._answered.items()))
            if now - answered.asked_at < REMEMBERED_S:
                return
            del self._answered[key]
        self._answered = None

    def _take_under_way(self, key: Key) -> _UnderWay | None:
        if self._under_way is None:
            return None
        under_way = self._under_way.pop(key, None)
        self._under_way = self._under_way or None
        return under_way
