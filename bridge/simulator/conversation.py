"""A terminal's side of one connection (protocol section 3), without I/O.

Frames and the time go in. What comes out is collected for the owner: bytes to send (`take_output`), happenings (`take_happenings`), and
the time by which `tick` wants to be called (`deadline`). `now` is monotonic seconds.

A terminal with credentials logs in; one without registers first and logs in on the same connection. Then it asks the time, every five
minutes, and sends its records one after the other, each after the answer to the one before. What it asks at once, it asks beside them. It
beats every 25 s in any state.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

from ..catalogue import REPORTS, Result
from ..catalogue.identity import Login, Logout, Register, SyncTime
from ..catalogue.intercom import DeviceCallParam, DeviceCallResult
from ..catalogue.qrcode import QrcodeData
from ..errors import TerminalFault
from ..wire import JSON_DATA, Body, Frame, MessageType, decode_body, encode_frame, request_body
from .acting import Answer
from .answers import Answers
from .happenings import (
    CallAnswered,
    DoorKeptShut,
    DoorOpened,
    Ended,
    Faulted,
    Happening,
    LoggedIn,
    NotKept,
    RecordRefused,
    Registered,
    RegistersAnew,
    ToldToWait,
)
from .identity import MODEL, Credentials, login_sign, register_sign
from .manners import Manners
from .reading import clock, wait_s
from .records import Record
from .states import State, Task
from .terminal import Terminal
from .unanswered import Unanswered

HEARTBEAT_S = 25.0
SILENCE_S = 75.0
"""Three heartbeats without an answer of any kind: the bridge is lost."""
SYNC_TIME_S = 300.0
PATIENCE_S = 20.0
"""A longer wait is not sat out on the connection: a bridge gives a stranger 30 s to say who it is."""


class Conversation:
    """One connection's conversation, which starts at once. Call an input (`receive`, `send_records`, `ask`, `leave`, `tick`), then act on
    `take_output` and `take_happenings`, and call `tick` at `deadline`."""

    def __init__(self, terminal: Terminal, manners: Manners, now: float) -> None:
        self._terminal = terminal
        self._output: list[bytes] = []
        self._happenings: list[Happening] = []
        self._unanswered = Unanswered()
        self._answers = Answers(terminal, manners, self._send, self._answer_given)
        self._record: Record | None = None
        self._anew = False
        self._tasks = {Task.BEAT: now + HEARTBEAT_S, Task.GIVE_UP: now + SILENCE_S}
        self.state = State.INTRODUCING
        terminal.calls.give_up()
        self._introduce(now)

    # What comes out.

    def take_output(self) -> bytes:
        """The bytes to send, taken once."""
        output, self._output = b"".join(self._output), []
        return output

    def take_happenings(self) -> list[Happening]:
        """What happened since the last call, in order, taken once."""
        happenings, self._happenings = self._happenings, []
        return happenings

    def deadline(self) -> float:
        """When `tick` must be called at the latest; infinity once it has ended."""
        if self.state is State.ENDED:
            return inf
        call_over_at = self._terminal.calls.over_at() if self.state is State.LOGGED_IN else inf
        return min(*self._tasks.values(), self._unanswered.next_due_at(), self._answers.next_due_at(), call_over_at)

    # What goes in.

    def receive(self, frame: Frame, now: float) -> None:
        """A whole frame came."""
        if self.state is State.ENDED:
            return
        self._tasks[Task.GIVE_UP] = now + SILENCE_S
        act = _BY_MESSAGE_TYPE.get(frame.message_type)
        if act is None:
            return
        try:
            if frame.data_type != JSON_DATA:
                raise TerminalFault(f"unknown dataType {frame.data_type}")
            act(self, frame, decode_body(frame.body), now)
        except TerminalFault as fault:
            self._tell(Faulted(fault.reason))

    def send_records(self, now: float) -> None:
        """There are records to be sent: the oldest goes out, unless one is on its way already."""
        if self.state is State.LOGGED_IN and self._record is None and Task.SEND_RECORD not in self._tasks:
            self._send_record(now)

    @property
    def may_ask(self) -> bool:
        """Whether the bridge would hear a question."""
        return self.state is State.LOGGED_IN

    def ask(self, name: str, data: dict[str, Any], now: float) -> None:
        """Ask what must be answered at once, or not at all: it is no record."""
        if self.may_ask:
            self._request(name, data, now)

    def leave(self, now: float) -> None:
        """Say goodbye; ends when that is answered."""
        if self.state is not State.LOGGED_IN:
            self.end("goodbye")
            return
        self.state = State.LEAVING
        self._request(Logout.declaration.name, {}, now)

    def tick(self, now: float) -> None:
        """Do what is due by now."""
        for task in [task for task, at in self._tasks.items() if at <= now]:
            if self.state is not State.ENDED:
                _BY_TASK[task](self, now)
        if self.state is not State.ENDED:
            self._send_again(now)
        if self.state is not State.ENDED:
            self._answers.tick(now)
        self._report_call(now)

    def end(self, reason: str, away_s: float = 0.0) -> None:
        """End the conversation. Does nothing the second time."""
        if self.state is not State.ENDED:
            self.state = State.ENDED
            self._tell(Ended(reason, away_s))

    # Inside.

    def _send(self, frame: bytes) -> None:
        self._output.append(frame)

    def _tell(self, happening: Happening) -> None:
        self._happenings.append(happening)

    # By the clock.

    def _beat(self, now: float) -> None:
        self._tasks[Task.BEAT] = now + HEARTBEAT_S
        self._send(encode_frame(MessageType.HEARTBEAT, 0, int(self._terminal.wall())))

    def _introduce(self, now: float) -> None:
        self._tasks.pop(Task.INTRODUCE, None)
        timestamp = str(int(self._terminal.wall()))
        credentials = self._terminal.credentials
        if credentials is None:
            identity = self._terminal.identity
            sign = register_sign(identity, timestamp)
            data = {"serial": identity.serial, "mac": identity.mac, "timestamp": timestamp, "sign": sign, "type": MODEL}
            self._request(Register.declaration.name, data, now)
        else:
            sign = login_sign(credentials, timestamp)
            data = {"uuid": credentials.uuid, "version": self._terminal.settings.firmware, "timestamp": timestamp, "sign": sign}
            self._request(Login.declaration.name, data, now)

    def _sync_time(self, now: float) -> None:
        self._tasks[Task.SYNC_TIME] = now + SYNC_TIME_S
        shows = self._terminal.civil_time()
        self._request(SyncTime.declaration.name, {"timestamp": f"{shows:%Y%m%d%H%M%S}{shows.microsecond // 1000:03d}"}, now)

    def _send_record(self, now: float) -> None:
        self._tasks.pop(Task.SEND_RECORD, None)
        self._record = record = self._terminal.records.oldest()
        if record is not None:
            self._put_on_wire(record.name, record.sequence, record.body, record.version, now)

    def _give_up(self, now: float) -> None:
        self.end(f"the bridge was silent for {SILENCE_S:g} s")

    def _send_again(self, now: float) -> None:
        for waiting in self._unanswered.due(now):
            if waiting.resends_left < 0:
                self.end(f"no answer to {waiting.name}")
                return
            self._send(waiting.frame)

    # The terminal's requests.

    def _request(self, name: str, data: Any, now: float) -> None:
        self._put_on_wire(name, self._terminal.next_sequence(), request_body(name, data), REPORTS[name].version, now)

    def _put_on_wire(self, name: str, sequence: int, body: bytes, version: int, now: float) -> None:
        frame = encode_frame(MessageType.REQUEST, sequence, int(self._terminal.wall()), body, version)
        self._send(frame)
        self._unanswered.add(name, sequence, frame, now)

    def _answered(self, frame: Frame, body: Body, now: float) -> None:
        """A RESPONSE. One that nobody waits for is ignored, as a terminal would."""
        waiting = self._unanswered.take(frame.sequence)
        if waiting is None:
            return
        result = Result.OPERATION_FAILED if body.result is None else body.result
        data = body.data if isinstance(body.data, dict) else {}
        if result == Result.REGISTER_AGAIN and self.state is State.LOGGED_IN:
            self._register_anew(waiting.name, result, now)
        else:
            _BY_ANSWERED.get(waiting.name, Conversation._record_answered)(self, result, data, now)

    def _register_answered(self, result: int, data: dict[str, Any], now: float) -> None:
        uuid, passwd = data.get("uuid"), data.get("passwd")
        if result == Result.BUSY:
            self._wait(Register.declaration.name, data, now)
        elif result == Result.SUCCESS and isinstance(uuid, str) and isinstance(passwd, str):
            self._terminal.credentials = Credentials(uuid, passwd)
            self._tell(Registered(self._terminal.credentials))
            self._introduce(now)
        else:
            self.end(f"its register is refused with {result}")

    def _login_answered(self, result: int, data: dict[str, Any], now: float) -> None:
        if result == Result.BUSY:
            self._wait(Login.declaration.name, data, now)
        elif result == Result.SUCCESS:
            self.state = State.LOGGED_IN
            self._tell(LoggedIn())
            self._sync_time(now)
            self.send_records(now)
        elif result in (Result.REGISTER_AGAIN, Result.WRONG_PASSWORD):
            self._register_anew(Login.declaration.name, result, now)
        else:
            self.end(f"its login is refused with {result}")

    def _sync_time_answered(self, result: int, data: dict[str, Any], now: float) -> None:
        if result == Result.BUSY:
            self._tasks[Task.SYNC_TIME] = now + wait_s(data)
        elif result == Result.SUCCESS and (shows := clock(data.get("timestamp"))) is not None:
            self._terminal.set_clock(shows)

    def _logout_answered(self, result: int, data: dict[str, Any], now: float) -> None:
        self.end("logged out")

    def _call_param_answered(self, result: int, data: dict[str, Any], now: float) -> None:
        called = data.get("calleds")
        self._tell(CallAnswered(len(called) if isinstance(called, list) else 0, result))
        self._terminal.calls.answered(result, data, self._terminal.civil_time(), now)
        self._report_call(now)

    def _report_call(self, now: float) -> None:
        """When it is over, and there is somebody to hear of it."""
        if self.state is State.LOGGED_IN and (result := self._terminal.calls.result(self._terminal.civil_time(), now)) is not None:
            self._terminal.report(DeviceCallResult.declaration.name, result)
            self.send_records(now)

    def _qrcode_answered(self, result: int, data: dict[str, Any], now: float) -> None:
        opened = result == Result.SUCCESS and data.get("opendoor") == 1
        self._tell(DoorOpened("as its code was answered") if opened else DoorKeptShut("as its code was answered"))

    def _record_answered(self, result: int, data: dict[str, Any], now: float) -> None:
        record, self._record = self._record, None
        if record is None:
            return
        if result == Result.BUSY:
            self._tasks[Task.SEND_RECORD] = now + wait_s(data)
            return
        if result != Result.SUCCESS:
            self._tell(RecordRefused(record.name, result))
        else:
            self._acknowledged(record, data)
        self._terminal.records.remove(record)
        self.send_records(now)

    def _acknowledged(self, record: Record, data: dict[str, Any]) -> None:
        if data.get("opendoor") == 1:
            self._tell(DoorOpened("as its record was answered"))
        try:
            self._terminal.acknowledged(record, data)
        except OSError as error:
            self._tell(NotKept(str(error.strerror)))

    def _wait(self, name: str, data: dict[str, Any], now: float) -> None:
        wait = wait_s(data)
        self._tell(ToldToWait(name, wait))
        if wait > PATIENCE_S:
            self.end("told to wait", wait)
        else:
            self._tasks[Task.INTRODUCE] = now + wait

    def _register_anew(self, name: str, result: int, now: float) -> None:
        """Once on a connection: a bridge that is never content must not be asked in a circle."""
        if self._anew:
            self.end(f"told {result} again")
            return
        self._anew = True
        self._record = None
        self._tasks.pop(Task.SYNC_TIME, None)
        self._terminal.calls.give_up()
        self._terminal.credentials = None
        self.state = State.INTRODUCING
        self._tell(RegistersAnew(name, result))
        self._introduce(now)

    def _commanded(self, frame: Frame, body: Body, now: float) -> None:
        self._answers.commanded(frame, body, now)

    def _answer_given(self, said: Answer, now: float) -> None:
        self._tell(said.happening)
        if said.to_send:
            self._terminal.records.put_off(said.to_send)
            self.send_records(now)
        if said.ends is not None:
            self.end(said.ends.reason, said.ends.wait_s)


_BY_TASK: dict[Task, Callable[[Conversation, float], None]] = {
    Task.BEAT: Conversation._beat,
    Task.INTRODUCE: Conversation._introduce,
    Task.SYNC_TIME: Conversation._sync_time,
    Task.SEND_RECORD: Conversation._send_record,
    Task.GIVE_UP: Conversation._give_up,
}
_BY_ANSWERED: dict[str, Callable[[Conversation, int, dict[str, Any], float], None]] = {
    Register.declaration.name: Conversation._register_answered,
    Login.declaration.name: Conversation._login_answered,
    SyncTime.declaration.name: Conversation._sync_time_answered,
    Logout.declaration.name: Conversation._logout_answered,
    DeviceCallParam.declaration.name: Conversation._call_param_answered,
    QrcodeData.declaration.name: Conversation._qrcode_answered,
}
"""What to do with an answer, by the request's name; anything else is a record."""
_BY_MESSAGE_TYPE: dict[int, Callable[[Conversation, Frame, Body, float], None]] = {
    MessageType.REQUEST: Conversation._commanded,
    MessageType.RESPONSE: Conversation._answered,
}
"""Heartbeats and notifications need nothing but to be heard."""
