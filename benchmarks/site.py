"""A site to measure: a broker, one system, its terminals, and a witness of what is published; and the check that nothing was lost."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.broker import PUBLISHED_BYTES, Broker
from benchmarks.crowd import Crowd, Terminal
from benchmarks.frames import Recognition
from benchmarks.inspection import Inspection
from benchmarks.loop import Loop
from benchmarks.measures import Metrics
from benchmarks.mqtt import Client
from benchmarks.processes import Cores, Program, machine_cpu_s
from benchmarks.systems import System
from benchmarks.tally import Tally

EVENTS = ("qyzn/+/event/recognition", "qyzn/+/event_replay/recognition")
IMAGES = "qyzn/+/image/recognition"
RESPONSES = "qyzn/+/response/open_door"
OTHERS = ("qyzn/+/+", "qyzn/+/config/+", "homeassistant/#")
"""With those above, all that is published to the broker."""
EVENT_LEVELS = frozenset({"event", "event_replay"})
INSPECTED_TERMINALS, INSPECTED_EVENTS = 100, 200
SETTLE_S = 30.0
CALM_WITHIN_S = 90.0
CALM_LOOK_S = 0.1
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

    def shares(self, later: Reading) -> Metrics:
        """How much of a core each took, until then."""
        percent = 100 / (later.at - self.at)
        return {
            "cpu_percent": percent * (later.system_cpu_s - self.system_cpu_s),
            "broker_cpu_percent": percent * (later.broker_cpu_s - self.broker_cpu_s),
            "load_cpu_percent": percent * (later.load_cpu_s - self.load_cpu_s),
        }

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
        self.seen = 0
        self._tally = Tally()
        self._inspection: Inspection | None = None
        witness.arrived = self._arrived

    def read(self) -> Reading:
        """Now."""
        system_cpu_s, broker_cpu_s = self.program.cpu_s(), self.broker.cpu_s()
        load_cpu_s, machine_s = time.process_time(), machine_cpu_s()
        return Reading(time.perf_counter(), self.crowd.answered, self.seen, system_cpu_s, broker_cpu_s, load_cpu_s, machine_s)

    def settle(self) -> float:
        """Wait until the system has done what it does after logins: reading each terminal's configuration, say. Returns how long it was at
        it, in seconds. TimeoutError: much longer than it should."""
        calm_s = self.system.calm_s
        started = time.perf_counter()
        looks = deque([(started, self.program.cpu_s())], maxlen=1 + round(calm_s / CALM_LOOK_S))
        while time.perf_counter() - started < CALM_WITHIN_S:
            self.loop.run(CALM_LOOK_S)
            looks.append((time.perf_counter(), self.program.cpu_s()))
            since, cpu_s = looks[0]
            if len(looks) == looks.maxlen and looks[-1][1] - cpu_s < CALM_CPU * calm_s:
                return since - started
        raise TimeoutError(f"{self.system.name} does not come to rest")

    def report(self, recognition: Recognition) -> None:
        """Have the terminals report this from now on. Nobody listens any more."""
        self.crowd.recognition = recognition
        self.on_response = self.on_event = self.crowd.on_answer = _nobody

    def verify(self) -> None:
        """Have some terminals report some events, and look at all that comes of them. Raises Mismatch."""
        self._inspection = inspection = Inspection(self.crowd.recognition.picture_bytes)
        self.witness.subscribe(IMAGES)
        some = self.crowd.terminals[:INSPECTED_TERMINALS]
        for _ in range(0, INSPECTED_EVENTS, len(some)):
            for terminal in some:
                terminal.report(inspection.body(terminal.serial), time.perf_counter())
            self.crowd.rest()
            if not self._wait_for_events():
                break
        self._compare_events()
        self.witness.unsubscribe(IMAGES)
        self._inspection = None
        if inspection.faults:
            raise Mismatch(f"{self.system.name}: {len(inspection.faults)} faults in {inspection.looked_at} events; {inspection.faults[0]}")

    def stop_broker(self) -> None:
        """With everybody's sessions kept. Nobody may wait for an answer."""
        self.check()
        self.broker.stop()
        self._tally.broker_stopped(self.crowd.answered_bytes)

    def start_broker(self) -> None:
        """And have the witness be there, before anybody else if it can."""
        self.broker.start()
        self.witness.connect()

    def check(self) -> None:
        """Let everything come to rest, and see that what was answered was published, each event and each picture once. Raises Mismatch,
        TimeoutError."""
        self.crowd.rest()
        self._wait_for_events()
        self._compare_events()
        self._count_pictures()

    def _wait_for_events(self) -> bool:
        return self.loop.run(SETTLE_S, lambda: self.seen >= self.crowd.answered)

    def _compare_events(self) -> None:
        for terminal in self.crowd.terminals:
            lost = set(terminal.answered) - set(terminal.seen)
            if lost or len(terminal.seen) != len(terminal.answered):
                what = f"{len(terminal.answered)} events of {terminal.serial} were answered, {len(terminal.seen)} published"
                raise Mismatch(f"{self.system.name}: {what}; missing: {sorted(lost)[:5]}")

    def _count_pictures(self) -> None:
        """By their bytes, which the broker tells a second later."""
        size = self.crowd.recognition.picture_bytes
        if size and not self.loop.run(SETTLE_S, lambda: abs(self._surplus_bytes) < size / 2):
            what = "more were published than that" if self._surplus_bytes > 0 else "of them never came to the broker"
            answered = f"pictures of {self.crowd.answered_bytes} bytes were answered"
            raise Mismatch(f"{self.system.name}: {answered}; {abs(self._surplus_bytes)} bytes {what}")

    @property
    def _surplus_bytes(self) -> int:
        return self._tally.surplus_bytes(self.crowd.answered_bytes)

    def _arrived(self, topic: str, payload: bytes) -> None:
        if topic == PUBLISHED_BYTES:
            self._tally.broker_told(int(payload))
            return
        _, serial, what, *_ = *topic.split("/"), ""
        if what == "image":
            if self._inspection is not None:
                self._inspection.picture_seen(serial, payload)
            return
        self._tally.was_seen(payload)
        terminal = self.crowd.by_serial.get(serial)
        if terminal is None:
            return  # the bridge's own, or an announcement
        if what in EVENT_LEVELS:
            self._event_seen(terminal, payload)
        elif what == "response":
            self.on_response(terminal, payload)

    def _event_seen(self, terminal: Terminal, payload: bytes) -> None:
        found = _SEQUENCE.search(payload)
        if found is None:
            raise Mismatch(f"{self.system.name}: an event without its sequence: {payload!r}")
        sequence = int(found[1])
        terminal.seen.append(sequence)
        self.seen += 1
        if self._inspection is not None:
            self._inspection.event_seen(terminal.serial, payload)
        self.on_event(terminal, sequence)


@contextmanager
def open_site(
    system: System, directory: Path, cores: Cores, terminals: int, *, session: bool = False, counts_pictures: bool = True
) -> Iterator[Site]:
    """Start all that it takes, and stop it at the end. With a `session`, the witness misses nothing while the broker is away. To count pictures,
    it has to see everything else. RuntimeError: the broker or the system does not start."""
    with ExitStack() as ends:
        loop = Loop()
        ends.callback(loop.close)
        broker = Broker(directory / "mosquitto", cores.others)
        ends.callback(broker.stop)
        broker.start()
        witness = Client(loop, broker.port, "witness", session=session)
        ends.callback(witness.close)
        witness.connect()
        witness.subscribe(*EVENTS, RESPONSES, PUBLISHED_BYTES, *(OTHERS if counts_pictures else ()))
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
