"""A site to measure: a broker, one system, its terminals, and a witness of what is published; and the check that nothing was lost."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.broker import PUBLISHED_BYTES, Broker
from benchmarks.crowd import Crowd, Terminal
from benchmarks.frames import Recognition
from benchmarks.loop import Loop
from benchmarks.mqtt import Client
from benchmarks.processes import Cores, Program, machine_cpu_s
from benchmarks.systems import System

EVENTS = ("qyzn/+/event/recognition", "qyzn/+/event_replay/recognition")
IMAGES = "qyzn/+/image/recognition"
SETTLE_S = 30.0
LAST_WORDS = 3000  # bytes of a log that are shown when something went wrong
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
    machine_cpu_s: float

    def others_percent(self, later: Reading) -> float:
        """How much of the machine went to what has nothing to do with this, until then."""
        ours_s = later.system_cpu_s + later.broker_cpu_s + later.load_cpu_s - self.system_cpu_s - self.broker_cpu_s - self.load_cpu_s
        others_s = later.machine_cpu_s - self.machine_cpu_s - ours_s
        return max(0.0, 100 * others_s / (later.at - self.at) / (os.cpu_count() or 1))


class Site:
    """What runs, and what was seen of it. `terminals` are created, not yet connected. `on_response` is called with each response to a
    command: the terminal and the payload; `on_event` with each event that the witness sees: the terminal and the sequence."""

    def __init__(self, system: System, loop: Loop, broker: Broker, witness: Client, program: Program, crowd: Crowd) -> None:
        self.system = system
        self.loop = loop
        self.broker = broker
        self.witness = witness
        self.program = program
        self.crowd = crowd
        self.on_response: Callable[[Terminal, bytes], None] = _nobody
        self.on_event: Callable[[Terminal, int], None] = _nobody
        self.published_bytes = 0
        """To this run of the broker."""
        self.seen = 0
        self._seen_bytes = 0
        """Of events, from this run of the broker."""
        self._other_bytes = 0
        """What was published to it beside events and pictures, as far as that is known; at least so much."""
        self._bytes_before = 0
        self._pictures: dict[str, bytes] = {}
        witness.arrived = self._arrived

    def read(self) -> Reading:
        """Now."""
        system_cpu_s, broker_cpu_s = self.program.cpu_s(), self.broker.cpu_s()
        load_cpu_s, machine_s = time.process_time(), machine_cpu_s()
        return Reading(time.perf_counter(), self.crowd.answered, self.seen, system_cpu_s, broker_cpu_s, load_cpu_s, machine_s)

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
        self._other_bytes = max(self._other_bytes, self.published_bytes - self._bytes_of_events())
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
        self._seen_bytes = self._other_bytes = 0

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
        least = self._other_bytes + self._bytes_of_events()
        if not self.loop.run(SETTLE_S, lambda: self.published_bytes >= least):
            missing = f"{least - self.published_bytes} bytes of them never came to the broker"
            raise Mismatch(f"{self.system.name}: pictures of {self.crowd.answered_bytes} bytes were answered; {missing}")

    def _bytes_of_events(self) -> int:
        """Of what was published with those that were answered, and their pictures, in this run of the broker. It says so a second later."""
        return self.crowd.answered_bytes - self._bytes_before + self._seen_bytes

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
            self._seen_bytes += len(payload)
            self.on_event(terminal, sequence)


@contextmanager
def open_site(system: System, directory: Path, cores: Cores, terminals: int, *, session: bool = False) -> Iterator[Site]:
    """Start all that it takes, and stop it at the end. With a `session`, the witness misses nothing while the broker is away. RuntimeError: the
    broker or the system does not start."""
    with ExitStack() as ends:
        loop = Loop()
        ends.callback(loop.close)
        broker = Broker(directory / "mosquitto", cores.others)
        ends.callback(broker.stop)
        broker.start()
        witness = Client(loop, broker.port, "witness", session=session)
        ends.callback(witness.close)
        witness.connect()
        witness.subscribe(*EVENTS, PUBLISHED_BYTES, "qyzn/+/response/open_door")
        program, port = system.start(broker.port, directory / system.name, cores.measured)
        ends.callback(program.stop)
        crowd = Crowd(loop, port, terminals)
        ends.callback(crowd.leave)
        try:
            yield Site(system, loop, broker, witness, program, crowd)
        except Exception as error:
            error.add_note(f"{system.name} wrote:\n{program.log[-LAST_WORDS:]}")
            raise


def _nobody(*_: object) -> None:
    """Listens."""
