"""A terminal's entities."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from bridge.catalogue.intercom import CallRecord, DeviceCallParam, DeviceCallResult
from bridge.catalogue.recognition import SnapshotFace
from bridge.homeassistant import Offer, Terminal, serial_of, terminal_device, terminal_id
from bridge.homeassistant.terminal import event_types
from bridge.mqtt.commands import read_order
from tests.homeassistant.devices import ALL, EVERYTHING, TOPICS, Kind
from tests.homeassistant.home_assistant import NOW, commanded, rendered

CALL_TYPES = ["ring", "answered", "missed", "hung_up", "unreachable", "failed", "unknown"]
RECOGNITION_TYPES = ["matched", "blacklisted", "unmatched", "expired", "outside_hours"]


def components(offer: Offer | None = None, groups: frozenset[str] = frozenset()) -> dict[str, dict[str, Any]]:
    """By key, with their platforms."""
    device = Kind(groups, offer or Offer()).device
    return {each.key: {"platform": each.platform, **each.options} for each in device.components}


def test_the_ids_of_terminals() -> None:
    assert terminal_id("T-1") == "qyzn_T-1"
    assert (serial_of("qyzn_T-1"), serial_of("other_T-1")) == ("T-1", None)


def test_the_events_list_every_type_that_they_may_have() -> None:
    found = components()
    assert found["doorbell"]["event_types"] == CALL_TYPES
    assert found["doorbell"]["device_class"] == "doorbell"
    assert found["recognition"]["event_types"] == RECOGNITION_TYPES
    assert found["qrcode"]["event_types"] == ["scanned"]
    assert found["doorbell"]["state_topic"] == "qyzn/T-0001/event/call"


@pytest.mark.parametrize("result", [None, *range(10)])
@pytest.mark.parametrize("person_type", [None, 1, 2, 3])
def test_a_recognition_has_no_type_beside_those(result: int | None, person_type: int | None) -> None:
    assert SnapshotFace(result=result, person_type=person_type).event_type() in RECOGNITION_TYPES


@pytest.mark.parametrize("results", [[], [None], *([code] for code in range(11)), [1, 3]])
def test_a_call_has_no_type_beside_those(results: list[int | None]) -> None:
    records = [CallRecord(call_result=result) for result in results]
    assert DeviceCallResult(records=records).event_type() in CALL_TYPES[1:]
    assert DeviceCallParam().event_type() == "ring"


def test_no_kind_of_event_is_without_types() -> None:
    for kind in ("call", "recognition", "qrcode", "person"):
        assert event_types(kind)


def test_where_nobody_can_ring_there_is_no_doorbell() -> None:
    found = components(Offer(doorbell=False))
    assert not {"doorbell", "call_image", "trigger_call_ring"} & found.keys()
    assert {"recognition", "recognition_image"} <= found.keys()


def test_what_is_only_there_where_it_is_wanted() -> None:
    wanted = {"lock", "tag_recognition", "tag_qrcode", "body_temperature"}
    assert not wanted & components().keys()
    assert wanted <= components(EVERYTHING).keys()


@pytest.mark.parametrize(
    ("omit", "gone"),
    [("image", {"recognition_image", "call_image"}), ("card_number", {"tag_recognition"}), ("body_temperature", {"body_temperature"})],
)
def test_what_is_never_published_has_no_entity(omit: str, gone: set[str]) -> None:
    offer = replace(EVERYTHING, omit=frozenset({omit}))
    assert components(EVERYTHING).keys() - components(offer).keys() == gone


@pytest.mark.parametrize(
    ("deny", "gone"),
    [
        ("open_door", {"open_door", "lock"}),
        ("device_restart", {"restart"}),
        ("sync_person", {"people"}),
        ("snapshot_picture", {"snapshot", "snapshot_image"}),
    ],
)
def test_what_is_denied_has_no_entity(deny: str, gone: set[str]) -> None:
    offer = replace(EVERYTHING, deny=frozenset({deny}))
    assert components(EVERYTHING).keys() - components(offer).keys() == gone


def test_where_settings_are_denied_there_are_none() -> None:
    assert components(Offer(deny=frozenset({"config_system"})), ALL) == components()
    assert components(groups=ALL) != components()


def test_pictures_that_are_not_on_topics_have_no_entity() -> None:
    assert not any(each["platform"] == "image" for each in components(Offer(pictures=False)).values())
    assert components()["snapshot_image"]["image_topic"] == "qyzn/T-0001/image/snapshot"


def test_a_picture_in_an_event_is_not_recorded_with_it() -> None:
    template = components(Offer(pictures=False, inline=True))["recognition"]["value_template"]
    event = {"event_type": "matched", "image_base64": "A" * 99, "compare_image_base64": "B", "person_name": 'Ann "X"', "score": 0.5}
    shown = json.loads(rendered(template, json.dumps(event).encode()))
    assert shown == {"event_type": "matched", "person_name": 'Ann "X"', "score": 0.5}


@pytest.mark.parametrize(("key", "data"), [("open_door", {}), ("restart", {}), ("snapshot", {"timeoutSeconds": 5})])
def test_a_button_sends_a_command_that_dies(key: str, data: dict[str, Any]) -> None:
    button = components()[key]
    order = read_order(commanded(button["command_template"], "PRESS").encode())
    assert order.data == data
    assert (order.issued_at, order.ttl_s) == (NOW.timestamp(), 10.0)
    assert order.transaction == f"home-assistant {NOW.isoformat()}"
    assert (button["qos"], button["message_expiry_interval"]) == (1, 10)


def test_the_lock_opens_the_door_and_does_nothing_else() -> None:
    lock = components(EVERYTHING)["lock"]
    arrived = NOW.timestamp()
    unlock = read_order(commanded(lock["command_template"], "UNLOCK").encode())
    assert unlock.expires_at(arrived, None, None) == arrived + 10
    for value in ("LOCK", "OPEN", "anything"):
        order = read_order(commanded(lock["command_template"], value).encode())
        assert order.expires_at(arrived, None, None) < arrived, "it has to be refused: there is no command that locks"
    assert rendered(lock["value_template"], b"online") == "LOCKED"


INFO = b'{"id":"T-0001","firmware":"V1.0.0","address":"192.0.2.7","last_seen":"2026-11-24T06:25:49.000+00:00"}'


@pytest.mark.parametrize(
    ("key", "payload", "state"),
    [
        ("firmware", INFO, "V1.0.0"),
        ("address", INFO, "192.0.2.7"),
        ("last_seen", INFO, "2026-11-24T06:25:49.000+00:00"),
        ("firmware", b'{"firmware":null}', "None"),
        ("firmware", b"", "None"),
        ("last_seen", b"{}", "None"),
        ("people", b'{"person_count":125}', "125"),
        ("people", b'{"person_count":0}', "0"),
        ("people", b'{"person_count":null}', "None"),
        ("people", INFO, "None"),
        ("body_temperature", b'{"body_temperature":36.6}', "36.6"),
        ("body_temperature", b'{"body_temperature":null}', "None"),
        ("tag_recognition", b'{"card_number":"4711"}', "4711"),
        ("tag_recognition", b'{"card_number":null}', ""),
        ("tag_recognition", b"{}", ""),
        ("tag_qrcode", b'{"content":"adf"}', "adf"),
        ("trigger_call_ring", b'{"event_type":"ring"}', "ring"),
        ("trigger_recognition_matched", b'{"event_type":"expired"}', "expired"),
    ],
)
def test_what_is_shown(key: str, payload: bytes, state: str) -> None:
    assert rendered(components(EVERYTHING)[key]["value_template"], payload) == state


def test_how_the_terminal_is_can_be_seen_while_it_is_away() -> None:
    found = components()
    for key in ("connection", "last_seen", "firmware", "address"):
        assert found[key]["availability"] == [{"topic": "qyzn/bridge/state"}]
        assert found[key]["entity_category"] == "diagnostic"


def test_how_many_people_it_knows_cannot_be_seen_while_it_is_away() -> None:
    people = components()["people"]
    assert (people["state_topic"], people["entity_category"]) == ("qyzn/T-0001/info", "diagnostic")
    assert "availability" not in people, "that of the device holds, and so that of the terminal"
    assert (components()["people"]["name"], components(Offer(language="zh"))["people"]["name"]) == ("People", "人员数量")


def test_automations_can_start_with_a_ring_and_each_recognition() -> None:
    triggers = [each for each in components().values() if each["platform"] == "device_automation"]
    assert [(each["subtype"], each["type"], each["payload"]) for each in triggers] == [
        ("doorbell", "ring", "ring"),
        *(("recognition", each, each) for each in RECOGNITION_TYPES),
    ]


def test_a_device_says_only_what_is_known() -> None:
    device = terminal_device(Terminal(serial="T", name="T"), TOPICS, Offer())
    assert device.about == {"manufacturer": "QYZN", "serial_number": "T", "via_device": "qyzn_bridge"}
