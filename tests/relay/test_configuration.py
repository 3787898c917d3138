"""Configurations in the whole bridge: what its parts tell each other about them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from bridge.catalogue.configuration import GROUPS
from bridge.relay.config_reading import JITTER_S
from bridge.session.inflight import RESEND_S
from tests.relay.conftest import MakeSite
from tests.relay.site import Site, Terminal
from tests.terminal.lobby import Said

WHOLE = [{"groupKey": name} for name in GROUPS if name != "audioctl"]


def kept(site: Site) -> dict[str, Any]:
    """The retained values of SN1's groups, by group."""
    retained = {each.topic: each.publication.payload for each in site.link.sent if each.publication.retain}
    prefix = "qyzn/SN1/config/"
    return {topic.removeprefix(prefix): json.loads(data) for topic, data in retained.items() if topic.startswith(prefix) and data}


def asked(terminal: Terminal) -> Said:
    (said,) = terminal.heard()
    return said


@pytest.fixture
def read(site: Site, terminal: Terminal) -> Terminal:
    """A terminal that has been read; its volume is 7."""
    site.wait(JITTER_S)
    said = asked(terminal)
    assert said.body == {"message": "get_configs", "data": {"groupKey": list(GROUPS)}}
    terminal.reply(said.sequence, data=[*WHOLE, {"groupKey": "audioctl", "level": 7}])
    return terminal


def test_a_terminal_is_read_when_it_has_joined(site: Site, read: Terminal) -> None:
    assert kept(site) == {name: {} for name in GROUPS} | {"audioctl": {"level": 7}}


def test_a_new_connection_is_read_too(site: Site, read: Terminal) -> None:
    again = read.again().log_in()
    site.wait(JITTER_S)
    said = asked(again)
    assert said.body["data"] == {"groupKey": list(GROUPS)}
    again.reply(said.sequence, data=[*WHOLE, {"groupKey": "audioctl", "level": 1}])
    assert kept(site)["audioctl"] == {"level": 1}


def test_a_terminal_that_logs_in_and_out_leaves_no_timer(site: Site, terminal: Terminal) -> None:
    assert list(site.relay.config_reading._due) == ["SN1"]
    terminal.say("logout")
    assert site.relay.config_reading._due == {}


def test_stopping_leaves_no_timer(site: Site, terminal: Terminal) -> None:
    site.relay.stop()
    assert site.relay.config_reading._due == {}


def test_a_login_that_tells_the_firmware_late(site: Site) -> None:
    terminal = Terminal(site, "SN1")
    terminal.register()
    site.wait(JITTER_S)
    terminal.reply(asked(terminal).sequence, data=[*WHOLE, {"groupKey": "audioctl"}])
    terminal.log_in("V9")
    site.wait(JITTER_S)
    assert asked(terminal).body["data"] == {"groupKey": list(GROUPS)}


def test_a_change_from_the_topic_to_the_terminal_and_back(site: Site, read: Terminal) -> None:
    site.publish("qyzn/SN1/config/audioctl/set", {"level": 9, "transaction": "t1"})
    said = asked(read)
    assert said.body == {"message": "config_system", "data": {"audioctl": {"level": 9}}}
    (said,) = read.reply(said.sequence)
    assert [(each["status"], each["transaction"]) for each in site.responses("config_system")] == [("ok", "t1")]
    assert said.body == {"message": "get_configs", "data": {"groupKey": ["audioctl"]}}
    read.reply(said.sequence, data=[{"groupKey": "audioctl", "level": 9}])
    assert kept(site)["audioctl"] == {"level": 9}
    assert site.relay.presence.counters["SN1"].commands == 1


def test_changes_wait_for_each_other_on_the_wire(site: Site, read: Terminal) -> None:
    for level in (9, 3):
        site.publish("qyzn/SN1/config/audioctl/set", {"level": level})
    (first,) = read.heard()
    site.wait(RESEND_S)
    (copy,) = read.heard()
    assert (copy.sequence, copy.body) == (first.sequence, first.body), "a re-send cannot carry old values past new ones"
    (back,) = read.reply(first.sequence)
    (second,) = read.reply(back.sequence, data=[{"groupKey": "audioctl", "level": 9}])
    assert second.body["data"] == {"audioctl": {"level": 3}}


def test_the_operator_may_deny_changes(make_site: MakeSite) -> None:
    site = make_site(commands={"deny": ["config_system"]})
    site.terminal()
    site.publish("qyzn/SN1/config/audioctl/set", {"level": 9})
    assert [each["code"] for each in site.responses("config_system")] == ["forbidden"]


def test_a_bridge_that_shares_its_topics_leaves_terminals_of_others_alone(make_site: MakeSite) -> None:
    site = make_site(instance="north")
    site.publish("qyzn/SN9/config/audioctl/set", {"level": 9})
    assert site.responses("config_system", "SN9") == []


def test_a_lost_connection_answers_what_waits(site: Site, read: Terminal) -> None:
    for level in (9, 3):
        site.publish("qyzn/SN1/config/audioctl/set", {"level": level})
    read.hang_up()
    assert [each["code"] for each in site.responses("config_system")] == ["superseded", "device_offline"]


def test_the_broker_is_told_again_when_it_is_back(site: Site, read: Terminal) -> None:
    site.link.go_down()
    site.link_up()
    assert kept(site)["audioctl"] == {"level": 7}


def test_a_removed_terminal_leaves_nothing_even_of_an_earlier_run(site: Site) -> None:
    site.terminal()
    site.link.taken()
    assert site.request("device/remove", {"id": "SN1"})["status"] == "ok"
    cleared = {each.topic for each in site.link.sent if each.publication.retain and not each.publication.payload}
    assert {f"qyzn/SN1/config/{name}" for name in GROUPS} <= cleared


def test_a_terminal_in_the_middle_of_it_when_the_bridge_ends(site: Site, terminal: Terminal) -> None:
    site.wait(JITTER_S)
    assert len(terminal.heard()) == 1
    site.publish("qyzn/SN1/config/audioctl/set", {"level": 9})
    site.publish("qyzn/SN1/config/audioctl/set", {"level": 8})
    site.relay.shutting_down()
    site.factory.close_all("the bridge is being stopped")
    assert [each["code"] for each in site.responses("config_system")] == ["superseded", "shutting_down"]
