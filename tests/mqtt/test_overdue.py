from __future__ import annotations

from bridge.mqtt.message import Publication
from bridge.mqtt.overdue import LOOK_S, OVERDUE_S, SLOWEST_BYTES_PER_S, Overdue
from bridge.mqtt.packets import encode
from bridge.mqtt.window import Window


class Bench:
    """A window, looked at as time passes."""

    def __init__(self) -> None:
        self.window = Window()
        self.overdue = Overdue()
        self.now_s = 1000.0

    def send(self, packet_id: int, payload: bytes = b"") -> None:
        self.window.add(encode(Publication("a", payload), "5"), lambda _: None)
        assert self.window.next() is not None
        self.window.sent(packet_id)

    def is_overdue_within(self, seconds: float) -> bool:
        """Whether it is by then, or before."""
        end_s = self.now_s + seconds
        while self.now_s < end_s:
            if self.overdue.look(self.window, self.now_s):
                return True
            self.now_s += LOOK_S
        return self.overdue.look(self.window, self.now_s)


def test_nothing_in_flight_is_never_overdue() -> None:
    bench = Bench()
    assert not bench.is_overdue_within(10 * OVERDUE_S)
    bench.send(1)
    bench.window.acknowledge(1)
    assert not bench.is_overdue_within(10 * OVERDUE_S)


def test_what_is_never_acknowledged_is() -> None:
    bench = Bench()
    bench.send(1)
    assert not bench.is_overdue_within(OVERDUE_S - LOOK_S)
    assert bench.is_overdue_within(2 * LOOK_S)


def test_what_is_passed_over_is_however_much_goes_on() -> None:
    bench = Bench()
    bench.send(1)
    for packet_id in range(2, 1 + int(OVERDUE_S / LOOK_S)):
        assert not bench.is_overdue_within(LOOK_S)
        bench.send(packet_id)
        bench.window.acknowledge(packet_id)
    assert bench.is_overdue_within(LOOK_S)


def test_a_broker_that_works_its_way_through_is_waited_for() -> None:
    bench = Bench()
    for packet_id in range(1, 30):
        bench.send(packet_id)
    for packet_id in range(1, 30):
        assert not bench.is_overdue_within(OVERDUE_S - LOOK_S)
        bench.window.acknowledge(packet_id)


def test_a_slow_way_to_the_broker_is_waited_for_unless_what_came_later_has_arrived() -> None:
    bench = Bench()
    bench.send(1, bytes(100 * SLOWEST_BYTES_PER_S))
    bench.send(2)
    assert not bench.is_overdue_within(OVERDUE_S + 100 - LOOK_S)
    bench.window.acknowledge(2)
    assert bench.is_overdue_within(0)
