from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.catalogue import COMMANDS, GROUPS
from bridge.mqtt.message import BrokerLimits
from bridge.relay.transactions import MOST_REMEMBERED
from bridge.session.inflight import MOST_WAITING
from bridge.wire import MessageType
from tests.relay.conftest import MakeSite
from tests.relay.site import NOW, WALL, Site, Terminal, site_for
from tests.terminal.lobby import Said
from tests.values import json_values

JPEG = b"\xff\xd8\xff\xe0 a face"
PICTURE = base64.b64encode(JPEG).decode()


def ago(seconds: float) -> str:
    return datetime.fromtimestamp(WALL - seconds, UTC).isoformat()


def asked(terminal: Terminal) -> list[Said]:
    """The requests that the terminal got."""
    return [each for each in terminal.heard() if each.type == MessageType.REQUEST]


def code(site: Site, name: str, device: str = "SN1") -> str:
    """The code of the one response to a command."""
    (response,) = site.responses(name, device)
    assert response["status"] == "error"
    assert response["error"]
    site.link.taken()
    return str(response["code"])


# Done.


def test_a_command_reaches_the_terminal_and_its_answer_comes_back(site: Site, terminal: Terminal) -> None:
    site.command("open_door", {"transaction": "t1"}, response_topic="me/answers", correlation_data=b"\x00c")
    (request,) = asked(terminal)
    assert request.body == {"message": "open_door", "data": {}}
    assert site.link.sent == []
    site.clock.advance(0.25)
    terminal.reply(request.sequence, 0, {}, "opened")
    usual, own = site.link.taken()
    assert (usual.topic, own.topic) == ("qyzn/SN1/response/open_door", "me/answers")
    assert usual.publication.payload == own.publication.payload
    for each in (usual.publication, own.publication):
        assert (each.correlation_data, each.qos, each.retain, each.content_type) == (b"\x00c", 1, False, "application/json")
    assert usual.json == {
        "status": "ok",
        "command": "open_door",
        "device_id": "SN1",
        "transaction": "t1",
        "result": 0,
        "description": "opened",
        "sequence": request.sequence,
        "attempts": 1,
        "elapsed_ms": 250,
        "time": NOW.replace("20.000", "20.250"),
    }


@pytest.mark.parametrize(
    "topic",
    ["qyzn/SN1/command/open_door", "qyzn/bridge/state", "qyzn/SN1/availability", "a/+", "$SYS/x", "", "homeassistant/device/x/config"],
)
def test_a_caller_cannot_have_the_bridge_speak_where_it_must_not(site: Site, terminal: Terminal, topic: str) -> None:
    site.command("open_door", response_topic=topic, correlation_data=b"c")
    terminal.reply(asked(terminal)[0].sequence)
    assert [each.topic for each in site.link.sent] == ["qyzn/SN1/response/open_door"]


def test_a_response_on_the_usual_topic_is_not_sent_twice(site: Site, terminal: Terminal) -> None:
    site.command("open_door", response_topic="qyzn/SN1/response/open_door")
    terminal.reply(asked(terminal)[0].sequence)
    assert len(site.link.sent) == 1


def test_the_time_is_the_terminals_zone(make_site: MakeSite) -> None:
    site = make_site(devices={"SN1": {"timezone": "Asia/Shanghai"}})
    site.command("open_door")
    assert site.responses("open_door")[0]["time"] == "2023-11-15T06:13:20.000+08:00"


def test_a_picture_goes_to_its_topic_and_is_named_in_the_data(site: Site, terminal: Terminal) -> None:
    site.command("snapshot_picture", {"timeoutSeconds": 5})
    (request,) = asked(terminal)
    terminal.reply(request.sequence, 0, {"image": PICTURE, "quality": 7})
    image, response = site.link.taken()
    assert (image.topic, image.publication.payload) == ("qyzn/SN1/image/snapshot", JPEG)
    data = response.json["data"]
    assert (data["image"], data["image_bytes"], data["quality"]) == ("qyzn/SN1/image/snapshot", len(JPEG), 7)
    assert PICTURE not in response.publication.payload.decode()


@pytest.mark.parametrize("image", ["?", None, 5, "", base64.b64encode(b"GIF").decode()])
def test_a_picture_that_is_none_is_a_response_all_the_same(site: Site, terminal: Terminal, image: Any) -> None:
    site.command("snapshot_picture", {"timeoutSeconds": 5})
    terminal.reply(asked(terminal)[0].sequence, 0, {"image": image})
    (response,) = site.link.taken()
    assert response.json["status"] == "ok"


