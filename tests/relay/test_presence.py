from __future__ import annotations

from typing import Any

from bridge.mqtt.message import BrokerLimits
from bridge.relay.presence import DEVICES_EVERY_S, GRACE_S
from tests.relay.conftest import MakeSite
from tests.relay.site import MAC, NOW, Site, Terminal, site_for


def availability(site: Site, serial: str = "SN1") -> list[bytes]:
    """What was published of it since last taken."""
    sent = site.link.on(f"qyzn/{serial}/availability")
    assert all(each.publication.retain and each.publication.qos == 1 for each in sent)
    return [each.publication.payload for each in sent]


def devices(site: Site) -> list[Any]:
    return [each.json for each in site.link.on("qyzn/bridge/devices")]


def test_a_terminal_that_joins_is_online_and_told_of(site: Site) -> None:
    site.terminal()
    assert availability(site) == [b"online"]
    assert site.news()[-1] == ("device_online", {"id": "SN1", "name": "SN1", "address": "192.0.2.7"})
    info = site.link.on("qyzn/SN1/info")
    assert info[-1].publication.retain
    assert info[-1].json == {
        "id": "SN1",
        "name": "SN1",
        "model": "KG02",
        "mac": MAC,
        "firmware": "V1.0.0",
        "protocol_version": 2,
        "address": "192.0.2.7",
        "instance": None,
        "session_since": NOW,
        "last_seen": NOW,
        "person_count": None,
    }
    assert info[0].json["firmware"] is None  # the register did not tell it


def test_info_tells_when_the_terminal_was_last_heard_of_but_not_with_each_event(site: Site, terminal: Terminal) -> None:
    def last_seen() -> list[str]:
        return [each.json["last_seen"] for each in site.link.on("qyzn/SN1/info")]

    terminal.recognise()
    site.clock.advance(59)
    terminal.recognise()
    assert last_seen() == []
    site.clock.advance(1)
    terminal.recognise()
    terminal.recognise()
    assert last_seen() == ["2023-11-14T22:14:20.000+00:00"]
    site.clock.advance(5)
    terminal.hang_up()
    assert last_seen()[1:] == ["2023-11-14T22:14:25.000+00:00"]


def test_a_terminal_that_is_lost_is_offline_after_the_grace(site: Site, terminal: Terminal) -> None:
    terminal.hang_up()
    site.wait(GRACE_S - 1)
    assert availability(site) == []
    site.wait(1)
    assert availability(site) == [b"offline"]
    (said,) = site.news()
    assert said == ("device_offline", {"id": "SN1", "name": "SN1", "reason": "connection lost: Connection was closed cleanly"})


def test_a_terminal_that_is_back_within_the_grace_was_never_away(site: Site, terminal: Terminal) -> None:
    terminal.hang_up()
    site.wait(GRACE_S - 1)
    back = terminal.again().log_in()
    site.wait(60)
    back.beat()
    assert availability(site) == []
    assert [kind for kind, _ in site.news()] == []


def test_a_terminal_that_comes_and_goes_has_a_grace_each_time(site: Site, terminal: Terminal) -> None:
    terminal.hang_up()
    site.wait(3)
    terminal.again().log_in().hang_up()
    site.wait(3)
    assert availability(site) == []
    site.wait(2)
    assert availability(site) == [b"offline"]


def test_a_logout_is_told_at_once(site: Site, terminal: Terminal) -> None:
    terminal.say("logout", {})
    assert availability(site) == [b"offline"]
    assert site.news() == [("device_offline", {"id": "SN1", "name": "SN1", "reason": "it logged out"})]


def test_a_replaced_connection_is_told_of_and_nothing_goes_offline(site: Site, terminal: Terminal) -> None:
    terminal.again("192.0.2.8").log_in()
    terminal.hang_up()
    site.wait(10)
    assert availability(site) == []
    assert site.news() == [("device_replaced", {"id": "SN1", "address": "192.0.2.8"})]
    assert site.link.on("qyzn/SN1/info")[-1].json["address"] == "192.0.2.8"


