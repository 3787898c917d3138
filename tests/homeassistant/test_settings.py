"""The entities of configuration groups."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.catalogue import GROUPS
from bridge.catalogue.configuration import SETTABLE
from bridge.homeassistant.settings import LONGEST_STATE, TECHNICAL, groups_shown, settings
from tests.homeassistant.devices import ALL, TOPICS
from tests.homeassistant.home_assistant import commanded, rendered

SHOWN = [(group, field) for name, group in SETTABLE.items() if name not in TECHNICAL for field in group.fields if field.titles]
SETTINGS = {each.key: {"platform": each.platform, **each.options} for each in settings("T", ALL, TOPICS, "en")}


def set_by(setting: dict[str, Any], value: Any) -> Any:
    """What is published when a user enters this."""
    if setting["platform"] == "switch":
        return json.loads(setting["payload_on"] if value else setting["payload_off"])
    return json.loads(commanded(setting["command_template"], value))


def test_there_is_one_for_each_field_that_a_person_would_set() -> None:
    shown = [field.titles["en"] for _, field in SHOWN if field.kind != "list" and not field.secret]
    assert [each["name"] for each in SETTINGS.values()] == shown
    assert len(shown) > 20


def test_the_vendors_names_are_not_shown() -> None:
    names = {each.name.lower() for group in GROUPS.values() for each in group.fields} | {name.lower() for name in GROUPS}
    for each in settings("T", ALL, TOPICS, "en"):
        assert each.options["name"].lower().replace(" ", "") not in names
        assert not set(each.called.split("_")) & (names - {"level", "mode", "distance", "time", "week", "type", "license", "version"})


def test_a_terminal_that_lacks_a_group_has_no_entity_for_it() -> None:
    keys = {each.key for each in settings("T", frozenset({"audioctl", "netinfo", "HttpPush"}), TOPICS, "en")}
    assert keys == {"audioctl-level"}


def test_the_groups_can_be_told_from_the_keys() -> None:
    assert groups_shown(SETTINGS) == SETTABLE.keys() - TECHNICAL - {"ForbidIdCardSet"}
    assert groups_shown({"audioctl-level": "number", "open_door": "button"}) == {"audioctl"}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("name", SETTABLE.keys() - TECHNICAL)
def test_every_value_comes_back_as_it_was_set(name: str, language: Any) -> None:
    """What a user chooses becomes a change that the group takes, and what the terminal then says shows as what was chosen."""
    group = GROUPS[name]
    for setting in settings("T", frozenset({name}), TOPICS, language):
        options = setting.options
        for value in values_of(setting.platform, options):
            change = set_by({"platform": setting.platform, **options}, value)
            assert group.check_part(change) == change
            shown = rendered(options["value_template"], json.dumps(change).encode())
            assert shown == {True: "ON", False: "OFF"}.get(value, str(value)) if isinstance(value, bool) else shown == str(value)


def values_of(platform: str, options: Any) -> list[Any]:
    if platform == "switch":
        return [True, False]
    if platform == "select":
        return list(options["options"])
    if platform == "number":
        return [options["min"], options["max"]]
    return ["03:00:00"] if options["max"] == LONGEST_STATE or options["max"] < 20 else ['Tür "1" \\ <b>', "前门"]


@pytest.mark.parametrize("key", SETTINGS)
@pytest.mark.parametrize("payload", [b"", b"{}", b"null", b'{"other":1}'])
def test_what_the_terminal_did_not_say_is_unknown(key: str, payload: bytes) -> None:
    shown = rendered(SETTINGS[key]["value_template"], payload)
    assert shown == ("" if SETTINGS[key]["platform"] == "text" else "None")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("audioctl-level", {"level": 16}),
        ("audioctl-level", {"level": -1}),
        ("audioctl-level", {"level": "loud"}),
        ("audioctl-level", {"level": None}),
        ("ledctl-mode", {"mode": 77}),
        ("ledctl-mode", {"mode": "on"}),
        ("stranger_param-stranger_open_door_en", {"strangerOpenDoorEn": "yes"}),
    ],
)
def test_a_value_that_home_assistant_would_complain_of_is_unknown(key: str, said: dict[str, Any]) -> None:
    assert rendered(SETTINGS[key]["value_template"], json.dumps(said).encode()) == "None"


def test_a_text_that_is_too_long_is_not_shown() -> None:
    setting = SETTINGS["product_name_set-ui_name"]
    assert rendered(setting["value_template"], json.dumps({"UIName": "x" * 101}).encode()) == ""
    assert rendered(setting["value_template"], json.dumps({"UIName": "x" * 100}).encode()) == "x" * 100


def test_the_words_of_a_choice_are_all_different() -> None:
    for group, field in SHOWN:
        for words in field.words.values():
            assert len(set(words.values())) == len(words), (group.name, field.name)
            assert "none" not in {each.lower() for each in words.values()}, "this is what makes a choice unknown"


def test_secrets_and_masks_are_not_shown() -> None:
    assert not any(field.secret for _, field in SHOWN if _.name not in TECHNICAL)