def test_a_picture_that_the_broker_would_not_take_is_left_out_and_said_so(site: Site, terminal: Terminal) -> None:
    site.link_up(BrokerLimits("5", maximum_packet_bytes=2000))
    site.link.taken()
    site.command("snapshot_picture", {"timeoutSeconds": 5})
    terminal.reply(asked(terminal)[0].sequence, 0, {"image": base64.b64encode(JPEG + bytes(2000)).decode()})
    (response,) = site.link.taken()
    assert (response.json["data"]["image"], response.json["data"]["image_error"]) == (None, "2011 bytes are over the limit of 976")


def test_secrets_are_not_shown(site: Site, terminal: Terminal) -> None:
    groups = [{"groupKey": "HttpPush", "appSecret": "s3cret", "url": "u"}, {"groupKey": "HttpPush", "appsecret": "s3cret"}]
    for data in (groups, {"HttpPush": {"appSecret": "s3cret"}}):
        site.command("get_configs", {"groupKey": ["HttpPush"]})
        terminal.reply(asked(terminal)[0].sequence, 0, data)
    assert len(site.responses("get_configs")) == 2
    site.command("config_system", {"HttpPush": dict(GROUPS["HttpPush"].example)})
    terminal.reply(asked(terminal)[0].sequence, 104, {"HttpPush": {"appSecret": "s3cret"}})
    assert len(site.responses("config_system")) == 1
    assert all(b"s3cret" not in each.publication.payload for each in site.link.sent)


# Refused.


def test_a_retained_command_never_acts(site: Site, terminal: Terminal) -> None:
    site.command("open_door", {"transaction": "t"}, retain=True)
    assert site.responses("open_door")[0]["transaction"] == "t"
    assert code(site, "open_door") == "retained"
    assert asked(terminal) == []


@pytest.mark.parametrize(
    ("name", "payload", "says"),
    [
        ("open_door", b"now", "payload: expected JSON, or nothing, got something else"),
        ("open_door", b"[]", "payload: expected a JSON object, or nothing, got a list"),
        ("open_door", {"door": 1}, "data.door: expected no such field"),
        ("open_door", {"data": []}, "data: expected an object, got a list"),
        ("open_door", {"ttl": -1}, "ttl: expected seconds, more than 0 and at most 86400, got -1"),
        ("snapshot_picture", {}, "data.timeoutSeconds: expected a value, got nothing"),
        ("snapshot_picture", {"timeoutSeconds": 0}, "data.timeoutSeconds: expected 1 to 300, got 0"),
        ("get_configs", {"groupKey": []}, "data.groupKey: expected 1 to 64 items, got 0 items"),
    ],
)
def test_what_is_invalid_is_said(site: Site, terminal: Terminal, name: str, payload: Any, says: str) -> None:
    site.command(name, payload)
    assert site.responses(name)[0]["error"].startswith(says)
    assert code(site, name) == "invalid"
    assert asked(terminal) == []


def test_a_terminal_that_nobody_knows(site: Site) -> None:
    site.command("open_door", device="SN9")
    assert code(site, "open_door", "SN9") == "device_unknown"


def test_a_terminal_that_is_pending_is_no_terminal_yet(make_site: MakeSite) -> None:
    site = make_site(registration={"policy": "approve"})
    assert Terminal(site, "SN1").register().body["result"] == 109
    site.command("open_door")
    assert code(site, "open_door") == "device_unknown"


def test_a_terminal_that_is_away_is_said_so_at_once_and_the_command_is_not_kept(site: Site, terminal: Terminal) -> None:
    terminal.hang_up()
    site.command("open_door")
    assert code(site, "open_door") == "device_offline"
    assert asked(terminal.again().log_in()) == []


def test_an_unknown_command(site: Site, terminal: Terminal) -> None:
    site.command("open_dor")
    assert "open_door" in site.responses("open_dor")[0]["error"]
    assert code(site, "open_dor") == "unknown_command"


def test_a_report_is_no_command(site: Site, terminal: Terminal) -> None:
    site.command("snapshot_face")
    assert code(site, "snapshot_face") == "unknown_command"


def test_what_the_configuration_denies_is_forbidden(make_site: MakeSite) -> None:
    site = make_site(commands={"deny": ["open_door"]})
    terminal = site.terminal()
    site.command("open_door")
    assert code(site, "open_door") == "forbidden"
    assert asked(terminal) == []


