"""Discovery payloads as a whole: what Home Assistant demands of them, and that they stay what they are."""

from __future__ import annotations

import json

import pytest

from bridge.homeassistant import Announced, Device, announced, announcement
from tests.homeassistant.devices import DEVICES, GOLDEN, KINDS, golden
from tests.homeassistant.home_assistant import ENTITIES, complaints, read

every = pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES.keys())


@every
def test_home_assistant_likes_it(device: Device) -> None:
    assert complaints(read(announcement(device, {}))) == []


@pytest.mark.parametrize("name", DEVICES)
def test_it_is_the_golden_one(name: str) -> None:
    assert golden(DEVICES[name]) == (GOLDEN / f"{name}.json").read_text(encoding="utf-8"), (
        "if that is meant: python -m tests.homeassistant.devices"
    )


@every
def test_ids_begin_with_the_devices(device: Device) -> None:
    said = read(announcement(device, {}))
    assert said["device"]["identifiers"] == [device.id]
    for key, component in said["components"].items():
        assert component["unique_id"] == f"{device.id}_{key}"


@pytest.mark.parametrize("kind", KINDS)
def test_a_terminal_is_there_while_it_and_the_bridge_are(kind: str) -> None:
    said = read(announcement(DEVICES[kind], {}))
    assert [each["topic"] for each in said["availability"]] == ["qyzn/bridge/state", "qyzn/T-0001/availability"]
    assert said["availability_mode"] == "all"
    assert said["device"]["via_device"] == "qyzn_bridge"


def test_a_payload_is_not_larger_than_it_must_be() -> None:
    assert len(announcement(DEVICES["everything"], {})) < 25_000
    assert len(announcement(DEVICES["unread"], {})) < 8_000


def test_what_is_gone_is_named_with_its_platform_alone() -> None:
    said = read(announcement(DEVICES["lacking"], {"old": "sensor"}))
    assert said["components"]["old"] == {"platform": "sensor"}


@every
def test_it_can_be_read_again(device: Device) -> None:
    said = announced(announcement(device, {"old": "sensor"}))
    assert said == Announced("qyzn/bridge/state", {each.key: each.platform for each in device.components})


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        json.dumps({"o": {"name": "other"}, "avty": [{"t": "a"}], "cmps": {}}).encode(),
        json.dumps({"o": {"name": "qyzn-bridge"}, "avty": [], "cmps": {}}).encode(),
        json.dumps({"o": {"name": "qyzn-bridge"}, "avty": [{"t": "a"}], "cmps": []}).encode(),
        json.dumps({"o": {"name": "qyzn-bridge"}, "avty": [{"t": "a"}], "cmps": {"a": {}}}).encode(),
    ],
)
def test_what_others_announce_is_not_read(payload: bytes) -> None:
    assert announced(payload) is None


def test_entities_have_names_in_both_languages_and_the_same_ids() -> None:
    english, chinese = (read(announcement(DEVICES[name], {}))["components"] for name in ("everything", "chinese"))
    assert english.keys() == chinese.keys()
    for key, component in english.items():
        if component["platform"] in ENTITIES:
            assert component["name"].isascii()
            assert not chinese[key]["name"].isascii(), key
            assert component["default_entity_id"] == chinese[key]["default_entity_id"]
