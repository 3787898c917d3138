from __future__ import annotations

from typing import Any

import pytest

from bridge.relay.commands import MOST_FOR_ALL
from bridge.wire import MessageType
from tests.relay.conftest import MakeSite
from tests.relay.site import Site, Terminal
from tests.relay.test_commands import JPEG, PICTURE
from tests.terminal.lobby import Said


def asked(terminal: Terminal, message: str = "") -> list[Said]:
    """The requests that the terminal got since last asked; of one message if it is named."""
    return [each for each in terminal.heard() if each.type == MessageType.REQUEST and message in ("", each.body["message"])]


def one_response(site: Site, name: str, device: str = "SN1") -> Any:
    (response,) = site.responses(name, device)
    site.link.taken()
    return response


# Several requests.


def test_persons_are_deleted_one_after_the_other_and_told_of_together(site: Site, terminal: Terminal) -> None:
    site.command("delete_person", {"idSet": ["1", 2, "1"], "transaction": "t"})
    (first,) = asked(terminal)
    assert first.body == {"message": "delete_person", "data": {"idSet": ["1"]}}
    (second,) = terminal.reply(first.sequence)
    assert second.body["data"] == {"idSet": ["2"]}
    assert site.responses("delete_person") == []
    terminal.reply(second.sequence)
    response = one_response(site, "delete_person")
    assert (response["status"], response["data"], response["attempts"]) == ("ok", {"deleted": ["1", "2"], "failed": []}, 2)


def test_a_person_who_cannot_be_deleted_is_named_and_the_others_are_deleted(site: Site, terminal: Terminal) -> None:
    site.command("delete_person", {"idSet": ["1", "2"]})
    (second,) = terminal.reply(asked(terminal)[0].sequence, 105)
    terminal.reply(second.sequence)
    response = one_response(site, "delete_person")
    assert (response["status"], response["code"], response["result"], response["error"]) == ("error", "device_error", 105, "no_such_user")
    assert response["data"] == {"deleted": ["2"], "failed": [{"personId": "1", "result": 105}]}


def test_after_a_silence_no_more_is_asked(site: Site, terminal: Terminal) -> None:
    site.command("delete_person", {"data": {"idSet": ["1", "2", "3"]}, "timeout": 30})
    assert len(terminal.reply(asked(terminal)[0].sequence)) == 1
    site.wait(30)
    assert all(each.body["data"] == {"idSet": ["2"]} for each in asked(terminal, "delete_person"))
    response = one_response(site, "delete_person")
    assert response["code"] == "timeout"
    assert response["data"] == {"deleted": ["1"], "failed": [{"personId": "2", "result": None}, {"personId": "3", "result": None}]}


# A second name.


def test_a_command_is_asked_by_its_other_name_which_is_remembered(site: Site, terminal: Terminal) -> None:
    site.command("online_open_door", {"online": 1, "mode": 1})
    (first,) = asked(terminal)
    assert first.body["message"] == "online_open_door"
    (second,) = terminal.reply(first.sequence, 103)
    assert second.body == {"message": "online_openDoor", "data": {"online": 1, "mode": 1}}
    terminal.reply(second.sequence)
    assert one_response(site, "online_open_door")["status"] == "ok"
    site.command("online_open_door", {"online": 1, "mode": 1})
    assert [each.body["message"] for each in asked(terminal)] == ["online_openDoor"]


def test_a_terminal_that_knows_neither_name_is_asked_each_time_by_both(site: Site, terminal: Terminal) -> None:
    for _ in range(2):
        site.command("online_open_door", {"online": 1, "mode": 1})
        (first,) = asked(terminal)
        (second,) = terminal.reply(first.sequence, 103)
        assert [first.body["message"], second.body["message"]] == ["online_open_door", "online_openDoor"]
        assert terminal.reply(second.sequence, 103) == []
        assert one_response(site, "online_open_door")["result"] == 103


def test_a_stale_door_command_is_not_asked_again_by_another_name(site: Site, terminal: Terminal) -> None:
    site.command("online_open_door", {"online": 1, "mode": 1, "ttl": 2})
    (first,) = asked(terminal)
    site.clock.advance(3)
    assert [each for each in terminal.reply(first.sequence, 103) if each.body["message"] != "get_configs"] == []
    assert one_response(site, "online_open_door")["result"] == 103


# Every terminal.


def test_a_command_for_all_has_one_response_of_each_terminal_online(site: Site, terminal: Terminal) -> None:
    other = site.terminal("SN2")
    site.terminal("SN3").hang_up()
    site.link.taken()
    site.command("open_door", device="all", response_topic="me", correlation_data=b"c")
    terminal.reply(asked(terminal)[0].sequence)
    other.reply(asked(other)[0].sequence, -1)
    assert one_response_each(site) == {"SN1": "ok", "SN2": "error"}
    assert [each.publication.correlation_data for each in site.link.on("me")] == [b"c", b"c"]


def one_response_each(site: Site) -> dict[str, str]:
    sent = [each for each in site.link.sent if each.topic.endswith("/response/open_door")]
    assert len({each.topic for each in sent}) == len(sent)
    return {each.json["device_id"]: each.json["status"] for each in sent}


def test_a_command_for_all_is_answered_when_nobody_is_there(site: Site) -> None:
    site.command("open_door", device="all")
    assert one_response(site, "open_door", "all")["code"] == "device_offline"


