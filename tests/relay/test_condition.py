from __future__ import annotations

from bridge import __version__
from bridge.mqtt.message import BrokerLimits
from bridge.relay.condition import HEALTH_EVERY_S, resident_bytes
from tests.relay.conftest import MakeSite
from tests.relay.site import NOW, Site, Terminal


def test_what_the_bridge_says_of_itself(make_site: MakeSite) -> None:
    site = make_site(listen=["tcp:8899"], mqtt={"url": "mqtt://me:s3cret@broker:1883"})
    site.link.go_down()
    site.relay.start()
    site.link_up(BrokerLimits("5", receive_maximum=20))
    (sent,) = {each.publication for each in site.link.on("qyzn/bridge/info")}
    assert (sent.retain, sent.qos) == (True, 1)
    info = site.link.on("qyzn/bridge/info")[-1].json
    assert {name: info[name] for name in ("version", "instance", "started_at", "listeners", "permit_join")} == {
        "version": __version__,
        "instance": None,
        "started_at": NOW,
        "listeners": ["tcp:8899"],
        "permit_join": {"open": False, "until": None},
    }
    assert info["mqtt"]["version"] == "5"
    assert info["mqtt"]["limits"]["receive_maximum"] == 20
    assert info["configuration"]["mqtt"]["url"] == "mqtt://***@broker:1883"
    assert b"s3cret" not in sent.payload


def test_secrets_of_terminals_and_of_the_broker_are_never_published(make_site: MakeSite) -> None:
    site = make_site(mqtt={"url": "mqtts://broker", "username": "me", "password": "s3cret"})
    site.relay.start()
    terminal = site.terminal()
    site.link_up()
    site.request("health")
    site.wait(HEALTH_EVERY_S)
    sent = b"".join(each.publication.payload for each in site.link.sent)
    assert sent
    for secret in (b"s3cret", terminal.passwd.encode(), terminal.uuid.encode()):
        assert secret not in sent


def test_info_is_as_the_broker_of_the_moment_is(site: Site) -> None:
    site.relay.start()
    site.link_up(BrokerLimits("5"))
    site.link.taken()
    site.link.go_down()
    site.link_up(BrokerLimits("3.1.1"))
    assert site.link.on("qyzn/bridge/info")[-1].json["mqtt"]["version"] == "3.1.1"


def test_info_tells_when_the_window_has_closed_by_itself(site: Site) -> None:
    def permit_join() -> list[bool]:
        return [each.json["permit_join"]["open"] for each in site.link.on("qyzn/bridge/info")]

    site.request("permit_join", {"time": 60})
    site.wait(30)
    site.request("permit_join", {"time": 60})
    site.wait(31)
    assert permit_join() == [True]
    site.wait(29)
    assert permit_join() == [True, False]
    site.request("permit_join", {"time": 3600})  # whose timer must not outlive the bridge


def test_health_each_minute_and_only_while_the_broker_is_there(site: Site, terminal: Terminal) -> None:
    site.relay.start()
    terminal.recognise()
    site.command("open_door")
    site.clock.advance(HEALTH_EVERY_S)
    (health,) = site.link.on("qyzn/bridge/health")
    assert (health.publication.retain, health.publication.qos, health.publication.content_type) == (True, 0, "application/json")
    told = health.json
    assert (told["uptime_s"], told["mqtt"]) == (60, {"connected": True, "congested": False})
    assert told["memory"]["rss_bytes"] > 1_000_000
    assert told["terminals"] == {"SN1": {"events": 1, "commands": 1, "refused": 0, "faults": 0, "connections": 1}}
    site.link.taken()
    site.link.go_down()
    site.clock.advance(HEALTH_EVERY_S)
    assert site.link.on("qyzn/bridge/health") == []
    site.link_up()
    assert len(site.link.on("qyzn/bridge/health")) == 1, "at once: nobody is to wait a minute, or to see what was before"
    site.clock.advance(HEALTH_EVERY_S)
    assert len(site.link.on("qyzn/bridge/health")) == 2


def test_memory_is_measured() -> None:
    assert resident_bytes() > 1_000_000
