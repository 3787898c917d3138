"""How often doors are opened, and what happens to whoever asks more often."""

from __future__ import annotations

from typing import Any

import pytest

from bridge.catalogue import COMMANDS
from bridge.relay.bridge_events import MOST_SAID
from tests.relay.conftest import MakeSite
from tests.relay.site import Site, Terminal
from tests.relay.test_sending import asked

DOORS = [each for each in COMMANDS.values() if each.door]


def codes(site: Site, name: str = "open_door", device: str = "SN1") -> list[Any]:
    """Of the responses since last asked."""
    found = [each.get("code") for each in site.responses(name, device)]
    site.link.taken()
    return found


def test_more_door_commands_than_allowed_are_refused_and_told_when_to_try_again(site: Site, terminal: Terminal) -> None:
    for _ in range(10):
        site.command("open_door")
        site.clock.advance(0.5)
    site.command("open_door", {"transaction": "t"})
    assert len(asked(terminal, "open_door")) == 10
    (response,) = site.responses("open_door")
    assert (response["code"], response["transaction"], response["attempts"]) == ("rate_limited", "t", 0)
    assert response["error"] == "10 door commands in 10 s are the limit (commands.door_per_10_s); try again in 5 s"
    site.clock.advance(4.9)
    site.command("open_door")
    assert asked(terminal, "open_door") == []
    site.clock.advance(0.2)
    site.command("open_door")
    assert len(asked(terminal, "open_door")) == 1


def test_the_limit_is_the_configurations_and_all_commands_that_may_open_a_door_count(make_site: MakeSite) -> None:
    site = make_site(commands={"door_per_10_s": len(DOORS)})
    terminal = site.terminal()
    for each in DOORS:
        site.command(each.name, dict(each.example))
    assert len(asked(terminal)) == len(DOORS)
    site.link.taken()
    for each in DOORS:
        site.command(each.name, dict(each.example))
        assert codes(site, each.name) == ["rate_limited"]
    assert asked(terminal) == []


def test_other_commands_are_not_counted_and_not_limited(make_site: MakeSite) -> None:
    site = make_site(commands={"door_per_10_s": 1})
    terminal = site.terminal()
    for _ in range(3):
        site.command("get_configs", {"groupKey": ["version"]})
    site.command("open_door")
    assert [each.body["message"] for each in asked(terminal)[-4:]] == ["get_configs"] * 3 + ["open_door"]


def test_what_is_not_sent_is_not_counted(make_site: MakeSite) -> None:
    site = make_site(commands={"door_per_10_s": 2})
    terminal = site.terminal()
    site.command("open_door", {"transaction": "t"})
    terminal.reply(asked(terminal)[-1].sequence)
    for _ in range(5):
        site.command("open_door", {"transaction": "t"})  # done already
        site.command("open_door", {"door": 1})
        site.command("open_door", retain=True)
        site.command("open_door", {"issued_at": "2020-01-01T00:00:00Z"})
    site.link.taken()
    site.command("open_door")
    assert len(asked(terminal)) == 1
    site.command("open_door")
    assert codes(site) == ["rate_limited"]


def test_each_terminal_has_its_own_limit_also_when_all_are_asked(make_site: MakeSite) -> None:
    site = make_site(commands={"door_per_10_s": 1})
    one, two = site.terminal("SN1"), site.terminal("SN2")
    site.command("open_door", device="SN1")
    asked(one), asked(two)
    site.link.taken()
    site.command("open_door", device="all")
    assert (len(asked(one)), len(asked(two))) == (0, 1)
    assert codes(site, device="SN1") == ["rate_limited"]
    site.command("open_door", device="all")
    assert codes(site, device="SN2") == ["rate_limited"]


def test_a_terminal_that_is_busy_is_asked_again_for_one_command(make_site: MakeSite) -> None:
    site = make_site(commands={"door_per_10_s": 1})
    terminal = site.terminal()
    site.command("open_door")
    terminal.reply(asked(terminal, "open_door")[0].sequence, 109, {"waitSeconds": 1})
    site.wait(1)
    terminal.reply(asked(terminal, "open_door")[0].sequence)
    assert codes(site) == [None]


# Floods.


def test_a_flood_of_wrong_commands_is_answered_and_told_of_a_little(site: Site, terminal: Terminal) -> None:
    for _ in range(1_000):
        site.command("open_door", b"now")
    assert len(site.responses("open_door")) == 1_000, "each has its response"
    news = [each.json for each in site.link.on("qyzn/bridge/event")]
    assert [each["type"] for each in news] == ["command_refused"] * MOST_SAID
    assert not any("omitted" in each for each in news)
    assert site.request("health")["data"]["terminals"]["SN1"]["refused"] == 1_000
    site.wait(10)
    site.link.taken()
    site.command("open_door", b"now")
    (event,) = [each.json for each in site.link.on("qyzn/bridge/event")]
    assert (event["omitted"], event["data"]["code"]) == (1_000 - MOST_SAID, "invalid")


def test_a_flood_for_terminals_that_there_are_not_leaves_nothing_behind(site: Site) -> None:
    for number in range(1_000):
        site.command("open_door", device=f"X{number}")
    assert len(site.link.on("qyzn/bridge/event")) == MOST_SAID
    assert site.request("health")["data"]["terminals"] == {}


@pytest.mark.parametrize("payload", [b"yes", b"{}", b"1"])
def test_a_flood_of_answers_to_nothing_is_told_of_a_little(site: Site, terminal: Terminal, payload: bytes) -> None:
    for _ in range(1_000):
        site.publish("qyzn/SN1/answer/qrcode", payload)
    assert [kind for kind, _ in site.news()] == ["answer_late"] * MOST_SAID


def test_what_the_bridge_itself_has_to_tell_is_never_left_out(site: Site) -> None:
    for number in range(100):
        site.terminal(f"SN{number}")
    assert len([kind for kind, _ in site.news() if kind == "device_online"]) == 100
