"""A terminal under load, written from the protocol alone: it keeps each record until it was answered, re-sends it, and comes back with it.

Protocol sections 2.2 (heartbeat), 3.2 (re-sends: here after seconds instead of 20), 4.2 and 4.6.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from tests.integration.broker import LOOPBACK
from tests.integration.raw_terminal import HEADER, HEARTBEAT, PERSON, REQUEST, RESPONSE, SIGN_MAGIC, frame_bytes

RESEND_S = 2.0
RESENDS = 3
BEAT_S = 1.0
SYNC_S = 3.0


@dataclass(slots=True)
class Record:
    """A recognition. Times are monotonic seconds; `frame` is what goes over the wire, each time the same, and let go once it was answered."""

    sequence: int
    made_at: float
    picture_sha256: str
    frame: bytes = field(repr=False)
    sent: int = 0
    answered_at: float | None = None


@dataclass(frozen=True, slots=True)
class Habits:
    """How often a terminal recognises somebody, in seconds, and how large its pictures are, in bytes: from, to. One that has `most_kept`
    records recognises nobody until one of them was answered."""

    every_s: tuple[float, float] = (0.1, 0.5)
    picture_bytes: tuple[int, int] = (2_000, 60_000)
    resend_s: float = RESEND_S
    most_kept: int = 50


class LoadTerminal:
    """One terminal. `records` are all it ever made, in their order; `beats` when each heartbeat was due and how long its answer took."""

    def __init__(self, port: int, serial: str, random: Random, habits: Habits) -> None:
        self.serial = serial
        self.records: list[Record] = []
        self.beats: list[tuple[float, float]] = []
        self.refusals: list[Any] = []
        self.is_making = True
        self._port = port
        self._random = random
        self._habits = habits
        self._uuid = self._passwd = ""
        self._sequence = random.getrandbits(32)
        self._ahead_s = random.uniform(-7200, 7200)
        """How far its clock is ahead of this machine's, until it is told the time."""
        self._is_set = asyncio.Event()
        self._kept: deque[Record] = deque()
        self._has_kept = asyncio.Event()
        self._writer: asyncio.StreamWriter | None = None
        self._writing = asyncio.Lock()
        self._waiting: dict[int, asyncio.Future[Any]] = {}
        self._beaten = asyncio.Event()

    @property
    def is_done(self) -> bool:
        """Whether nothing waits to be answered."""
        return not self._kept

    def cut(self) -> None:
        """Lose the connection, at whatever byte it was."""
        if self._writer is not None:
            self._writer.transport.abort()

    def finish(self) -> Record:
        """Recognise one more, and nobody after that."""
        self.is_making = False
        return self._keep()

    async def live(self) -> None:
        """Recognise people, and connect again and again; until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._recognise())
            tasks.create_task(self._stay_connected())

    # What happens before its camera.

    async def _recognise(self) -> None:
        await self._is_set.wait()
        while True:
            await asyncio.sleep(self._random.uniform(*self._habits.every_s))
            if self.is_making and len(self._kept) < self._habits.most_kept:
                self._keep()

    def _keep(self) -> Record:
        picture = b"\xff\xd8\xff\xe0" + self._random.randbytes(self._random.randint(*self._habits.picture_bytes))
        snaptime = f"{datetime.fromtimestamp(time.time() + self._ahead_s):%Y-%m-%d %H:%M:%S}"  # noqa: DTZ006 - civil time, as terminals tell it
        data = PERSON | {"snaptime": snaptime, "snapPic": base64.b64encode(picture).decode()}
        sequence = self._next_sequence()
        frame = frame_bytes(REQUEST, sequence, {"message": "snapshot_face", "data": data})
        record = Record(sequence, time.monotonic(), hashlib.sha256(picture).hexdigest(), frame)
        self.records.append(record)
        self._kept.append(record)
        self._has_kept.set()
        return record

    def _next_sequence(self) -> int:
        self._sequence = (self._sequence + 1) % (1 << 32)
        return self._sequence

    # Its connection.

    async def _stay_connected(self) -> None:
        while True:
            try:
                await self._converse()
            except* (OSError, EOFError, TimeoutError):
                pass
            await asyncio.sleep(self._random.uniform(0.05, 0.5))

    async def _converse(self) -> None:
        reader, self._writer = await asyncio.wait_for(asyncio.open_connection(LOOPBACK, self._port), RESEND_S)
        self._waiting = {}
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._hear(reader))
                tasks.create_task(self._speak(tasks))
        finally:
            self.cut()
            self._writer = None

    async def _speak(self, tasks: asyncio.TaskGroup) -> None:
        await self._join()
        await self._sync_time()
        for habit in (self._beat, self._ask_the_time, self._report):
            tasks.create_task(habit())

    async def _join(self) -> None:
        timestamp = str(int(time.time()))
        if not self._uuid:
            mac = f"0064{int(self.serial[1:]):08X}"
            sign = _md5(self.serial + mac + timestamp + SIGN_MAGIC)
            answer = await self._ask("register", {"serial": self.serial, "mac": mac, "timestamp": timestamp, "sign": sign, "type": "LOAD"})
            if answer["result"] != 0:
                raise EOFError
            self._uuid, self._passwd = answer["data"]["uuid"], answer["data"]["passwd"]
        sign = _md5(self._uuid + self._passwd + timestamp + SIGN_MAGIC)
        answer = await self._ask("login", {"uuid": self._uuid, "version": "LOAD 1", "timestamp": timestamp, "sign": sign})
        if answer["result"] != 0:
            self.refusals.append(answer)
            self._uuid = ""
            raise EOFError

    async def _sync_time(self) -> None:
        mine = datetime.fromtimestamp(time.time() + self._ahead_s)  # noqa: DTZ006
        answer = await self._ask("sync_time", {"timestamp": f"{mine:%Y%m%d%H%M%S}{mine.microsecond // 1000:03d}"})
        theirs = datetime.strptime(answer["data"]["timestamp"] + "000", "%Y%m%d%H%M%S%f")  # noqa: DTZ007
        self._ahead_s = theirs.timestamp() - time.time()
        self._is_set.set()

    async def _ask_the_time(self) -> None:
        while True:
            await asyncio.sleep(SYNC_S)
            await self._sync_time()

    async def _beat(self) -> None:
        while True:
            due_at = time.monotonic()
            self._beaten.clear()
            await self._send(frame_bytes(HEARTBEAT, 0))
            await self._beaten.wait()
            self.beats.append((due_at, time.monotonic() - due_at))
            await asyncio.sleep(BEAT_S)

    async def _report(self) -> None:
        """One record after the other, the next when the one before was answered."""
        while True:
            while not self._kept:
                self._has_kept.clear()
                await self._has_kept.wait()
            record = self._kept[0]
            answer = await self._answer_to(record.sequence, record.frame, record)
            if answer["result"] != 0:
                self.refusals.append(answer)
                raise EOFError
            record.answered_at, record.frame = time.monotonic(), b""
            self._kept.popleft()

    async def _ask(self, message: str, data: Any) -> Any:
        sequence = self._next_sequence()
        return await self._answer_to(sequence, frame_bytes(REQUEST, sequence, {"message": message, "data": data}))

    async def _answer_to(self, sequence: int, frame: bytes, record: Record | None = None) -> Any:
        """Send it, and again when there is no answer. Raises TimeoutError after the last time: the link is held to be broken."""
        answer = self._waiting[sequence] = asyncio.get_running_loop().create_future()
        for _ in range(1 + RESENDS):
            if record is not None:
                record.sent += 1
            await self._send(frame)
            done, _ = await asyncio.wait([answer], timeout=self._habits.resend_s)
            if done:
                del self._waiting[sequence]
                return answer.result()
        raise TimeoutError

    async def _send(self, frame: bytes) -> None:
        """In two parts now and then: networks cut where they like."""
        async with self._writing:
            assert self._writer is not None
            if self._random.random() < 0.1:
                cut = self._random.randrange(len(frame))
                self._writer.write(frame[:cut])
                await asyncio.sleep(0.02)
                frame = frame[cut:]
            self._writer.write(frame)
            await self._writer.drain()

    async def _hear(self, reader: asyncio.StreamReader) -> None:
        while True:
            _, version, kind, _, _, _, sequence, size = HEADER.unpack(await reader.readexactly(HEADER.size))
            body = json.loads(await reader.readexactly(size)) if size else {}
            if kind == HEARTBEAT:
                self._beaten.set()
            elif kind == RESPONSE and (waiting := self._waiting.get(sequence)) is not None and not waiting.done():
                waiting.set_result(body)
            elif kind == REQUEST:
                groups = [{"groupKey": name} for name in body["data"].get("groupKey", [])]
                await self._send(frame_bytes(RESPONSE, sequence, {"result": 0, "desc": "done", "data": groups}, version))


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
