"""A site to measure: a broker, one system, its terminals, and a witness of what is published; and the check that nothing was lost."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks.broker import PUBLISHED_BYTES, Broker
from benchmarks.crowd import Crowd, Terminal
from benchmarks.frames import Recognition
from benchmarks.loop import Loop
from benchmarks.mqtt import Client
from benchmarks.processes import Cores
from benchmarks.systems import System

EVENTS = ("qyzn/+/event/recognition", "qyzn/+/event_replay/recognition")
IMAGES = "qyzn/+/image/recognition"
SETTLE_S = 30.0
CALM_CPU = 0.05  # of its core: what is left to do after the logins is done
_SEQUENCE = re.compile(rb'"sequence": ?(\d+)')


class Mismatch(Exception):
    """What was answered and what was published differ: the run counts for nothing."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What was used by some moment, in seconds, and how many events were answered and seen by the witness."""

    at: float
    answered: int
    seen: int
    system_cpu_s: float
    broker_cpu_s: float
    load_cpu_s: float


class Site:
    """One run, from here to the end of the `with`. `terminals` are created, not yet connected. `on_response` is called with each response
    to a command: the terminal and the payload; `on_event` with each event that the witness sees: the terminal and the sequence."""

    def __init__(self, system: System, directory: Path, cores: Cores, terminals: int, *, session: bool = False) -> None:
        self.system = system
        self.loop = Loop()
        self.broker = Broker(directory / "mosquitto", cores.others)
        self.on_response: Callable[[Terminal, bytes], None] = _nobody
        self.on_event: Callable[[Terminal, int], None] = _nobody
        self.published_bytes = 0
        """To this run of the broker."""
        self._bytes_before = 0
        self.seen = 0
        self._pictures: dict[str, bytes] = {}
        self.witness = Client(self.loop, self.broker.port, "witness", self._arrived, session=session)
        self.witness.connect()
        self.witness.subscribe(*EVENTS, PUBLISHED_BYTES, "qyzn/+/response/open_door")
        self.program, port = system.start(self.broker.port, directory / system.name, cores.measured)
        self.crowd = Crowd(self.loop, port, terminals)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if error is not None and hasattr(self, "program"):
            error.add_note(f"{self.system.name} wrote:\n{self.program.log[-3000:]}")
        for terminal in self.crowd.terminals:
            if terminal.is_joined:
                terminal.leave()
        self.witness.close()
        self.program.stop()
        self.broker.stop()
        self.loop.close()

    def read(self) -> Reading:
        """Now."""
        crowd, system, broker = self.crowd, self.program, self.broker.program
        return Reading(time.perf_counter(), crowd.answered, self.seen, system.cpu_s(), broker.cpu_s(), time.process_time())

    def settle(self) -> float:
        """Wait until the system has done what it does after logins: reading each terminal's configuration, say. Returns how long it was at
        it, in seconds. TimeoutError: much longer than it should."""
        started = time.perf_counter()
        while time.perf_counter() - started < SETTLE_S:
            cpu_s = self.program.cpu_s()
            self.loop.run(self.system.calm_s)
            if self.program.cpu_s() - cpu_s < CALM_CPU * self.system.calm_s:
                return time.perf_counter() - started - self.system.calm_s
        raise TimeoutError(f"{self.system.name} does not come to rest")

    def report(self, recognition: Recognition) -> None:
        """Have the terminals report this from now on. Nobody listens any more."""
        self.crowd.recognition = recognition
        self.on_response = self.on_event = self.crowd.on_answer = _nobody

    def verify(self, most: int = 20) -> None:
        """Have some terminals report, one event each, and look at all that comes of it: the picture, as it was taken, and then its event.
        Raises Mismatch."""
        self._pictures.clear()
        self.witness.subscribe(IMAGES)
        some = self.crowd.terminals[:most]
        for terminal in some:
            self.crowd.report(terminal)
        self.check()
        self.witness.unsubscribe(IMAGES)
        for terminal in some:
            if self._pictures.get(terminal.serial) != self.crowd.recognition.jpeg:
                raise Mismatch(f"{self.system.name}: the picture of {terminal.serial} is not what it took, or came after its event")

    def stop_broker(self) -> None:
        """With everybody's sessions kept. Nobody may wait for an answer."""
        self.check()
        self.broker.stop()
        self._bytes_before = self.crowd.answered_bytes

    def start_broker(self) -> None:
        """And have the witness be there, before anybody else if it can."""
        self.published_bytes = 0
        self.broker.start()
        self.witness.connect()

    def check(self) -> None:
        """Let everything come to rest, and see that what was answered was published, each event once. Raises Mismatch, TimeoutError."""
        self.crowd.rest()
        self.loop.run(SETTLE_S, lambda: self.seen >= self.crowd.answered)
        for terminal in self.crowd.terminals:
            lost = set(terminal.answered) - set(terminal.seen)
            if lost or len(terminal.seen) != len(terminal.answered):
                what = f"{len(terminal.answered)} events of {terminal.serial} were answered, {len(terminal.seen)} published"
                raise Mismatch(f"{self.system.name}: {what}; missing: {sorted(lost)[:5]}")
        least = self.crowd.answered_bytes - self._bytes_before
        if not self.loop.run(SETTLE_S, lambda: self.published_bytes >= least):
            raise Mismatch(f"{self.system.name}: pictures of {least} bytes were answered, {self.published_bytes} bytes published")

    def _arrived(self, topic: str, payload: bytes) -> None:
        if topic == PUBLISHED_BYTES:
            self.published_bytes = int(payload)
            return
        _, serial, what, _ = topic.split("/")
        terminal = self.crowd.by_serial[serial]
        if what == "response":
            self.on_response(terminal, payload)
        elif what == "image":
            self._pictures.setdefault(serial, payload)
        else:
            found = _SEQUENCE.search(payload)
            if found is None:
                raise Mismatch(f"{self.system.name}: an event without its sequence: {payload!r}")
            if serial not in self._pictures:
                self._pictures[serial] = b""  # whatever picture comes now is too late
            sequence = int(found[1])
            terminal.seen.append(sequence)
            self.seen += 1
            self.on_event(terminal, sequence)


def _nobody(*_: object) -> None:
    """Listens."""
