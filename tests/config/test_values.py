"""What follows from the values, and what the declarations must have."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec
import pytest

from bridge.config import OPTIONS, Config, Device, redacted
from bridge.config.answers import Called, Flat, Intercom
from bridge.config.options import VARIABLES, elsewhere
from bridge.config.section import HIDDEN, Section, choices_of, declared, walk
from bridge.config.shapes import is_device_id, masked_url, url_credentials
from bridge.config.values import Mqtt, Registration
from bridge.errors import ConfigError


def sections(section: type[Section]) -> Iterator[type[Section]]:
    """This table and all below it."""
    yield section
    for entry in declared(section):
        for below in filter(None, (entry.table, entry.tables, entry.rows)):
            yield from sections(below)


SECTIONS = list(sections(Config))
UNITS = {"s": "seconds", "bytes": "bytes", "events": "events"}

UNITS |= {"connections": "connections", "frames": "messages"}


@pytest.mark.parametrize(
    ("base", "instance", "given", "expected"),
    [
        ("qyzn", "", None, "qyzn-bridge"),
        ("qyzn", "a", None, "qyzn-bridge-a"),
        ("qyzn", "a", "b", "b"),
        ("house", "", None, "qyzn-bridge-d6e2128662"),
        ("house", "a", None, "qyzn-bridge-a-d6e2128662"),
        ("house/北门", "", None, "qyzn-bridge-5a3cb39428"),
        ("house", "a", "b", "b"),
    ],
)
def test_client_id(base: str, instance: str, given: str | None, expected: str) -> None:
    assert Config(base_topic=base, instance=instance, mqtt=Mqtt(client_id=given)).client_id == expected


def test_a_client_id_made_from_the_base_topic_is_one_that_every_broker_takes() -> None:
    """MQTT 3.1.1, 3.1.3.1: up to 23 characters. (Of 0-9, a-z and A-Z, it says; none is known that minds a hyphen.)"""
    assert re.fullmatch(r"[0-9A-Za-z-]{1,23}", Config(base_topic="somewhere/else/" * 20 + "x").client_id)


def test_approved_serials_come_from_both_places() -> None:
    devices = {"b": Device(), "c": Device(approved=False)}
    assert Config(registration=Registration(serials=("a",)), devices=devices).approved_serials == {"a", "b"}


def test_zones_of_site_and_devices() -> None:
    config = Config(timezone="Europe/Vienna", devices={"a": Device(timezone="Asia/Shanghai"), "b": Device()})
    zones = [config.site_zone(), config.device_zone("a"), config.device_zone("b"), config.device_zone("c")]
    assert [str(zone) for zone in zones] == ["Europe/Vienna", "Asia/Shanghai", "Europe/Vienna", "Europe/Vienna"]


def test_rules_hold_for_values_made_in_code_too() -> None:
    with pytest.raises(ConfigError, match="password: expected a user name beside the password"):
        Mqtt(password="p")


@pytest.mark.parametrize(
    ("url", "masked"),
    [
        ("mqtt://h:1883", "mqtt://h:1883"),
        ("mqtt://u@h", "mqtt://***@h"),
        ("mqtts://u:p@h:8883", "mqtts://***@h:8883"),
        ("mqtt://u:p@p/p@h", "mqtt://***@h"),
        ("u:p@h", "***@h"),
        ("mqtt:u:p@h", "***@h"),
        ("mqtt+unix://u:p@/run/a", "mqtt+unix://***@/run/a"),
        ("", ""),
    ],
)
def test_masked_url(url: str, masked: str) -> None:
    assert masked_url(url) == masked


@pytest.mark.parametrize(
    ("url", "credentials"),
    [
        ("mqtt://h", (None, None)),
        ("mqtt://@h", (None, None)),
        ("mqtt://u@h", ("u", None)),
        ("mqtt://u:p@h", ("u", "p")),
        ("mqtt+unix:///run/a@b", (None, None)),
        ("mqtt://[u@h", (None, None)),
    ],
)
def test_url_credentials(url: str, credentials: tuple[str | None, str | None]) -> None:
    assert url_credentials(url) == credentials


def test_device_ids() -> None:
    assert all(map(is_device_id, ["a", "0a9310e7acc298d3", "A_b-9", "x" * 64, "Bridge"]))
    assert not any(map(is_device_id, ["", "bridge", "all", "x" * 65, "a\n", "ä", "a.b"]))


def test_redacted_is_json_and_masks_what_is_marked() -> None:
    config = Config(mqtt=Mqtt(url="mqtt://u@h", password="hunter2"), devices={"a": Device(name="Door")})
    plain = redacted(config)
    assert msgspec.json.decode(msgspec.json.encode(plain))["listen"] == ["tcp:8899"]
    assert (plain["mqtt"]["url"], plain["mqtt"]["password"], plain["mqtt"]["username"]) == ("mqtt://***@h", HIDDEN, None)
    assert (plain["state_dir"], plain["devices"]["a"]["name"]) == ("state", "Door")


def test_of_a_flat_only_what_says_nothing_of_its_people_is_shown() -> None:
    flat = Flat(called=(Called(user_id="u7", token="t7", phone="+437"), Called(user_id="u8")), device_token="d7", device_name="Gate")
    config = Config(intercom=Intercom(flats={"304": flat}))
    shown = redacted(config)["intercom"]["flats"]["304"]
    assert shown == {
        "called": [{"user_id": HIDDEN, "token": HIDDEN, "phone": HIDDEN}, {"user_id": HIDDEN, "token": None, "phone": None}],
        "device_token": HIDDEN,
        "device_name": "Gate",
        "max_seconds": 60,
    }
    for text in (repr(config), repr(flat), repr(flat.called[0])):
        assert not re.search("u7|t7|437|d7", text)


def test_options_are_those_that_are_promised() -> None:
    assert {option.name: option.path for option in OPTIONS} == {
        "listen": "listen",
        "mqtt": "mqtt.url",
        "base-topic": "base_topic",
        "instance": "instance",
        "registration": "registration.policy",
        "state-dir": "state_dir",
        "homeassistant": "homeassistant.enabled",
    }
    assert [option.spellings for option in OPTIONS if option.switch] == [("--homeassistant", "--no-homeassistant")]
    assert [option.name for option in OPTIONS if option.repeatable] == ["listen"]
    assert {option.name: option.choices for option in OPTIONS if option.choices} == {"registration": ("approve", "open", "closed")}


def test_option_help_is_the_description_and_the_default() -> None:
    helps = {option.name: option.help for option in OPTIONS}
    assert helps["base-topic"] == "The first level of every topic. (default: qyzn)"
    assert helps["listen"].endswith("(default: tcp:8899)")
    assert "(default" not in helps["instance"]


def test_variables_are_those_that_are_promised() -> None:
    expected = {"QYZN_BRIDGE_MQTT_URL": "mqtt.url", "QYZN_BRIDGE_MQTT_USERNAME": "mqtt.username"}
    assert expected | {"QYZN_BRIDGE_MQTT_PASSWORD": "mqtt.password"} == VARIABLES
    assert elsewhere("mqtt.url") == ("--mqtt", "QYZN_BRIDGE_MQTT_URL")
    assert elsewhere("timezone") == ()


@pytest.mark.parametrize("section", SECTIONS)
def test_every_declaration_is_complete(section: type[Section]) -> None:
    for entry in declared(section):
        assert entry.table or entry.key, entry.name
        if entry.key:
            assert entry.key.description.endswith((".", "…")), entry.name
            assert entry.key.example or entry.default is not None, entry.name
            assert all(choice in entry.key.description for choice in choices_of(entry.type)), entry.name


def test_numbers_have_their_unit_in_the_name() -> None:
    for path, entry in walk(Config):
        if type(entry.default) in (int, float):
            unit = re.sub(".*[_.]", "", re.sub("(_before_login|_per_address|_per_s|_burst)$", "", path))
            assert UNITS[unit] in str(entry.type), path
