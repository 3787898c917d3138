"""Any message, unchecked, where the configuration allows it: it is no way around what it does not allow."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.catalogue import COMMANDS
from bridge.wire.body import DEEPEST
from tests.relay.conftest import MakeSite
from tests.relay.site import Site, Terminal
from tests.relay.test_commands import JPEG, PICTURE, ago, asked, code


def nested(levels: int) -> Any:
    value: Any = {}
    for _ in range(levels - 1):
        value = [value]
    return value


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    """One where it is allowed."""
    return make_site(commands={"raw": True, "deny": ["delete_person", "online_open_door"]})


def test_it_is_off_unless_allowed(make_site: MakeSite) -> None:
    site = make_site()
    terminal = site.terminal()
    asked(terminal)
    site.link.taken()
    site.command("raw", {"message": "open_door", "transaction": "t"})
    assert site.responses("raw")[0]["transaction"] == "t"
    assert code(site, "raw") == "forbidden"
    assert asked(terminal) == []


def test_a_message_goes_as_it_was_given_and_the_answer_comes_back(site: Site, terminal: Terminal) -> None:
    data = {"times": 2, "groß": [None, {"x": 1.5}]}
    how = {"transaction": "t", "ttl": 5, "timeout": 7, "source": "me", "issued_at": ago(1)}
    site.command("raw", {"message": "beep", "data": data, **how}, response_topic="me/answers", correlation_data=b"c")
    (request,) = asked(terminal)
    assert request.body == {"message": "beep", "data": data}
    terminal.reply(request.sequence, 0, {"said": "beep"}, "done")
    usual, own = site.link.taken()
    assert (usual.topic, own.topic, own.publication.correlation_data) == ("qyzn/SN1/response/raw", "me/answers", b"c")
    told = usual.json
    assert (told["status"], told["command"], told["transaction"], told["data"]) == ("ok", "raw", "t", {"said": "beep"})


@pytest.mark.parametrize("data", [{}, [], "x", 1, None, True, [[1], {"a": {}}], nested(DEEPEST)])
def test_its_data_may_be_anything(site: Site, terminal: Terminal, data: Any) -> None:
    site.command("raw", {"message": "beep", "data": data})
    assert [each.body for each in asked(terminal)] == [{"message": "beep", "data": data}]


def test_its_data_may_be_left_out(site: Site, terminal: Terminal) -> None:
    site.command("raw", {"message": "beep"})
    assert [each.body for each in asked(terminal)] == [{"message": "beep", "data": {}}]


@pytest.mark.parametrize(
    ("payload", "says"),
    [
        (b"", "message: expected a value, got nothing"),
        (b"beep", "payload: expected JSON, or nothing"),
        (b"[" * 5000, "payload: expected JSON, or nothing"),
        ({"data": {}}, "message: expected a value, got nothing"),
        ({"message": ""}, "message: expected "),
        ({"message": "open_door\0"}, "message: expected "),
        ({"message": " open_door"}, "message: expected "),
        ({"message": "open_door\n"}, "message: expected "),
        ({"message": 5}, "message: expected "),
        ({"message": "beep", "times": 2}, "times: expected no such field"),
        ({"message": "beep", "data": nested(DEEPEST + 1)}, f"data: expected at most {DEEPEST} levels"),
        ({"message": "beep", "ttl": 0}, "ttl: expected seconds"),
    ],
)
def test_what_cannot_be_sent_is_said(site: Site, terminal: Terminal, payload: Any, says: str) -> None:
    site.command("raw", payload)
    assert site.responses("raw")[0]["error"].startswith(says), site.responses("raw")[0]["error"]
    assert code(site, "raw") == "invalid"
    assert asked(terminal) == []


@pytest.mark.parametrize("name", ["delete_person", "DELETE_Person", "online_open_door", "online_openDoor", "Online_opendoor"])
def test_what_is_denied_is_denied_here_too_by_either_name_and_in_any_case(site: Site, terminal: Terminal, name: str) -> None:
    site.command("raw", {"message": name, "data": {}})
    assert code(site, "raw") == "forbidden"
    assert asked(terminal) == []


@pytest.mark.parametrize("name", ["beep", "open_door", "OPEN_DOOR", "serial_output", "register"])
def test_what_may_open_a_door_is_a_door_command(site: Site, terminal: Terminal, name: str) -> None:
    site.command("raw", {"message": name, "issued_at": ago(11)})
    assert code(site, "raw") == "expired"
    assert asked(terminal) == []
    site.command("raw", {"message": name})
    assert len(asked(terminal)) == 1
    site.wait(60)
    assert [each for each in asked(terminal) if each.body["message"] == name] == [], "never sent twice"
    assert code(site, "raw") == "timeout"


def test_a_door_by_its_other_name_is_a_door_command(make_site: MakeSite) -> None:
    site = make_site(commands={"raw": True})
    terminal = site.terminal()
    asked(terminal)
    site.link.taken()
    site.command("raw", {"message": "online_openDoor", "data": {"online": 1}, "issued_at": ago(11)})
    assert code(site, "raw") == "expired"
    site.command("raw", {"message": "online_openDoor", "data": {"online": 1}})
    (request,) = asked(terminal)
    assert terminal.reply(request.sequence, 103) == [], "asked by the name that was given, and by no other"
    assert code(site, "raw") == "device_error"


@pytest.mark.parametrize("name", [each.name for each in COMMANDS.values() if not each.door and each.name != "delete_person"])
def test_a_known_message_that_opens_no_door_is_sent_again_as_ever(site: Site, terminal: Terminal, name: str) -> None:
    site.command("raw", {"message": name, "data": {"x": "unchecked"}, "issued_at": ago(11)})
    (request,) = asked(terminal)
    site.wait(20)
    (again,) = [each for each in asked(terminal) if each.sequence == request.sequence]
    assert again.body == {"message": name, "data": {"x": "unchecked"}}


def test_they_are_counted_with_the_door_commands(make_site: MakeSite) -> None:
    site = make_site(commands={"raw": True, "door_per_10_s": 2})
    terminal = site.terminal()
    asked(terminal)
    site.link.taken()
    site.command("open_door")
    site.command("raw", {"message": "beep"})
    site.command("raw", {"message": "beep"})
    assert code(site, "raw") == "rate_limited"
    site.command("raw", {"message": "get_configs", "data": {"groupKey": ["version"]}})
    assert len(asked(terminal)) == 3


def test_a_retained_one_never_acts_and_the_same_one_is_done_once(site: Site, terminal: Terminal) -> None:
    site.command("raw", {"message": "beep"}, retain=True)
    assert code(site, "raw") == "retained"
    for _ in range(2):
        site.command("raw", {"message": "beep", "transaction": "t"})
    (request,) = asked(terminal)
    terminal.reply(request.sequence)
    assert [each.get("duplicate") for each in site.responses("raw")] == [None, True]


def test_all_terminals_can_be_asked(site: Site) -> None:
    terminals = [site.terminal("SN1"), site.terminal("SN2")]
    for each in terminals:
        asked(each)
    site.command("raw", {"message": "beep"}, device="all")
    assert [len(asked(each)) for each in terminals] == [1, 1]


def test_secrets_and_pictures_are_published_as_ever(site: Site, terminal: Terminal) -> None:
    site.command("raw", {"message": "get_configs", "data": {"groupKey": ["HttpPush"]}})
    terminal.reply(asked(terminal)[0].sequence, 0, [{"groupKey": "HttpPush", "appSecret": "s3cret", "more": [{"appsecret": "s3cret"}]}])
    site.command("raw", {"message": "beep"})
    terminal.reply(asked(terminal)[0].sequence, 0, {"HttpPush": {"appSecret": "s3cret"}})
    assert len(site.responses("raw")) == 2
    assert all(b"s3cret" not in each.publication.payload for each in site.link.taken())
    site.command("raw", {"message": "snapshot_picture", "data": {"timeoutSeconds": 5}})
    terminal.reply(asked(terminal)[0].sequence, 0, {"image": PICTURE})
    image, response = site.link.taken()
    assert (image.topic, image.publication.payload) == ("qyzn/SN1/image/snapshot", JPEG)
    assert response.json["data"]["image"] == "qyzn/SN1/image/snapshot"
