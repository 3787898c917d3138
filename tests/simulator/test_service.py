"""A terminal from start to stop: dialling, visits, what is logged, and that nothing is left behind."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from random import Random
from typing import cast

import pytest
from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.internet.error import ConnectionRefusedError as Refused
from twisted.internet.interfaces import IProtocol, IProtocolFactory, IStreamClientEndpoint
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from twisted.python.failure import Failure
from zope.interface import implementer

from bridge.simulator.acting import RESTART_S
from bridge.simulator.identity import Credentials
from bridge.simulator.manners import Manners
from bridge.simulator.protocol import TerminalProtocol
from bridge.simulator.service import GOODBYE_S, Surroundings, TerminalService
from bridge.wire import Framer, MessageType, encode_frame, request_body, response_body
from tests.simulator.talk import CREDENTIALS, Said, new_terminal, said


@implementer(IStreamClientEndpoint)
@dataclass
class Bridges:
    """An endpoint whose connections the test makes, one after the other; `transports` are those that came about."""

    dials: list[tuple[IProtocolFactory, Deferred[IProtocol]]] = field(default_factory=list)
    cancelled: int = 0

    def connect(self, protocolFactory: IProtocolFactory) -> Deferred[IProtocol]:  # noqa: N803
        dialled: Deferred[IProtocol] = Deferred(self._cancel)
        self.dials.append((protocolFactory, dialled))
        return dialled

    def _cancel(self, dialled: Deferred[IProtocol]) -> None:
        self.cancelled += 1

    def refuse(self) -> None:
        self.dials.pop()[1].errback(Failure(Refused("nobody there")))

    def accept(self) -> Bridge:
        factory, dialled = self.dials.pop()
        protocol = cast("TerminalProtocol", factory.buildProtocol(IPv4Address("TCP", "127.0.0.1", 8899)))
        bridge = Bridge(protocol)
        protocol.makeConnection(bridge.transport)
        dialled.callback(protocol)
        return bridge


class Bridge:
    """The other end of one connection."""

    def __init__(self, protocol: TerminalProtocol) -> None:
        self.protocol = protocol
        self.transport = StringTransport()
        self._framer = Framer(8 << 20)

    def said(self) -> list[Said]:
        frames = said(self._framer, self.transport.value())
        self.transport.clear()
        return frames

    def answer(self, request: Said, result: int = 0, data: dict[str, object] | None = None) -> None:
        self.protocol.dataReceived(encode_frame(MessageType.RESPONSE, request.sequence, 0, response_body(result, "", data or {})))

    def log_in(self) -> None:
        [login] = self.said()
        assert login.name == "login"
        self.answer(login)
        [sync_time, *_] = self.said()
        self.answer(sync_time)

    def hang_up(self, reason: str = "gone") -> None:
        self.protocol.connectionLost(Failure(OSError(reason)))


class Run:
    """A terminal that runs."""

    def __init__(
        self,
        credentials: Credentials | None = CREDENTIALS,
        every_s: float = 10.0,
        start_after_s: float = 0.0,
        ring_s: float = 0.0,
        scan_s: float = 0.0,
    ) -> None:
        self.clock = Clock()
        self.bridges = Bridges()
        self.saved: list[tuple[str, Credentials]] = []
        self.terminal = new_terminal(credentials, wall=self.clock.seconds)
        surroundings = Surroundings(self.clock, self.bridges, self.save, Manners(), every_s, ring_s, scan_s, "12")
        self.service = TerminalService(surroundings, self.terminal, Random(1), start_after_s)
        self.service.startService()
        self.clock.advance(0)

    def save(self, serial: str, credentials: Credentials) -> None:
        self.saved.append((serial, credentials))


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What is logged, as a person reads it."""
    written: list[str] = []

    @implementer(ILogObserver)
    def write(event: LogEvent) -> None:
        if event.get("log_namespace") == "qyzn-terminal":
            written.append(formatEvent(event))

    globalLogPublisher.addObserver(write)
    yield written
    globalLogPublisher.removeObserver(write)


def stopped(run: Run) -> bool:
    done: list[None] = []
    run.service.stopService().addCallback(done.append)
    return bool(done)


