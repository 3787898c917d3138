from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase  # for its assertions about Deferreds

from bridge.errors import BridgeError
from bridge.mqtt.message import Publication
from bridge.mqtt.packets import Encoded
from bridge.mqtt.window import HIGH_WATER_BYTES, LOW_WATER_BYTES, MOST_IN_FLIGHT, MOST_IN_FLIGHT_BYTES, MOST_WITHDRAWN_BYTES, Window

case = SynchronousTestCase()


def encoded(name: str, size: int = 10) -> Encoded:
    return Encoded(Publication(name, b""), b"", None, size)


def nobody(_: BridgeError | None) -> None:
    """Whoever is told."""


def send_all(window: Window, first_id: int = 1) -> list[str]:
    """Send what the window allows, with identifiers from `first_id` on; the topics."""
    topics: list[str] = []
    while (following := window.next()) is not None:
        window.sent(first_id + len(topics))
        topics.append(following.publication.topic)
    return topics


def test_it_sends_in_order_and_no_more_than_the_broker_takes() -> None:
    window = Window(receive_maximum=2)
    for name in "abcd":
        window.add(encoded(name), nobody)
    assert send_all(window) == ["a", "b"]
    assert window.acknowledge(2) is not None
    assert send_all(window, first_id=3) == ["c"]
    assert len(window) == 3


def test_it_has_a_limit_of_its_own() -> None:
    window = Window(receive_maximum=65_535)
    for _ in range(MOST_IN_FLIGHT + 1):
        window.add(encoded("a"), nobody)
    assert len(send_all(window)) == MOST_IN_FLIGHT


def test_bytes_count_too_and_a_giant_goes_alone() -> None:
    window = Window()
    for name, size in (("small", 10), ("giant", MOST_IN_FLIGHT_BYTES + 1), ("last", 10)):
        window.add(encoded(name, size), nobody)
    assert send_all(window) == ["small"]
    window.acknowledge(1)
    assert send_all(window) == ["giant"]
    window.acknowledge(1)
    assert send_all(window) == ["last"]
    window.acknowledge(1)
    assert (window.waiting_bytes, window.in_flight_bytes, len(window)) == (0, 0, 0)


def test_a_second_acknowledgement_is_nothing() -> None:
    window = Window()
    window.add(encoded("a"), nobody)
    send_all(window)
    assert window.acknowledge(1) is not None
    assert window.acknowledge(1) is None
    assert window.in_flight_bytes == 0


def test_one_that_waits_can_be_withdrawn() -> None:
    window = Window(receive_maximum=1)
    _, second, _, last = (window.add(encoded(name), nobody) for name in "abcd")
    send_all(window)
    for _ in range(2):  # a second time is none
        window.withdraw(second)
    window.withdraw(last)
    assert len(window) == 2
    window.acknowledge(1)
    assert send_all(window) == ["c"]
    assert (window.waiting_bytes, len(window)) == (0, 1)
    assert [entry.encoded.publication.topic for entry in window.close()] == ["c"]


def test_of_several_that_are_withdrawn_none_is_sent_by_whoever_hears_that_there_is_room() -> None:
    window = Window()
    entries = [window.add(encoded(name, size), nobody) for name, size in (("a", HIGH_WATER_BYTES), ("b", 1))]
    window.when_drained().addCallback(lambda _: came.extend(send_all(window)))
    came: list[str] = []
    window.withdraw(*entries)
    assert window.when_drained().called
    assert came == []


def test_what_is_withdrawn_is_not_kept_for_long() -> None:
    window = Window(receive_maximum=1)
    window.add(encoded("in flight"), nobody)
    send_all(window)
    for _ in range(20):
        window.withdraw(*[window.add(encoded("picture", MOST_WITHDRAWN_BYTES // 4), nobody) for _ in range(3)])
    last = window.add(encoded("last"), nobody)
    assert sum(entry.encoded.packet_bytes for entry in window._waiting) <= 2 * MOST_WITHDRAWN_BYTES
    assert len(window) == 2
    window.acknowledge(1)
    assert send_all(window) == ["last"]
    assert not last.is_waiting


def test_what_waits_and_what_does_not() -> None:
    window = Window(receive_maximum=1)
    first, second = (window.add(encoded(name), nobody) for name in "ab")
    assert first.is_waiting
    send_all(window)
    assert [each.is_waiting for each in (first, second)] == [False, True]
    window.close()
    assert not second.is_waiting


def test_one_in_flight_cannot_be_withdrawn() -> None:
    window = Window(receive_maximum=1)
    first = window.add(encoded("a"), nobody)
    window.add(encoded("b"), nobody)
    send_all(window)
    window.withdraw(first)
    assert send_all(window) == []
    assert window.acknowledge(1) is first
    assert send_all(window) == ["b"]


def test_congested_between_the_marks() -> None:
    window = Window(receive_maximum=1)
    size = LOW_WATER_BYTES // 2
    count = HIGH_WATER_BYTES // size
    for _ in range(count):
        window.add(encoded("a", size), nobody)
    assert not window.congested
    case.successResultOf(window.when_drained())
    window.add(encoded("a", size), nobody)
    drained: list[Deferred[None]] = [window.when_drained() for _ in range(3)]
    drained[1].cancel()
    case.failureResultOf(drained[1], CancelledError)
    while window.waiting_bytes > LOW_WATER_BYTES:
        case.assertNoResult(drained[0])
        send_all(window)
        window.acknowledge(1)
    assert window.when_drained().called
    case.successResultOf(drained[0])
    case.successResultOf(drained[2])


def test_close_hands_out_everything_in_order_and_wakes_who_waits() -> None:
    window = Window(receive_maximum=1)
    for name in "abc":
        window.add(encoded(name, HIGH_WATER_BYTES), nobody)
    send_all(window)
    drained = window.when_drained()
    assert [entry.encoded.publication.topic for entry in window.close()] == ["a", "b", "c"]
    case.successResultOf(drained)
    assert (len(window), window.waiting_bytes, window.in_flight_bytes, window.congested) == (0, 0, 0, False)
    assert window.close() == []