def test_a_command_that_is_too_large(make_site: MakeSite) -> None:
    site = make_site(limits={"frame_bytes": 2048, "frame_bytes_before_login": 2048})
    site.terminal()
    site.command("open_door", {"x": "x" * 2048, "transaction": "t"})
    assert site.responses("open_door")[0]["transaction"] == "t"
    assert code(site, "open_door") == "too_large"


def test_an_answer_that_the_broker_would_not_take(site: Site, terminal: Terminal) -> None:
    site.link_up(BrokerLimits("5", maximum_packet_bytes=3000))
    site.link.taken()
    site.command("get_configs", {"groupKey": ["version"], "transaction": "t"})
    terminal.reply(asked(terminal)[0].sequence, 0, [{"groupKey": "version", "v": "x" * 3000}])
    (response,) = site.responses("get_configs")
    assert (response["code"], response["result"], "data" in response, response["transaction"]) == ("too_large", 0, False, "t")


def test_while_the_bridge_is_being_stopped(site: Site, terminal: Terminal) -> None:
    site.relay.shutting_down()
    site.command("open_door")
    assert code(site, "open_door") == "shutting_down"
    assert asked(terminal) == []


def test_a_terminal_that_says_no(site: Site, terminal: Terminal) -> None:
    site.command("open_door")
    terminal.reply(asked(terminal)[0].sequence, 104, {"why": "x"}, "bad parameter")
    (response,) = site.responses("open_door")
    assert (response["error"], response["result"], response["description"]) == ("bad_parameter", 104, "bad parameter")
    assert response["data"] == {"why": "x"}
    assert code(site, "open_door") == "device_error"


def test_a_transaction_comes_back_as_it_came_and_a_number_is_the_same_as_its_digits(site: Site, terminal: Terminal) -> None:
    site.command("open_door", {"transaction": 7})
    (door,) = asked(terminal)
    terminal.reply(door.sequence)
    site.command("open_door", {"transaction": "7"})
    assert asked(terminal) == []
    assert [(each["transaction"], each.get("duplicate")) for each in site.responses("open_door")] == [(7, None), ("7", True)]


def test_what_the_bridge_refuses_is_told_but_not_what_the_terminal_refuses(site: Site, terminal: Terminal) -> None:
    site.command("open_door", {"transaction": "t"}, retain=True)
    assert site.news() == [("command_refused", {"id": "SN1", "command": "open_door", "code": "retained", "transaction": "t"})]
    site.link.taken()
    site.command("open_door")
    terminal.reply(asked(terminal)[0].sequence, 104)
    assert site.news() == []


# Stale.


def test_an_old_command_is_refused_whatever_it_is(site: Site, terminal: Terminal) -> None:
    site.command("open_door", {"issued_at": ago(11)})
    assert code(site, "open_door") == "expired"
    site.command("snapshot_picture", {"data": {"timeoutSeconds": 5}, "issued_at": ago(11), "ttl": 10})
    assert code(site, "snapshot_picture") == "expired"
    site.command("open_door", expiry_s=0)
    assert code(site, "open_door") == "expired"
    assert asked(terminal) == []


def test_a_door_command_has_ten_seconds_and_another_has_for_ever(site: Site, terminal: Terminal) -> None:
    site.command("open_door", {"issued_at": ago(9)})
    site.command("get_configs", {"groupKey": ["version"], "issued_at": ago(3600)})
    site.command("open_door", {"issued_at": ago(50), "ttl": 60})
    assert [each.body["message"] for each in asked(terminal)] == ["open_door", "get_configs", "open_door"]


def test_a_door_command_is_sent_once_however_long_the_answer_takes(site: Site, terminal: Terminal) -> None:
    site.command("open_door", {"data": {}, "ttl": 1000, "timeout": 100})
    (request,) = asked(terminal)
    for _ in range(20):
        site.wait(5)
        terminal.beat()
    (response,) = site.responses("open_door")
    assert (response["code"], response["attempts"], response["sequence"]) == ("timeout", 1, request.sequence)
    assert [each for each in asked(terminal) if each.body["message"] == "open_door"] == []
    site.link.taken()
    terminal.reply(request.sequence)  # far too late
    assert site.responses("open_door") == []


