"""The bridge as a device."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from bridge.homeassistant import Offer, bridge_device, bridge_id
from bridge.mqtt.topics import Topics
from bridge.relay.requests import PermitJoin
from tests.homeassistant.devices import TOPICS
from tests.homeassistant.home_assistant import rendered


def components(topics: Topics = TOPICS, **offer: Any) -> dict[str, dict[str, Any]]:
    return {each.key: dict(each.options) for each in bridge_device(topics, Offer(**offer)).components}


def test_each_bridge_has_an_id_and_a_name_of_its_own() -> None:
    bridges = [Topics("qyzn"), Topics("qyzn", "east"), Topics("qyzn", "west"), Topics("site2"), Topics("site2/bridge"), Topics("a/b")]
    assert bridge_id(bridges[0]) == "qyzn_bridge"
    assert len({bridge_id(each) for each in bridges}) == len(bridges)
    assert not any(bridge_id(each).startswith("qyzn_") for each in bridges[1:]), "a terminal could have it"
    assert [bridge_device(each, Offer()).name for each in bridges[:4]] == [
        "QYZN bridge",
        "QYZN bridge east",
        "QYZN bridge west",
        "QYZN bridge site2",
    ]


@pytest.mark.parametrize(
    ("key", "payload", "state"),
    [
        ("terminals_online", [], "0"),
        ("terminals_online", [{"online": True, "status": "approved"}, {"online": False, "status": "pending"}], "1"),
        ("terminals_pending", [{"online": True, "status": "approved"}, {"online": False, "status": "pending"}], "1"),
        ("outbox", {"outbox": {"events": 7}}, "7"),
        ("outbox", {}, "None"),
        ("version", {"version": "1.2.3"}, "1.2.3"),
        ("permit_join", {"permit_join": {"open": True, "until": "…"}}, "ON"),
        ("permit_join", {"permit_join": {"open": False, "until": None}}, "OFF"),
        ("permit_join", {}, "None"),
    ],
)
def test_what_is_shown(key: str, payload: Any, state: str) -> None:
    template = components()[key]["value_template"]
    assert rendered(template, json.dumps(payload).encode()) == state
    assert rendered(template, b"") in ("0", "None")


def test_the_switch_makes_requests_that_the_bridge_takes() -> None:
    switch = components(Topics("qyzn", "east"))["permit_join"]
    assert switch["command_topic"] == "qyzn/bridge/east/request/permit_join"
    assert [msgspec.json.decode(switch[name], type=PermitJoin).time for name in ("payload_on", "payload_off")] == [120, 0]


def test_where_registration_is_closed_there_is_no_switch() -> None:
    assert "permit_join" not in components(may_join=False)


def test_the_connection_is_shown_when_there_is_none() -> None:
    """Everything else is unavailable while the bridge is away."""
    (availability,) = components()["connection"]["availability"]
    assert availability["payload_not_available"] not in ("online", "offline")
