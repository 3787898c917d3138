"""A conversation on a transport in memory: bytes, the timer, and how a connection ends."""

from __future__ import annotations

import pytest
from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from bridge.simulator.conversation import Conversation
from bridge.simulator.happenings import DoorOpened, Ended, Happening, LoggedIn
from bridge.simulator.manners import Manners
from bridge.simulator.protocol import CLOSE_S, TerminalProtocol
from bridge.wire import Framer, MessageType, encode_frame, request_body, response_body
from tests.simulator.talk import Said, new_terminal, said


class Connection:
    """A protocol on a StringTransport, whose other end is the test."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.terminal = new_terminal(wall=self.clock.seconds)
        self.told: list[Happening] = []
        self.lost: list[Ended] = []
        self.transport = StringTransport()
        self.protocol = TerminalProtocol(self.clock, self._opened, self.told.append, self.lost.append)
        self._framer = Framer(8 << 20)
        self.protocol.makeConnection(self.transport)

    def _opened(self, protocol: TerminalProtocol) -> Conversation:
        return Conversation(self.terminal, Manners(), self.clock.seconds())

    def said(self) -> list[Said]:
        frames = said(self._framer, self.transport.value())
        self.transport.clear()
        return frames

    def gone(self) -> None:
        self.protocol.connectionLost(Failure(ConnectionDone()))


def success(request: Said) -> bytes:
    return encode_frame(MessageType.RESPONSE, request.sequence, 0, response_body(0, "", {}))


@pytest.fixture
def connection() -> Connection:
    return Connection()


@pytest.fixture
def logged_in(connection: Connection) -> Connection:
    [login] = connection.said()
    connection.protocol.dataReceived(success(login))
    connection.said()
    connection.told.clear()
    return connection


def test_it_speaks_first_and_hears_byte_by_byte(connection: Connection) -> None:
    [login] = connection.said()
    assert login.name == "login"
    command = encode_frame(MessageType.REQUEST, 9, 0, request_body("open_door", {}))
    for byte in success(login) + command:
        connection.protocol.dataReceived(bytes([byte]))
    assert connection.told == [LoggedIn(), DoorOpened("as commanded")]
    assert [frame.name for frame in connection.said()] == ["sync_time", None]


def test_one_timer_keeps_all_deadlines(connection: Connection) -> None:
    connection.said()
    assert len(connection.clock.getDelayedCalls()) == 1
    connection.clock.advance(20)
    assert [frame.name for frame in connection.said()] == ["login"]
    connection.clock.advance(5)
    assert [frame.type for frame in connection.said()] == [MessageType.HEARTBEAT]
    assert len(connection.clock.getDelayedCalls()) == 1


def test_a_record_is_sent(logged_in: Connection) -> None:
    logged_in.terminal.recognise()
    logged_in.protocol.send_records()
    assert [frame.name for frame in logged_in.said()] == ["snapshot_face"]


def test_it_leaves(logged_in: Connection) -> None:
    logged_in.protocol.leave()
    [logout] = logged_in.said()
    logged_in.protocol.dataReceived(success(logout))
    assert logged_in.transport.disconnecting
    logged_in.gone()
    assert logged_in.lost == [Ended("logged out")]
    assert logged_in.clock.getDelayedCalls() == []


def test_not_a_qyzn_bridge(connection: Connection) -> None:
    connection.protocol.dataReceived(b"SSH-2.0-OpenSSH")
    assert connection.transport.disconnecting
    connection.protocol.dataReceived(b"more of it")
    connection.gone()
    assert connection.lost == [Ended("not a QYZN frame: it starts with 0x5353482d")]


def test_a_peer_that_does_not_let_go_is_left(connection: Connection) -> None:
    connection.protocol.dataReceived(b"nonsense")
    connection.clock.advance(CLOSE_S)
    assert connection.transport.disconnected


def test_lost_by_the_other_side(logged_in: Connection) -> None:
    logged_in.gone()
    [ended] = logged_in.lost
    assert "closed cleanly" in ended.reason
    assert logged_in.clock.getDelayedCalls() == []
    logged_in.protocol.send_records()
    logged_in.protocol.leave()
    assert logged_in.said() == []