def test_new_credentials_are_kept(lines: list[str]) -> None:
    run = Run(credentials=None, every_s=0)
    bridge = run.bridges.accept()
    bridge.answer(bridge.said()[0], data={"uuid": "u1", "passwd": "p-secret"})
    bridge.answer(bridge.said()[0])
    assert run.saved == [("DEMO0001", Credentials("u1", "p-secret"))]
    assert lines == ["DEMO0001 registered", "DEMO0001 logged in"]


def test_credentials_that_cannot_be_kept_are_told_of(lines: list[str]) -> None:
    run = Run(credentials=None, every_s=0)

    def full(serial: str, credentials: Credentials) -> None:
        raise OSError(28, "No space left on device")

    run.service._around = Surroundings(run.clock, run.bridges, full, Manners(), 0)
    bridge = run.bridges.accept()
    bridge.answer(bridge.said()[0], data={"uuid": "u1", "passwd": "p1"})
    assert lines[-1] == "DEMO0001 cannot keep its credentials: No space left on device"


def test_people_come_at_uneven_intervals(lines: list[str]) -> None:
    run = Run()
    bridge = run.bridges.accept()
    bridge.log_in()
    moments: list[float] = []
    for _ in range(1000):
        run.clock.advance(0.1)
        for frame in bridge.said():
            if frame.name == "snapshot_face":
                moments.append(run.clock.seconds())
            bridge.answer(frame)
    gaps = [after - before for before, after in pairwise(moments)]
    assert 7 <= len(moments) <= 15
    assert all(6.9 <= gap <= 13.2 for gap in gaps)
    assert max(gaps) - min(gaps) > 1
    assert sum(": match" in line for line in lines) > 0
    assert all(line.startswith("DEMO0001 recognises ") for line in lines[1:])


def test_it_rings_and_says_how_the_call_went(lines: list[str]) -> None:
    run = Run(every_s=0, ring_s=30)
    run.clock.advance(100)
    bridge = run.bridges.accept()
    run.clock.advance(60)
    assert lines == [], "it does not ring while nobody would hear it"
    bridge.hang_up()
    run.clock.advance(1)
    bridge = run.bridges.accept()
    bridge.log_in()
    lines[:] = lines[-1:]
    asked: list[Said] = []
    for _ in range(400):
        run.clock.advance(0.1)
        asked += (frames := bridge.said())
        for frame in frames:
            bridge.answer(frame, data={"calleds": [{"userId": "u", "token": "t"}]})
    rings = [frame for frame in asked if frame.name == "device_call_param"]
    results = [frame for frame in asked if frame.name == "device_call_result"]
    assert {ring.data["callNo"] for ring in rings} == {"12"}
    assert all(base64.b64decode(ring.data["picture"]).startswith(b"\xff\xd8") for ring in rings)
    assert [result.data["callRequestId"] for result in results] == [ring.data["callRequestId"] for ring in rings]
    assert lines[1:3] == ["DEMO0001 rings at flat 12", "DEMO0001 is told to call 1 people: 0"]


def test_it_scans_and_obeys(lines: list[str]) -> None:
    run = Run(every_s=0, scan_s=10)
    bridge = run.bridges.accept()
    bridge.log_in()
    contents = set()
    for opendoor in (1, 0):
        scans: list[Said] = []
        while not (scans := [frame for frame in bridge.said() if frame.name == "qrcode_data"]):
            run.clock.advance(0.1)
        contents.add(scans[0].data["content"])
        bridge.answer(scans[0], data={"opendoor": opendoor})
    assert len(contents) == 2
    assert lines[1:] == [
        "DEMO0001 scans a code",
        "DEMO0001 opens the door, as its code was answered",
        "DEMO0001 scans a code",
        "DEMO0001 keeps the door shut, as its code was answered",
    ]


def test_it_restarts_and_comes_back_after_a_moment(lines: list[str]) -> None:
    run = Run(every_s=0)
    bridge = run.bridges.accept()
    bridge.log_in()
    bridge.protocol.dataReceived(encode_frame(MessageType.REQUEST, 5, 0, request_body("device_restart", {})))
    [response] = bridge.said()
    assert (response.type, response.body.result) == (MessageType.RESPONSE, 0)
    assert bridge.transport.disconnecting
    bridge.hang_up()
    run.clock.advance(RESTART_S - 0.1)
    assert run.bridges.dials == []
    run.clock.advance(0.1)
    run.bridges.accept().log_in()
    assert lines[1:] == [
        "DEMO0001 answers device_restart with 0",
        "DEMO0001 is disconnected (restarts), connects again in 3.0 s",
        "DEMO0001 logged in",
    ]


