"""What is with the link: whose it is, how long it is waited for, and what comes back."""

from __future__ import annotations

import pytest
from twisted.internet.task import Clock

from bridge.errors import BrokerAway, BrokerRefused
from bridge.mqtt.message import Publication
from bridge.relay.flights import PUBACK_S, Flight, Flights
from tests.relay.site import FakeLink


class Sky:
    """Flights, given to a link that acknowledges nothing by itself and sends nothing yet."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.link = FakeLink(holds=True, room=0)
        self.flights = Flights(self.link, self.clock)
        self.decided: list[tuple[str, bool]] = []

    def fly(self, terminal: str, key: str, publications: int = 1) -> Flight:
        flight = self.flights.fly(terminal, key, [Publication(f"{key}/{number}", b"") for number in range(publications)])
        self.flights.hope(flight, lambda flight: self.decided.append((flight.key, flight.is_taken)))
        return flight

    def acknowledge(self, topic: str) -> None:
        (sent,) = self.link.on(topic)
        sent.acknowledge()


@pytest.fixture
def sky() -> Sky:
    return Sky()


def test_an_event_is_taken_when_all_of_it_is(sky: Sky) -> None:
    flight = sky.fly("A", "a", publications=2)
    sky.acknowledge("a/0")
    assert (sky.flights.find("A", "a"), sky.decided) == (flight, [])
    sky.acknowledge("a/1")
    assert (sky.flights.find("A", "a"), sky.decided, flight.is_taken) == (None, [("a", True)], True)


def test_and_not_when_some_of_it_is_not(sky: Sky) -> None:
    flight = sky.fly("A", "a", publications=2)
    sky.link.sent[0].refuse(BrokerRefused("quota exceeded", 0x97))
    sky.acknowledge("a/1")
    assert sky.decided == [("a", False)]
    assert isinstance(flight.error, BrokerRefused)


def test_it_is_decided_once_when_it_takes_too_long(sky: Sky) -> None:
    sky.fly("A", "a")
    sky.clock.advance(PUBACK_S)
    assert sky.decided == [("a", False)]
    sky.acknowledge("a/0")
    assert sky.decided == [("a", False)]
    assert sky.clock.getDelayedCalls() == []


def test_when_something_newer_goes_to_the_disk_it_is_decided_for_that_terminal_alone(sky: Sky) -> None:
    for terminal, key in ("Aa", "Bb", "Ac"):
        sky.fly(terminal, key)
    sky.flights.give_up_hope("A")
    assert sky.decided == [("a", False), ("c", False)]


def test_what_is_taken_back_brings_along_what_is_newer_of_its_terminal(sky: Sky) -> None:
    oldest, first, other, second = (sky.fly(terminal, key) for terminal, key in ("Ao", "Aa", "Bb", "Ac"))
    sky.flights.take_back(first)
    assert [each.is_over for each in (oldest, first, other, second)] == [False, True, False, True]
    assert isinstance(second.error, BrokerAway)
    assert [each.done.called for each in sky.link.sent] == [False, True, False, True]


def test_it_is_decided_before_the_link_has_room_for_something_newer(sky: Sky, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[object] = []
    monkeypatch.setattr(sky.link, "withdraw", lambda *sent: told.append((list(sky.decided), [each.topic for each in sent])))
    first = sky.fly("A", "a", publications=2)
    sky.fly("A", "b")
    sky.flights.take_back(first)
    assert told == [([("a", False), ("b", False)], ["a/0", "a/1", "b/0"])]


def test_what_the_link_has_begun_to_send_is_not_taken_back(sky: Sky) -> None:
    flight = sky.fly("A", "a", publications=2)
    sky.link.room = 1
    sky.flights.take_back(flight)
    assert not flight.is_over


def test_the_same_event_twice_on_its_way(sky: Sky) -> None:
    first, second = sky.fly("A", "a"), sky.fly("A", "a")
    one, other = sky.link.on("a/0")
    other.acknowledge()
    assert (first.is_over, second.is_over, sky.flights.find("A", "a")) == (False, True, None)
    one.acknowledge()
    assert first.is_taken
