from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.mqtt.message import Message
from bridge.mqtt.topics import CommandTopic
from bridge.relay.calls import CommandRules
from bridge.relay.config_reading import READ_S
from bridge.relay.config_setting import MOST_WAITING
from tests.relay.config_site import LEDS, PUSH, VOLUME, Site, Terminal

WHOLE = {"audioctl": {"level": 9}}


def only(responses: list[Any]) -> Any:
    """The one response; a second one would be as wrong as none."""
    assert len(responses) == 1, responses
    return responses[0]


def test_a_change_becomes_config_system_and_is_read_back() -> None:
    site = Site()
    terminal = site.join_and_tell(VOLUME)
    site.set("audioctl", {"level": 9}, correlation_data=b"c1", response_topic="my/answers")
    asked = terminal.next()
    assert (asked.message, asked.data) == ("config_system", {"audioctl": {"level": 9}})
    assert site.responses() == []
    asked.says()
    response = only(site.responses())
    assert (response["status"], response["command"], response["device_id"], response["result"]) == ("ok", "config_system", "HG1", 0)
    assert [each.json for each in site.link.on("my/answers")] == [response]
    assert site.config("audioctl") == {"level": 7}, "it is the terminal that says how it is now"
    again = terminal.next()
    assert (again.message, again.data, again.timeout_s) == ("get_configs", {"groupKey": ["audioctl"]}, READ_S)
    again.says([{"groupKey": "audioctl", "level": 8}])
    assert site.config("audioctl") == {"level": 8}
    assert terminal.asked == []


def test_a_part_is_completed_from_what_is_known() -> None:
    site = Site()
    terminal = site.join_and_tell(LEDS | {"newInV9": 1})
    site.set("ledctl", {"closeScreen": 5})
    assert terminal.next().data == {"ledctl": {"mode": 2, "closeScreen": 5}}, "without what config_system does not have"


def test_what_the_terminal_said_is_sent_back_even_out_of_range() -> None:
    site = Site()
    switch = {"groupKey": "switchCtrl", "switchOutput": True, "switchOutMode": 65, "outputInterval": 2000, "outputDelay": 0}
    terminal = site.join_and_tell(switch)
    site.set("switchCtrl", {"outputDelay": 100})
    asked = terminal.next()
    assert asked.data["switchCtrl"]["switchOutMode"] == 65
    asked.says()
    terminal.next().says([switch])
    site.set("switchCtrl", {"switchOutMode": 65})
    assert "switchOutMode" in site.responses()[1]["error"], "but nobody else may say so"
    assert terminal.asked == []


def test_a_partial_change_of_the_time_does_not_set_the_clock_back() -> None:
    site = Site()
    time = {"timezone": 20, "time_control": 1, "currenttime": "2001-01-01 00:00:00", "ntpServer": "192.0.2.1", "ntpPort": 123}
    terminal = site.join_and_tell({"groupKey": "time", **time})
    site.set("time", {"timezone": 19})
    assert terminal.next().data["time"] == time | {"timezone": 19, "currenttime": "2019-07-31 09:17:59"}


def test_the_mask_is_never_written() -> None:
    site = Site()
    terminal = site.join_and_tell(PUSH)
    shown = site.config("HttpPush")
    site.set("HttpPush", shown | {"timeout": 9})
    sent = terminal.next().data["HttpPush"]
    assert (sent["appSecret"], sent["timeout"]) == ("open sesame", 9)


def test_the_mask_is_never_written_by_the_command_either() -> None:
    site = Site()
    terminal = site.join_and_tell(PUSH)
    site.command("config_system", {"HttpPush": site.config("HttpPush")})
    assert terminal.next().data["HttpPush"]["appSecret"] == "open sesame"


def test_a_new_secret_may_be_set_by_the_command() -> None:
    site = Site()
    terminal = site.join_and_tell(PUSH)
    site.command("config_system", {"HttpPush": site.config("HttpPush") | {"appSecret": "close sesame"}})
    assert terminal.next().data["HttpPush"]["appSecret"] == "close sesame"


def test_a_mask_that_stands_for_nothing_known_is_refused() -> None:
    site = Site()
    terminal = site.join_and_tell()
    push = {name: value for name, value in PUSH.items() if name != "groupKey"} | {"appSecret": "***"}
    site.command("config_system", {"HttpPush": push})
    site.set("HttpPush", push)
    assert terminal.asked == []
    assert [(each["code"], "appSecret" in each["error"]) for each in site.responses()] == [("invalid", True)] * 2


