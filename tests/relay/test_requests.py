from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import LogLevel

from tests.relay.conftest import MakeSite
from tests.relay.site import MAC, Site, Terminal, site_for
from tests.terminal.lobby import logged
from tests.values import json_values


@pytest.fixture
def pending(make_site: MakeSite) -> Site:
    """A site where SN1 waits for approval."""
    site = make_site(registration={"policy": "approve"})
    assert Terminal(site, "SN1").register().body["result"] == 109
    site.link.taken()
    return site


def test_a_pending_terminal_is_approved_and_let_in(pending: Site) -> None:
    assert pending.request("device/approve", {"id": "SN1", "name": "Gate"}) == {"status": "ok", "data": {"id": "SN1", "status": "approved"}}
    assert pending.news() == [("device_approved", {"id": "SN1"})]
    assert Terminal(pending, "SN1").register().body["result"] == 0
    assert pending.relay.presence.name_of("SN1") == "Gate"


def test_a_terminal_is_blocked_and_thrown_out(site: Site, terminal: Terminal) -> None:
    assert site.request("device/block", {"id": "SN1"}) == {"status": "ok", "data": {"id": "SN1", "status": "blocked"}}
    assert terminal.is_closing()
    assert Terminal(site, "SN1").register().body["result"] == 109
    assert site.request("device/approve", {"id": "SN1"})["status"] == "ok"
    assert Terminal(site, "SN1").register().body["result"] == 0


def test_a_terminal_is_removed_with_all_that_is_retained_of_it(site: Site, terminal: Terminal) -> None:
    assert site.request("device/remove", {"id": "SN1"}) == {"status": "ok", "data": {"id": "SN1"}}
    assert terminal.is_closing()
    assert ("device_removed", {"id": "SN1"}) in site.news()
    cleared = {each.topic for each in site.link.sent if each.publication.retain and each.publication.payload == b""}
    assert {"qyzn/SN1/availability", "qyzn/SN1/info"} <= cleared
    site.link.taken()
    site.wait(20)
    assert [each.topic for each in site.link.sent if each.topic.startswith("qyzn/SN1/")] == []
    assert site.link.on("qyzn/bridge/devices")[-1].json == []


def test_a_terminal_is_renamed(site: Site, terminal: Terminal) -> None:
    assert site.request("device/rename", {"id": "SN1", "name": "Gate"}) == {"status": "ok", "data": {"id": "SN1", "name": "Gate"}}
    assert site.link.on("qyzn/SN1/info")[0].json["name"] == "Gate"
    terminal.recognise()
    assert site.link.on("qyzn/SN1/event/recognition")[0].json["device_name"] == "Gate"


def test_a_window_is_opened_and_closed(pending: Site) -> None:
    response = pending.request("permit_join", {"time": 60})
    assert response == {"status": "ok", "data": {"open": True, "until": "2023-11-14T22:14:20.000+00:00"}}
    assert Terminal(pending, "SN2").register().body["result"] == 0
    assert pending.request("permit_join", {"time": 0}) == {"status": "ok", "data": {"open": False, "until": None}}
    assert Terminal(pending, "SN3").register().body["result"] == 109


def test_health_is_told(site: Site, terminal: Terminal) -> None:
    response = site.request("health")
    assert response["status"] == "ok"
    assert response["data"]["terminals"]["SN1"]["connections"] == 1


@pytest.mark.parametrize(
    ("name", "payload", "says"),
    [
        ("healt", b"", "request: expected one of"),
        ("device/approve", {"id": "SN9"}, "id: expected the serial of a terminal that is known, got SN9"),
        ("device/approve", {}, "id: expected a value, got nothing"),
        ("device/approve", {"id": 5}, "id: expected text, got a whole number"),
        ("device/approve", {"id": "SN1", "mac": "x"}, "mac: expected a MAC address"),
        ("device/approve", {"id": "SN1", "nmae": "x"}, "nmae: expected no such field"),
        ("device/rename", {"id": "SN1", "name": ""}, "name: expected 1 to 64 printable characters"),
        ("device/rename", {"id": "SN1"}, "name: expected a value, got nothing"),
        ("device/remove", {"id": ""}, "id: expected the serial"),
        ("permit_join", {"time": 3601}, "time: expected a number of seconds, 0 to 3600, got 3601"),
        ("permit_join", {"time": -1}, "time: expected"),
        ("permit_join", {"time": True}, "time: expected"),
        ("permit_join", {"time": "60"}, "time: expected"),
        ("permit_join", {"time": "5"}, "time: expected a number, got text"),
        ("permit_join", b"60", "payload: expected a JSON object, or nothing, got a whole number"),
        ("permit_join", b"on", "payload: expected JSON, or nothing"),
        ("health", {"verbose": 1}, "verbose: expected no such field"),
        ("health", {"transaction": []}, "transaction: expected"),
    ],
)
def test_what_does_not_exist_is_answered_with_an_error(pending: Site, name: str, payload: Any, says: str) -> None:
    response = pending.request(name, payload)
    assert response["status"] == "error"
    assert response["error"].startswith(says)


def test_no_window_where_registration_is_closed(make_site: MakeSite) -> None:
    site = make_site(registration={"policy": "closed"})
    assert site.request("permit_join", {"time": 60})["error"].startswith("time: expected no window")


@pytest.mark.parametrize(("given", "told"), [("t", "t"), (5, 5), ("", "")])
@pytest.mark.parametrize("name", ["health", "nonsense", "device/approve"])
def test_the_transaction_comes_back_whatever_becomes_of_the_request(site: Site, name: str, given: Any, told: Any) -> None:
    assert site.request(name, {"transaction": given})["transaction"] == told


def test_a_retained_request_is_refused(site: Site) -> None:
    response = site.request("permit_join", {"time": 60, "transaction": "t"}, retain=True)
    assert (response["status"], response["transaction"]) == ("error", "t")
    assert site.admission.permit_join_until is None


def test_a_caller_may_have_a_topic_of_its_own(site: Site) -> None:
    site.publish("qyzn/bridge/request/health", response_topic="me", correlation_data=b"c")
    assert [(each.topic, each.publication.correlation_data) for each in site.link.taken()] == [
        ("qyzn/bridge/response/health", b"c"),
        ("me", b"c"),
    ]
    site.publish("qyzn/bridge/request/health", response_topic="qyzn/bridge/state")
    assert [each.topic for each in site.link.taken()] == ["qyzn/bridge/response/health"]


def test_a_defect_is_answered_and_logged(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(site.admission, "block", lambda serial: 1 / 0)
    with logged(LogLevel.critical) as defects:
        response = site.request("device/block", {"id": "SN1", "transaction": "t"})
    assert response == {"status": "error", "error": "the bridge could not do it; its log says why", "transaction": "t"}
    assert [each["name"] for each in defects] == ["device/block"]


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    with site_for() as site:
        site.terminal().hang_up()
        yield site


requests = st.dictionaries(st.sampled_from(["id", "name", "mac", "time", "transaction"]), json_values | st.sampled_from(["SN1", MAC]))
names = st.sampled_from(["permit_join", "device/approve", "device/block", "device/rename", "health", "rediscover", "", "a/b/c", "ü"])


@given(names, requests.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=30), st.booleans())
def test_every_request_gets_exactly_one_response(shared: Site, name: str, payload: bytes, retain: bool) -> None:
    assert shared.request(name, payload, retain=retain)["status"] in ("ok", "error")