def test_a_busy_terminal_is_asked_again_but_not_beyond_the_ttl(site: Site, terminal: Terminal) -> None:
    site.command("open_door")
    terminal.reply(asked(terminal)[0].sequence, 109, {"waitSeconds": 4})
    site.wait(4)
    (again,) = [each for each in asked(terminal) if each.body["message"] == "open_door"]
    terminal.reply(again.sequence, 109, {"waitSeconds": 7})
    assert code(site, "open_door") == "busy"


def test_a_command_that_becomes_stale_between_two_sends_is_not_sent_again(site: Site, terminal: Terminal) -> None:
    site.command("snapshot_picture", {"data": {"timeoutSeconds": 5}, "ttl": 10})
    assert len(asked(terminal)) == 1
    for _ in range(6):
        site.wait(5)
        terminal.beat()
    assert code(site, "snapshot_picture") == "expired"


def test_a_command_of_ones_own_timeout(site: Site, terminal: Terminal) -> None:
    site.command("get_configs", {"data": {"groupKey": ["version"]}, "timeout": 2})
    site.wait(2)
    assert code(site, "get_configs") == "timeout"


def test_too_many_at_once_are_busy(site: Site, terminal: Terminal) -> None:
    for _ in range(MOST_WAITING):
        site.command("sync_person")
    assert site.responses("sync_person") == []
    site.command("sync_person")
    assert code(site, "sync_person") == "busy"


@pytest.mark.parametrize("end", ["hang up", "replace", "block", "remove"])
def test_a_connection_that_ends_takes_its_commands_with_it(site: Site, terminal: Terminal, end: str) -> None:
    site.command("open_door")
    if end == "hang up":
        terminal.hang_up()
    elif end == "replace":
        terminal.again().log_in()
    else:
        site.publish(f"qyzn/bridge/request/device/{end}", {"id": "SN1"})
    assert code(site, "open_door") == "superseded"


# Transactions.


def test_a_transaction_is_done_once_and_answered_as_often_as_it_comes(site: Site, terminal: Terminal) -> None:
    site.command("open_door", {"transaction": "t"}, correlation_data=b"1")
    (request,) = asked(terminal)
    site.command("open_door", {"transaction": "t"}, correlation_data=b"2", response_topic="me")  # while it is under way
    assert site.link.sent == []
    terminal.reply(request.sequence, 0, {}, "opened")
    first, second, own = site.link.taken()
    assert [each.publication.correlation_data for each in (first, second, own)] == [b"1", b"2", b"2"]
    assert ("duplicate" in first.json, own.topic) == (False, "me")
    assert second.json == first.json | {"duplicate": True}
    site.wait(500)
    site.link.taken()
    site.command("open_door", {"transaction": "t"})
    assert site.responses("open_door") == [second.json]
    assert [each for each in asked(terminal) if each.body["message"] == "open_door"] == []


def test_a_transaction_used_for_something_else_is_refused_and_the_first_keeps_its_answer(site: Site, terminal: Terminal) -> None:
    site.command("snapshot_picture", {"timeoutSeconds": 5, "transaction": "t"})
    (request,) = asked(terminal)
    site.command("snapshot_picture", {"timeoutSeconds": 6, "transaction": "t"})
    assert code(site, "snapshot_picture") == "duplicate"
    site.command("get_configs", {"transaction": "t"})
    assert code(site, "get_configs") == "duplicate"
    terminal.reply(request.sequence)
    assert [each["status"] for each in site.responses("snapshot_picture")] == ["ok"]


def test_a_transaction_that_is_tried_again_with_another_time_is_the_same(site: Site, terminal: Terminal) -> None:
    site.command("open_door", {"transaction": "t", "issued_at": ago(1), "ttl": 5})
    terminal.reply(asked(terminal)[0].sequence)
    site.command("open_door", {"data": {}, "ttl": 7, "issued_at": ago(0), "transaction": "t"})
    assert asked(terminal) == []
    assert [each.get("duplicate") for each in site.responses("open_door")] == [None, True]


def test_refusals_push_no_door_out_of_the_memory(site: Site, terminal: Terminal) -> None:
    site.command("open_door", {"transaction": "fire"})
    terminal.reply(asked(terminal)[0].sequence)
    for number in range(MOST_REMEMBERED + 10):
        site.command("sync_person", {"transaction": f"flood-{number}", "ttl": 1e-9})
    site.link.taken()
    site.command("open_door", {"transaction": "fire"})
    assert asked(terminal) == []
    assert [each.get("duplicate") for each in site.responses("open_door")] == [True]