def test_known_terminals_that_stay_away_after_a_start_become_offline_after_the_grace() -> None:
    with site_for() as site:
        site.terminal("SN1").hang_up()
        here = site.terminal("SN2")
        site.terminal("SN3").hang_up()
        site.request("device/block", {"id": "SN3"})
        here.hang_up()
        site.wait(20)
        site.relay.presence._standings.clear()  # the bridge starts anew, with what the registry knows
        site.link.taken()
        site.relay.start()
        here.again().log_in()
        site.wait(GRACE_S - 1)
        assert (availability(site, "SN1"), availability(site, "SN2")) == ([], [b"online"])
        site.wait(1)
        assert (availability(site, "SN1"), availability(site, "SN2"), availability(site, "SN3")) == ([b"offline"], [b"online"], [])


def test_a_terminal_that_is_lost_while_the_bridge_starts_has_its_own_grace(site: Site) -> None:
    site.relay.start()
    site.wait(3)
    site.terminal().hang_up()
    site.wait(2)
    assert availability(site) == [b"online"]
    site.wait(3)
    assert availability(site) == [b"online", b"offline"]


def test_the_list_is_published_a_moment_later_and_once(site: Site) -> None:
    for number in range(20):
        site.terminal(f"SN{number:02}")
    assert devices(site) == []
    site.wait(DEVICES_EVERY_S)
    (listed,) = devices(site)
    assert [each["id"] for each in listed] == [f"SN{number:02}" for number in range(20)]
    assert listed[0] == {
        "id": "SN00",
        "name": "SN00",
        "model": "KG02",
        "mac": MAC,
        "firmware": "V1.0.0",
        "address": "192.0.2.7",
        "status": "approved",
        "online": True,
        "last_seen": "2023-11-14T22:13:21.000+00:00",
    }


def test_the_list_tells_who_is_pending_and_blocked_and_since_when_nobody_was_there(make_site: MakeSite) -> None:
    site = make_site(registration={"policy": "approve", "serials": ["SN1"]}, devices={"SN1": {"name": "Gate"}})
    terminal = site.terminal()
    Terminal(site, "SN2").register()
    site.wait(30)
    terminal.hang_up()
    site.wait(30)
    site.link.taken()
    site.request("device/block", {"id": "SN1"})
    site.wait(1)
    first, second = devices(site)[-1]
    assert (first["name"], first["status"], first["online"], first["last_seen"]) == (
        "Gate",
        "blocked",
        False,
        "2023-11-14T22:13:50.000+00:00",
    )
    assert (second["id"], second["status"], second["online"], second["model"]) == ("SN2", "pending", False, "KG02")


def test_the_list_agrees_with_the_availability(site: Site, terminal: Terminal) -> None:
    terminal.hang_up()
    site.terminal("SN2")
    site.wait(2)
    assert {each["id"]: each["online"] for each in devices(site)[-1]} == {"SN1": True, "SN2": True}
    site.wait(5)
    assert {each["id"]: each["online"] for each in devices(site)[-1]} == {"SN1": False, "SN2": True}


def test_what_was_missed_is_told_when_the_broker_is_back(site: Site, terminal: Terminal) -> None:
    site.link.go_down()
    site.relay.link_down()
    terminal.say("logout", {})
    site.wait(2)
    site.link_up(BrokerLimits("3.1.1"))
    assert availability(site) == [b"offline"]
    assert devices(site)[-1][0]["online"] is False


def test_a_removal_while_the_broker_is_away_is_made_up_for(site: Site, terminal: Terminal) -> None:
    site.link.go_down()
    site.publish("qyzn/bridge/request/device/remove", {"id": "SN1"})
    site.link_up()
    assert availability(site) == [b""]
    assert site.link.on("qyzn/bridge/response/device/remove")[0].json["status"] == "ok"


def test_no_face_of_a_removed_terminal_is_left_at_the_broker(make_site: MakeSite) -> None:
    site = make_site(images={"retain": True})
    site.terminal()
    site.request("device/remove", {"id": "SN1"})
    cleared = {each.topic for each in site.link.sent if each.publication.retain and each.publication.payload == b""}
    assert {f"qyzn/SN1/image/{kind}" for kind in ("recognition", "recognition_compare", "call", "person", "snapshot")} <= cleared