def test_who_opens_the_door_is_said(lines: list[str]) -> None:
    run = Run(every_s=1)
    run.terminal.settings.remote_mode = 2
    run.clock.advance(2)
    assert lines[0].endswith(", and leaves the door to the bridge")


def test_nobody_comes_when_there_is_no_interval() -> None:
    run = Run(every_s=0)
    bridge = run.bridges.accept()
    bridge.log_in()
    for _ in range(200):
        run.clock.advance(1)
        for frame in bridge.said():
            bridge.answer(frame)
    assert len(run.terminal.records) == 0


def test_a_terminal_never_let_in_keeps_no_records() -> None:
    run = Run(credentials=None, every_s=1)
    run.bridges.refuse()
    run.clock.pump([1.0] * 10)
    assert len(run.terminal.records) == 0


def test_while_the_bridge_is_away_records_are_kept_and_then_sent() -> None:
    run = Run(every_s=1)
    run.bridges.accept().log_in()
    first = run.bridges
    run.service._protocol.abort()  # type: ignore[union-attr]
    run.service._protocol.connectionLost()  # type: ignore[union-attr]
    run.clock.pump([0.5] * 20)
    kept = len(run.terminal.records)
    assert kept > 3
    bridge = first.accept()
    bridge.answer(bridge.said()[0])
    sent = 0
    while frames := [frame for frame in bridge.said() if frame.name == "snapshot_face"]:
        bridge.answer(frames[0])
        sent += 1
    assert sent == kept


def test_it_dials_again_with_growing_waits_and_says_so_once(lines: list[str]) -> None:
    run = Run(every_s=0)
    waits = []
    for _ in range(10):
        run.bridges.refuse()
        [dial] = run.clock.getDelayedCalls()
        waits.append(dial.getTime() - run.clock.seconds())
        run.clock.advance(waits[-1])
    assert waits[0] <= 1.0
    assert max(waits[6:]) > 10
    assert lines == ["DEMO0001 cannot connect, and keeps trying: Connection was refused by other side: nobody there."]


def test_lost_it_comes_back(lines: list[str]) -> None:
    run = Run(every_s=0)
    for _ in range(5):
        bridge = run.bridges.accept()
        bridge.log_in()
        bridge.hang_up()
        run.clock.advance(1.0)
    assert len(run.bridges.dials) == 1
    assert lines[0] == "DEMO0001 logged in"
    assert lines[1].startswith("DEMO0001 is disconnected (gone), connects again in 0.")


def test_told_to_wait_long_it_comes_back_then(lines: list[str]) -> None:
    run = Run(credentials=None, every_s=0)
    bridge = run.bridges.accept()
    bridge.answer(bridge.said()[0], 109, {"waitSeconds": 300})
    bridge.hang_up()
    run.clock.advance(299)
    assert run.bridges.dials == []
    run.clock.advance(1)
    assert len(run.bridges.dials) == 1
    assert lines[0] == "DEMO0001 is told to wait: register again in 300 s"


def test_it_stops_with_a_logout() -> None:
    run = Run()
    bridge = run.bridges.accept()
    bridge.log_in()
    done: list[None] = []
    run.service.stopService().addCallback(done.append)
    [logout] = bridge.said()
    assert (logout.name, done) == ("logout", [])
    bridge.answer(logout)
    bridge.hang_up()
    assert done == [None]
    assert run.clock.getDelayedCalls() == []


def test_a_bridge_that_does_not_answer_the_logout_is_left() -> None:
    run = Run()
    bridge = run.bridges.accept()
    bridge.log_in()
    assert not stopped(run)
    run.clock.advance(GOODBYE_S)
    assert bridge.transport.disconnected
    bridge.hang_up()
    assert run.clock.getDelayedCalls() == []


@pytest.mark.parametrize("connected", ["not yet", "dialling", "refused"])
def test_it_stops_at_once_when_there_is_no_connection(connected: str) -> None:
    run = Run(start_after_s=5.0 if connected == "not yet" else 0.0)
    if connected == "refused":
        run.bridges.refuse()
    assert stopped(run)
    assert run.clock.getDelayedCalls() == []
    assert run.bridges.cancelled == (connected == "dialling")
    run.clock.advance(100)
    assert len(run.bridges.dials) == (connected == "dialling")