def test_a_retained_command_for_all_opens_no_door(site: Site, terminal: Terminal) -> None:
    site.command("open_door", device="all", retain=True)
    assert asked(terminal) == []
    assert one_response(site, "open_door")["code"] == "retained"


def test_a_command_for_all_runs_at_a_bounded_number_of_terminals_at_once(site: Site) -> None:
    terminals = [site.terminal(f"SN{number}") for number in range(MOST_FOR_ALL + 6)]
    for terminal in terminals:
        asked(terminal)
    site.command("sync_person", {"transaction": "t"}, device="all")
    running = [(terminal, requests[0]) for terminal in terminals if (requests := asked(terminal, "sync_person"))]
    assert len(running) == MOST_FOR_ALL
    site.command("open_door", device="all")
    assert sum(len(asked(terminal, "open_door")) for terminal in terminals) == len(terminals), "a door waits for nobody"
    for terminal, request in running[:6]:
        terminal.reply(request.sequence)
    assert sum(len(asked(terminal, "sync_person")) for terminal in terminals) == 6


# Unknown fields.


def test_an_unknown_field_goes_to_the_terminal_only_where_that_is_allowed(site: Site, terminal: Terminal, make_site: MakeSite) -> None:
    site.command("snapshot_picture", {"timeoutSeconds": 5, "flash": True})
    assert asked(terminal) == []
    assert one_response(site, "snapshot_picture")["error"] == "data.flash: expected no such field"
    lax = make_site(commands={"unknown_fields": True})
    newer = lax.terminal()
    asked(newer)
    lax.command("snapshot_picture", {"timeoutSeconds": 5, "flash": True})
    assert [each.body["data"] for each in asked(newer, "snapshot_picture")] == [{"timeoutSeconds": 5, "flash": True}]
    lax.command("snapshot_picture", {"timeoutSeconds": "5", "flash": True})
    assert lax.responses("snapshot_picture")[0]["error"] == "data.timeoutSeconds: expected a whole number, got text"


# Faces.


def test_a_plain_jpeg_becomes_a_face(site: Site, terminal: Terminal) -> None:
    site.publish("qyzn/SN1/command/add_face/1001/f7", JPEG)
    (request,) = asked(terminal)
    assert request.body == {"message": "add_face", "data": {"personId": "1001", "faceId": "f7", "image": PICTURE}}
    terminal.reply(request.sequence)
    assert one_response(site, "add_face")["status"] == "ok"


def test_what_is_no_jpeg_is_refused_without_being_quoted(site: Site, terminal: Terminal) -> None:
    for payload, got in ((b"", "nothing"), (b"GIF89a", "base64 of something that is not a JPEG")):
        site.publish("qyzn/SN1/command/add_face/1001/f7", payload)
        response = one_response(site, "add_face")
        assert response["code"] == "invalid"
        assert response["error"].startswith("data.image: expected a JPEG")
        assert response["error"].endswith(got)
    assert asked(terminal) == []


def test_a_retained_face_is_refused(site: Site, terminal: Terminal) -> None:
    site.publish("qyzn/SN1/command/add_face/1001/f7", JPEG, retain=True)
    assert asked(terminal) == []
    assert one_response(site, "add_face")["code"] == "retained"


@pytest.mark.parametrize("limit", [1024, 5 << 20])
def test_a_picture_over_the_sites_limit_is_refused_wherever_it_stands_and_no_other(make_site: MakeSite, limit: int) -> None:
    site = make_site(limits={"image_bytes": limit})
    terminal = site.terminal()
    asked(terminal)
    large = JPEG + bytes(limit)
    site.publish("qyzn/SN1/command/add_face/1001/f7", large)
    response = one_response(site, "add_face")
    assert response["error"] == f"data.image: expected a JPEG of at most {limit} bytes, got one of {len(large)}"
    site.publish("qyzn/SN1/command/add_face/1001/f7", JPEG + bytes(limit - len(JPEG)))
    assert len(asked(terminal, "add_face")) == 1


# Privacy.


def test_a_card_read_on_demand_tells_no_more_than_an_event_would(make_site: MakeSite) -> None:
    site = make_site(privacy={"omit": ["person_name", "id_number"]})
    terminal = site.terminal()
    asked(terminal)
    site.command("swiping_card", {"timeOut": 5})
    terminal.reply(asked(terminal, "swiping_card")[0].sequence, 0, {"cardType": 0, "name": "Jim", "idNum": "4203", "address": "here"})
    assert one_response(site, "swiping_card")["data"] == {"cardType": 0, "address": "here"}


# Topics.


@pytest.mark.parametrize(
    ("topic", "answered_on"),
    [
        ("add_face/7", "add_face"),
        ("add_face/7/f/x", "add_face"),
        ("open_door/x", "open_door"),
        ("open_door/", "open_door"),
        ("", "command"),
    ],
)
def test_a_command_topic_of_another_form_is_answered_too(site: Site, terminal: Terminal, topic: str, answered_on: str) -> None:
    site.publish(f"qyzn/SN1/command/{topic}", JPEG)
    assert asked(terminal) == []
    response = one_response(site, answered_on)
    assert response["code"] == "invalid"
    assert response["error"].startswith("topic: expected …/command/<name>")


def test_a_command_topic_that_ends_too_early_is_answered_too(site: Site, terminal: Terminal) -> None:
    site.publish("qyzn/SN1/command")
    assert one_response(site, "command")["code"] == "invalid"