def test_a_new_secret_is_written_and_not_published() -> None:
    site = Site()
    terminal = site.join_and_tell(PUSH)
    site.set("HttpPush", {"appSecret": "close sesame"})
    asked = terminal.next()
    assert asked.data["HttpPush"]["appSecret"] == "close sesame"
    asked.says()
    terminal.next().fails()
    assert site.config("HttpPush")["appSecret"] == "***"
    assert not site.has_published(b"sesame")


@pytest.mark.parametrize(
    ("group", "payload", "named"),
    [
        ("volume", {"level": 3}, "group"),
        ("version", {"appVer": "2"}, "version"),
        ("netinfo", {}, "netinfo"),
        ("audioctl", {"level": 16}, "level"),
        ("audioctl", {"level": "3"}, "level"),
        ("audioctl", {"level": True}, "level"),
        ("audioctl", {"level": "***"}, "level"),
        ("audioctl", {"loudness": 3}, "loudness"),
        ("audioctl", {}, "data"),
        ("audioctl", {"data": [3]}, "data"),
        ("audioctl", [3], "payload"),
        ("audioctl", {"data": {"level": 3}, "ttl": -1}, "ttl"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_sent(group: str, payload: Any, named: str) -> None:
    site = Site()
    terminal = site.join_and_tell(VOLUME)
    site.set(group, payload)
    response = only(site.responses())
    assert (response["status"], response["code"]) == ("error", "invalid")
    assert named in response["error"]
    assert terminal.asked == []


def test_a_part_of_what_is_not_known() -> None:
    site = Site()
    terminal = site.join()  # it has not answered yet
    site.set("ledctl", {"mode": 1})
    response = only(site.responses())
    assert response["code"] == "invalid"
    assert "closeScreen" in response["error"]
    assert "not known" in response["error"]
    assert len(terminal.asked) == 1
    site.set("ledctl", {"mode": 1, "closeScreen": 0})
    assert terminal.asked[1].data == {"ledctl": {"mode": 1, "closeScreen": 0}}, "given whole, it need not be known"


def test_a_group_that_the_terminal_lacks() -> None:
    site = Site()
    terminal = site.join_and_tell(VOLUME)
    site.set("ledctl", {"mode": 1})
    refusal = only(site.responses())
    assert refusal["code"] == "invalid"
    assert "does not seem to have" in refusal["error"]
    site.set("ledctl", {"mode": 1, "closeScreen": 0})
    terminal.next().says(result=103)
    assert (site.responses()[1]["code"], site.responses()[1]["result"]) == ("device_error", 103), "the terminal itself has the last word"
    terminal.next().says(result=103)
    assert site.config("ledctl") is None

    site.set("ledctl", {"mode": 1, "closeScreen": 0})
    terminal.next().says()
    terminal.next().says([LEDS])
    assert site.config("ledctl") == {"mode": 2, "closeScreen": 1}
    assert "ledctl" not in site.configuration.lacking("HG1")


def test_the_rules_of_commands_hold() -> None:
    site = Site(CommandRules(deny=frozenset({"config_system"})))
    site.join_and_tell(VOLUME)
    site.set("audioctl", {"level": 9})
    site.set("audioctl", {"level": 9}, retain=True)
    assert [each["code"] for each in site.responses()] == ["forbidden", "retained"]

    site = Site()
    site.set("audioctl", {"level": 9})
    site.set("audioctl", {"level": 9}, device="HG9")
    assert only(site.responses())["code"] == "device_offline"
    assert only(site.responses(device="HG9"))["code"] == "device_unknown"
    site.join_and_tell(VOLUME)
    site.set("audioctl", {"level": 9, "issued_at": "2019-01-01T00:00:00Z", "ttl": 10})
    site.commands.is_shutting_down = True
    site.set("audioctl", {"level": 9})
    assert [each["code"] for each in site.responses()[1:]] == ["expired", "shutting_down"]


def test_the_envelope_and_the_transaction() -> None:
    site = Site()
    terminal = site.join_and_tell(VOLUME, LEDS)
    site.set("audioctl", {"data": {"level": 9}, "transaction": "t1", "timeout": 5, "ttl": 30})
    asked = terminal.next()
    assert (asked.timeout_s, asked.expires_in_s) == (5, 30)
    asked.says()
    terminal.next().says([VOLUME])
    site.set("audioctl", {"data": {"level": 9}, "transaction": "t1", "timeout": 5, "ttl": 30})
    assert [(each["transaction"], each.get("duplicate")) for each in site.responses()] == [("t1", None), ("t1", True)]
    assert terminal.asked == []


def test_a_transaction_is_for_one_group() -> None:
    site = Site()
    terminal = site.join_and_tell(VOLUME, LEDS)
    site.set("audioctl", {"transaction": "t1"})
    site.set("ledctl", {"transaction": "t1"})
    assert [each["code"] for each in site.responses()] == ["invalid", "duplicate"]
    assert terminal.asked == []


def test_two_changes_of_one_group_lose_nothing() -> None:
    site = Site()
    terminal = site.join_and_tell(LEDS)
    site.set("ledctl", {"mode": 1})
    site.set("ledctl", {"closeScreen": 10})
    first = terminal.next()
    assert (first.data, terminal.asked) == ({"ledctl": {"mode": 1, "closeScreen": 1}}, []), "the second waits"
    first.says()
    assert terminal.asked[0].message == "get_configs"
    terminal.next().says([LEDS | {"mode": 1}])
    assert terminal.next().data == {"ledctl": {"mode": 1, "closeScreen": 10}}


def test_a_change_that_is_refused_does_not_colour_the_next() -> None:
    site = Site()
    terminal = site.join_and_tell(LEDS)
    site.set("ledctl", {"mode": 1})
    site.set("ledctl", {"closeScreen": 10})
    terminal.next().says(result=104)
    terminal.next().fails()
    assert terminal.next().data == {"ledctl": {"mode": 2, "closeScreen": 10}}
    assert site.responses()[0]["code"] == "device_error"


def test_the_command_waits_for_its_turn_as_well() -> None:
    site = Site()
    terminal = site.join_and_tell(LEDS)
    site.command("config_system", {"ledctl": {"mode": 1, "closeScreen": 0}})
    site.set("ledctl", {"closeScreen": 10})
    terminal.next().says()
    terminal.next().fails()
    assert terminal.next().data == {"ledctl": {"mode": 1, "closeScreen": 10}}


def test_terminals_do_not_wait_for_each_other() -> None:
    site = Site()
    first, second = site.join_and_tell(VOLUME), site.join(Terminal("HG2"))
    second.next().says([VOLUME])
    second.asked.clear()
    site.set("audioctl", {"level": 9})
    site.set("audioctl", {"level": 9}, device="HG2")
    assert (len(first.asked), len(second.asked)) == (1, 1)


def test_a_change_that_waited_too_long_is_not_sent() -> None:
    site = Site()
    terminal = site.join_and_tell(VOLUME)
    site.set("audioctl", {"level": 9})
    site.set("audioctl", {"level": 3, "ttl": 5})
    site.set("audioctl", {"data": {"level": 4}, "timeout": 5})
    site.set("audioctl", {"data": {"level": 5}, "timeout": 15, "ttl": 20})
    site.clock.advance(6)
    terminal.next().says()
    terminal.next().says([VOLUME])
    assert [each.get("code") for each in site.responses()] == [None, "expired", "timeout"]
    asked = terminal.next()
    assert (asked.data, asked.timeout_s, asked.expires_in_s) == ({"audioctl": {"level": 5}}, 9, 14)


def test_a_change_whose_terminal_goes_while_it_waits() -> None:
    site = Site()
    terminal = site.join_and_tell(VOLUME)
    for _ in range(1 + MOST_WAITING + 1):
        site.set("audioctl", {"level": 9})
    assert only(site.responses())["code"] == "busy", "the last was one too many"
    del site.live["HG1"]
    terminal.next().fails("superseded")
    assert [each["code"] for each in site.responses()] == ["busy", "superseded", *["device_offline"] * MOST_WAITING]
    assert terminal.asked == []


def test_what_waits_at_the_end_is_refused() -> None:
    site = Site()
    terminal = site.join_and_tell(VOLUME)
    site.set("audioctl", {"level": 9})
    site.set("audioctl", {"level": 3})
    site.commands.is_shutting_down = True
    del site.live["HG1"]
    terminal.next().fails("superseded")
    assert [each["code"] for each in site.responses()] == ["superseded", "shutting_down"]


@pytest.mark.parametrize("how", ["silent", "absent", "refused"])
def test_what_was_sent_is_believed_when_it_cannot_be_read(how: str) -> None:
    site = Site()
    terminal = site.join_and_tell(LEDS | {"newInV9": 1})
    site.set("ledctl", {"mode": 0})
    terminal.next().says()
    asked = terminal.next()
    if how == "silent":
        asked.fails()
    else:
        asked.says([], result=0 if how == "absent" else 103)
    assert site.config("ledctl") == {"mode": 0, "closeScreen": 1, "newInV9": 1}


def test_a_change_without_an_answer_is_read_too_but_not_believed() -> None:
    site = Site()
    terminal = site.join_and_tell(VOLUME)
    site.set("audioctl", {"level": 9})
    terminal.next().fails()
    assert only(site.responses())["code"] == "timeout"
    terminal.next().fails()
    assert site.config("audioctl") == {"level": 7}
    site.set("audioctl", {"level": 9})
    terminal.next().fails()
    terminal.next().says([{"groupKey": "audioctl", "level": 9}])
    assert site.config("audioctl") == {"level": 9}, "it was carried out after all"


def test_a_change_that_never_left_is_not_read() -> None:
    site = Site()
    terminal = site.join_and_tell(VOLUME)
    site.set("audioctl", {"level": 9})
    terminal.next().fails("busy", attempts=0)
    assert terminal.asked == []


def test_config_system_leads_to_reading_all_its_groups() -> None:
    site = Site()
    terminal = site.join_and_tell(VOLUME, LEDS)
    site.command("config_system", {"audioctl": {"level": 3}, "ledctl": {"mode": 0, "closeScreen": 2}})
    terminal.next().says()
    asked = terminal.next()
    assert sorted(asked.data["groupKey"]) == ["audioctl", "ledctl"]
    asked.says([{"groupKey": "audioctl", "level": 3}])
    assert (site.config("audioctl"), site.config("ledctl")) == ({"level": 3}, {"mode": 0, "closeScreen": 2})


def test_get_configs_refreshes_what_is_known() -> None:
    site = Site()
    terminal = site.join_and_tell(VOLUME)
    site.command("get_configs", {"groupKey": ["audioctl", "ledctl"]})
    terminal.next().says([{"groupKey": "audioctl", "level": 2}, LEDS])
    assert only(site.responses("get_configs"))["status"] == "ok"
    assert (site.config("audioctl"), site.config("ledctl")) == ({"level": 2}, {"mode": 2, "closeScreen": 1})


def test_secrets_are_masked_in_the_response_however_they_come() -> None:
    site = Site()
    terminal = site.join_and_tell()
    for data in ([PUSH], PUSH):
        site.command("get_configs", {"groupKey": ["HttpPush"]})
        terminal.next().says(data)
    assert len(site.responses("get_configs")) == 2
    assert not site.has_published(b"open sesame")


def test_what_a_login_read_before_a_change_does_not_undo_it() -> None:
    site = Site()
    terminal = site.join()
    old = terminal.next()
    site.set("audioctl", {"level": 9})
    terminal.next().says()
    terminal.next().says([{"groupKey": "audioctl", "level": 9}])
    old.says([VOLUME, LEDS])
    assert (site.config("audioctl"), site.config("ledctl")) == ({"level": 9}, {"mode": 2, "closeScreen": 1})


def test_an_answer_from_before_a_change_does_not_undo_it() -> None:
    site = Site()
    terminal = site.join_and_tell(VOLUME, LEDS)
    site.command("get_configs", {"groupKey": ["audioctl", "ledctl"]})
    old = terminal.next()
    site.set("audioctl", {"level": 9})
    terminal.next().says()
    terminal.next().says([{"groupKey": "audioctl", "level": 9}])
    old.says([VOLUME, LEDS | {"mode": 1}])
    assert site.config("audioctl") == {"level": 9}
    assert site.config("ledctl")["mode"] == 1, "the other group was not changed meanwhile"


def test_a_message_on_the_set_topic_is_read_once_more_by_nobody() -> None:
    """The command's own topic and the group's tell transactions apart, and both answer on the command's."""
    site = Site()
    terminal = site.join_and_tell(VOLUME)
    site.set("audioctl", {"data": {"level": 9}, "transaction": "t1"})
    terminal.next().says()
    terminal.next().says([VOLUME])
    message = Message("qyzn/HG1/command/config_system", json.dumps({"data": {"level": 9}, "transaction": "t1"}).encode())
    site.commands.message(CommandTopic("HG1", "config_system"), message)
    assert [each.get("code") for each in site.responses()] == [None, "duplicate"]
