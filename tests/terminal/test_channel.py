"""One connection's bytes, over transports of strings; what goes past their buffer is in test_writing, with real sockets."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport

from bridge.terminal.channel import CLOSE_S, Channel


class Reader:
    """Whose channel it is: counts how often it was told to read on."""

    told = 0

    def read_on(self) -> None:
        self.told += 1


class Line:
    """A channel that is open."""

    def __init__(self) -> None:
        self.clock, self.reader, self.transport = Clock(), Reader(), StringTransport()
        self.channel = Channel(self.clock, self.reader)
        self.channel.open(self.transport)

    def is_read(self) -> bool:
        return self.transport.producerState == "producing"


@pytest.fixture
def line() -> Line:
    return Line()


def test_what_is_written_goes_out_in_order(line: Line) -> None:
    line.channel.write(b"one")
    line.channel.write(b"two")
    assert line.transport.value() == b"onetwo"


def test_what_is_written_while_the_peer_does_not_read_is_counted_until_it_does(line: Line) -> None:
    line.channel.write(b"before")
    assert line.channel.unread_bytes == 0
    line.channel.pauseProducing()
    line.channel.write(b"one")
    line.channel.write(b"four")
    assert line.channel.unread_bytes == 7
    line.channel.resumeProducing()
    line.channel.write(b"after")
    assert line.channel.unread_bytes == 0


def test_the_bridges_own_reasons_are_told_from_the_peers(line: Line) -> None:
    line.channel.pauseProducing()
    assert (line.channel.is_paused, line.channel.is_held) == (True, False)
    line.channel.pause("disk")
    assert (line.channel.is_paused, line.channel.is_held) == (True, True)
    line.channel.resumeProducing()
    assert not line.is_read()
    assert line.reader.told == 0
    line.channel.resume("disk")
    assert line.is_read()
    assert line.reader.told == 1


def test_a_reason_that_was_none_does_not_matter(line: Line) -> None:
    line.channel.resume("disk")
    line.channel.resumeProducing()
    assert line.is_read()
    assert line.reader.told == 0


def test_a_peer_that_does_not_read_cannot_keep_a_connection_that_is_closed(line: Line) -> None:
    line.channel.close()
    assert line.transport.disconnecting
    assert line.transport.producer is None
    (abort,) = line.clock.getDelayedCalls()
    assert abort.getTime() == CLOSE_S
    line.clock.advance(CLOSE_S)
    assert line.transport.disconnected


def test_no_timer_is_left_when_it_is_lost(line: Line) -> None:
    line.channel.pause_for(9.0, lambda: None)
    line.channel.close()
    line.channel.lost()
    assert line.clock.getDelayedCalls() == []


def test_nothing_happens_to_one_that_is_lost(line: Line) -> None:
    line.channel.lost()
    line.channel.write(b"too late")
    line.channel.close()
    line.channel.abort()
    line.channel.pauseProducing()
    line.channel.resumeProducing()
    assert line.transport.value() == b""
    assert not line.transport.disconnecting
    assert not line.transport.disconnected
    assert line.is_read()
    assert line.reader.told == 0
    assert line.clock.getDelayedCalls() == []
