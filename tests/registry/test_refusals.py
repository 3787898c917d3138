from __future__ import annotations

import pytest

from bridge.catalogue import Result
from bridge.registry import Registry
from bridge.registry.store import MAX_PENDING
from bridge.session.admission import Admitted
from tests.registry.conftest import MakeSite
from tests.registry.site import (
    ELSEWHERE,
    MAC,
    OTHER_MAC,
    PENDING,
    Site,
    told,
    written,
)


def test_a_pending_terminal_appears_once(site: Site) -> None:
    assert not site.refusal().repeated
    for site.now in range(10, 7200, 10):
        assert site.refusal().repeated
    assert site.has_changed() == [("pending", "SN1")]
    site.admission.remove("SN1")
    assert not site.refusal().repeated
    assert site.has_changed()[-1] == ("pending", "SN1")


def test_another_mac_is_another_appearance(site: Site) -> None:
    site.refusal()
    assert not site.refusal(mac=OTHER_MAC).repeated
    assert site.refusal().repeated


@pytest.mark.parametrize("kind", ["bad_serial", "bad_sign", "other_mac", "already_connected", "blocked", "closed"])
def test_every_refusal_is_news_once(open_site: Site, make_site: MakeSite, kind: str) -> None:
    open_site.join()
    site = make_site(policy="closed") if kind == "closed" else open_site
    if kind == "already_connected":
        site.connected.add("SN1")
    if kind == "blocked":
        site.admission.block("SN1")
    serial, mac = "a/b" if kind == "bad_serial" else "SN1", OTHER_MAC if kind == "other_mac" else MAC
    refusals = [site.refusal(serial, mac, sign="0" if kind == "bad_sign" else None) for _ in range(5)]
    assert {refused.kind for refused in refusals} == {kind}
    assert [refused.repeated for refused in refusals] == [False, True, True, True, True]


def test_failed_signs_are_limited_by_address(open_site: Site) -> None:
    admitted = open_site.join()
    results = [open_site.refusal(sign="0").result for _ in range(10)]
    assert results == [Result.WRONG_PASSWORD] * 10
    beyond = open_site.refusal(sign="0")
    assert (told(beyond), beyond.repeated) == (("bad_sign", Result.BUSY, 60), True)
    assert told(open_site.login(admitted, "x" * 16)) == ("bad_sign", Result.BUSY, 60)
    assert open_site.refusal(address=ELSEWHERE, sign="0").result == Result.WRONG_PASSWORD
    assert isinstance(open_site.login(admitted), Admitted), "one that is wrong does not lock out its neighbours"
    open_site.now = 60.0
    assert open_site.refusal(sign="0").result == Result.WRONG_PASSWORD


def test_secrets_are_not_shown(open_site: Site) -> None:
    admitted = open_site.join()
    assert admitted.passwd is not None
    shown = repr([admitted, open_site.known(), open_site.changes, open_site.login(admitted, "x" * 16), open_site.admission])
    assert admitted.passwd not in shown
    assert "x" * 16 not in shown


# Under strain.


def test_a_secret_that_cannot_be_stored_is_not_given(open_site: Site) -> None:
    admitted = open_site.join()
    open_site.registry._connection.execute("PRAGMA query_only = ON")
    assert told(open_site.refusal()) == ("not_stored", *PENDING)
    assert told(open_site.refusal("SN2"))[0] == "not_stored"
    open_site.registry._connection.execute("PRAGMA query_only = OFF")
    assert isinstance(open_site.login(admitted), Admitted), "the old secret still counts"
    assert open_site.registry.get("SN2") is None


def test_a_flood_of_inventions_is_bounded_and_writes_nothing(site: Site) -> None:
    site.refusal("wanted")
    site.admission.approve("wanted")
    site.refusal("unwanted")
    site.admission.block("unwanted")
    transactions = written(site.registry)
    for number in range(5000):
        assert site.refusal(f"SN{number}").kind == "pending"
    assert transactions == []
    assert site.registry.count == MAX_PENDING + 2
    assert site.known("SN4999").status == "pending"
    assert len(site.changes) <= 40, "nor is the operator flooded"
    site.registry.flush()
    assert transactions == ["COMMIT"]
    site.join("wanted")
    assert site.refusal("unwanted").kind == "blocked"


def test_many_logins_write_nothing(registry: Registry, open_site: Site) -> None:
    admitted = [open_site.join(f"SN{number}") for number in range(10)]
    transactions = written(registry)
    for _ in range(500):
        for each in admitted:
            assert isinstance(open_site.login(each), Admitted)
    assert transactions == []
