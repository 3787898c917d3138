"""Two bridges on one broker: a terminal is the one's that it joined last."""

from __future__ import annotations

import pytest

from bridge.relay.claims import Claims
from tests.relay.conftest import MakeSite
from tests.relay.site import Site


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    site = make_site(instance="one")
    site.relay.start()
    return site


def info(instance: str | None, serial: str = "SN1") -> dict[str, str | None]:
    return {"id": serial, "instance": instance}


def test_a_terminal_that_moved_to_another_bridge_is_not_said_to_be_away(site: Site) -> None:
    terminal = site.terminal()
    terminal.hang_up()
    site.publish("qyzn/SN1/info", info("two"), retain=True)
    site.link.taken()
    site.wait(20)
    site.link.go_down()
    site.relay.link_down()
    site.link_up()
    assert [each.topic for each in site.link.sent if each.topic.startswith("qyzn/SN1/")] == []


def test_its_commands_are_left_to_the_other_bridge(site: Site) -> None:
    site.terminal().hang_up()
    site.command("open_door")
    assert [each["code"] for each in site.responses("open_door")] == ["device_offline"]
    site.publish("qyzn/SN1/info", info("two"))
    site.link.taken()
    site.command("open_door")
    site.command("open_door", device="all")
    assert site.link.sent == []


def test_it_is_ours_again_when_it_joins_again(site: Site) -> None:
    terminal = site.terminal()
    terminal.hang_up()
    site.publish("qyzn/SN1/info", info("two"))
    site.link.taken()
    terminal.again().log_in()
    assert [each.publication.payload for each in site.link.on("qyzn/SN1/availability")] == [b"online"]
    site.publish("qyzn/SN1/info", info("one"))
    site.publish("qyzn/SN1/info", info("two"))  # late: it is connected here
    site.command("open_door", response_topic="me")
    assert site.relay.presence.claims.is_elsewhere("SN1") is False


@pytest.mark.parametrize("payload", [b"", b"{", b"[]", {"id": "SN1"}, info(None), info(""), info("one"), {"instance": 5}])
def test_what_claims_nothing(site: Site, payload: object) -> None:
    site.terminal().hang_up()
    site.publish("qyzn/SN1/info", payload)
    assert not site.relay.presence.claims.is_elsewhere("SN1")


def test_a_bridge_without_a_name_does_not_listen(make_site: MakeSite) -> None:
    filters = [each.topic_filter for each in make_site().topics.subscriptions()]
    assert "qyzn/+/info" not in filters
    assert Claims("").is_elsewhere("SN1") is False


def test_the_others_info_is_asked_for_at_the_start(site: Site) -> None:
    (subscription,) = [each for each in site.topics.subscriptions() if each.topic_filter == "qyzn/+/info"]
    assert subscription.retain_handling == 0
