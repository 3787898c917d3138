"""How long what is sent may lie on the way, as the kernel has it of a real connection."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from bridge.terminal.stalls import Stalls

pytestmark = pytest.mark.skipif(not hasattr(socket, "TCP_USER_TIMEOUT"), reason="needs a kernel that gives up connections in time")


@dataclass
class Line:
    """A transport, as far as Stalls looks at it."""

    socket: socket.socket

    @property
    def bound_ms(self) -> int:
        """0: none."""
        return self.socket.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT)


@pytest.fixture
def line() -> Iterator[Line]:
    with socket.socket() as connection:
        yield Line(connection)


def test_a_door_command_may_lie_on_the_way_until_it_is_stale(line: Line) -> None:
    Stalls().sending(line, 100.0, 10.0)
    assert line.bound_ms == 10_000


def test_what_opens_no_door_may_take_its_time(line: Line) -> None:
    Stalls().sending(line, 100.0, None)
    assert line.bound_ms == 0


def test_that_is_so_again_when_no_door_command_is_left(line: Line) -> None:
    stalls = Stalls()
    stalls.sending(line, 100.0, 10.0)
    stalls.sending(line, 109.0, None)
    assert line.bound_ms == 10_000
    stalls.sending(line, 110.0, None)
    assert line.bound_ms == 0


def test_of_several_door_commands_the_one_that_is_stale_first_counts(line: Line) -> None:
    stalls = Stalls()
    stalls.sending(line, 100.0, 5.0)
    stalls.sending(line, 101.0, 60.0)
    assert line.bound_ms == 5_000
    stalls.sending(line, 102.0, 3.0)
    assert line.bound_ms == 3_000
    stalls.sending(line, 160.0, None)
    assert line.bound_ms == 3_000
    stalls.sending(line, 161.0, 20.0)
    assert line.bound_ms == 20_000


def test_a_packet_that_is_lost_once_is_no_stall(line: Line) -> None:
    Stalls().sending(line, 100.0, 0.05)
    assert line.bound_ms == 1_000


def test_a_connection_that_is_no_tcp_or_gone_does_not_matter() -> None:
    ours, theirs = socket.socketpair()
    Stalls().sending(Line(ours), 100.0, 10.0)
    ours.close()
    theirs.close()
    Stalls().sending(Line(ours), 100.0, 10.0)
    Stalls().sending(None, 100.0, 10.0)
