from __future__ import annotations

from bridge.mqtt.message import BrokerLimits
from bridge.relay.bridge_events import MOST_UNDER_WAY, BridgeEvents
from tests.relay.site import FakeLink


def events_of(link: FakeLink) -> BridgeEvents:
    return BridgeEvents(link, "qyzn/bridge/event", lambda: "now", lambda: 0.0)


def ids(link: FakeLink) -> list[int]:
    return [each.json["data"]["id"] for each in link.taken()]


def test_an_event_is_told_at_once() -> None:
    link = FakeLink()
    events_of(link).tell("device_online", id="HG1")
    (sent,) = link.taken()
    assert (sent.topic, sent.json) == ("qyzn/bridge/event", {"type": "device_online", "time": "now", "data": {"id": "HG1"}})
    assert not sent.publication.retain


def test_of_thousands_few_are_on_their_way_at_once_and_all_come_in_order() -> None:
    link = FakeLink(holds=True)
    events = events_of(link)
    for number in range(2_000):
        events.tell("device_online", id=number)
    assert len(link.sent) == MOST_UNDER_WAY
    told: list[int] = []
    while under_way := link.taken():
        assert len(under_way) <= MOST_UNDER_WAY
        told += [each.json["data"]["id"] for each in under_way]
        for each in under_way:
            each.acknowledge()
    assert told == list(range(2_000))


def test_thousands_that_are_taken_at_once() -> None:
    link = FakeLink(holds=True)
    events = events_of(link)
    for number in range(5_000):
        events.tell("device_online", id=number)
    under_way, link.holds = link.taken(), False
    under_way[0].acknowledge()
    assert len(ids(link)) == 5_000 - MOST_UNDER_WAY


def test_what_happens_while_the_broker_is_away_is_not_told_nor_is_what_waited() -> None:
    link = FakeLink(holds=True)
    events = events_of(link)
    for number in range(2 * MOST_UNDER_WAY):
        events.tell("device_online", id=number)
    link.go_down()
    events.tell("device_online", id=-1)
    link.is_up, link.limits, link.holds = True, BrokerLimits("5"), False
    events.tell("device_online", id=-2)
    assert ids(link) == [-2]