def test_a_retained_copy_of_a_running_transaction_does_not_spoil_its_answer(site: Site, terminal: Terminal) -> None:
    site.command("open_door", {"transaction": "t"})
    (request,) = asked(terminal)
    site.command("open_door", {"transaction": "t"})
    site.command("open_door", {"transaction": "t"}, retain=True)
    assert code(site, "open_door") == "retained"
    terminal.reply(request.sequence)
    site.command("open_door", {"transaction": "t"})
    assert [(each["status"], each.get("duplicate")) for each in site.responses("open_door")] == [("ok", None), ("ok", True), ("ok", True)]


def test_a_refusal_is_an_answer_too(site: Site, terminal: Terminal) -> None:
    terminal.hang_up()
    site.command("open_door", {"transaction": 5})
    site.command("open_door", {"transaction": 5})
    first, second = site.responses("open_door")
    assert (first["code"], first["transaction"]) == ("device_offline", 5)
    assert second == first | {"duplicate": True}


def test_the_same_transaction_at_another_terminal_is_another(site: Site, terminal: Terminal) -> None:
    other = site.terminal("SN2")
    site.command("open_door", {"transaction": "t"})
    site.command("open_door", {"transaction": "t"}, device="SN2")
    assert [len(asked(terminal)), len(asked(other))] == [1, 1]


# The broker away.


def test_a_response_waits_for_a_broker_that_is_away_and_comes_once(site: Site, terminal: Terminal) -> None:
    site.command("open_door", response_topic="me")
    (request,) = asked(terminal)
    site.link.go_down()
    terminal.reply(request.sequence)
    assert site.link.sent == []
    site.link_up()
    assert len(site.responses("open_door")) == len(site.link.on("me")) == 1
    site.link.taken()
    site.link_up()
    assert site.responses("open_door") == []


# Several bridges at one broker.


def test_a_bridge_that_shares_its_topics_leaves_terminals_of_others_alone(make_site: MakeSite) -> None:
    site = make_site(instance="north")
    terminal = site.terminal()
    site.link.taken()
    site.command("open_door", device="SN9")
    assert site.link.sent == []
    site.command("open_door")
    assert len(asked(terminal)) == 1


# Whatever comes.

payloads = st.binary(max_size=50) | json_values.map(lambda value: json.dumps(value).encode())
envelopes = st.fixed_dictionaries(
    {},
    optional={
        "data": json_values,
        "transaction": st.sampled_from(["a", "b", 1, None, [], ""]),
        "issued_at": st.sampled_from([ago(0), ago(1000), "x", None, 5]),
        "ttl": json_values,
        "timeout": json_values,
        "source": json_values,
    },
).map(lambda value: json.dumps(value).encode())
names = st.sampled_from([*COMMANDS, "snapshot_face", "raw", "ünknown", ""])


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Site, Terminal]]:
    """One site for all examples of the property: SN1 is there, SN2 is away."""
    with site_for() as site:
        guest = site.terminal()
        site.terminal("SN2").hang_up()
        yield site, guest


@settings(max_examples=200)
@given(
    st.lists(
        st.tuples(names, payloads | envelopes, st.sampled_from(["SN1", "SN2", "SN9", ""]), st.booleans(), st.none() | st.integers(0, 100)),
        min_size=1,
        max_size=8,
    )
)
def test_every_command_gets_exactly_one_response(
    shared: tuple[Site, Terminal], commands: list[tuple[str, bytes, str, bool, int | None]]
) -> None:
    site, guest = shared
    site.link.taken()
    wanted: list[bytes] = []
    for number, (name, payload, device, retain, expiry_s) in enumerate(commands):
        wanted.append(str(number).encode())
        site.command(name, payload, device, retain=retain, expiry_s=expiry_s, response_topic="me", correlation_data=wanted[-1])
    for request in asked(guest):
        guest.reply(request.sequence, 0, {"image": PICTURE})
    for _ in range(800):  # by then whatever was not answered has timed out
        if len(site.link.on("me")) >= len(wanted):
            break
        site.clock.advance(5)
        guest.beat()
        for request in asked(guest):
            guest.reply(request.sequence, 0, [])
    answered = [each.publication.correlation_data for each in site.link.on("me")]
    assert sorted(answered, key=str) == sorted(wanted, key=str)
    usual = [each for each in site.link.sent if "/response/" in each.topic]
    assert len(usual) == len(wanted)
    assert all(each.json["status"] in ("ok", "error") for each in usual)
