from __future__ import annotations

import pytest

from bridge.errors import Invalid
from bridge.registry import admission
from bridge.session.admission import Admitted
from tests.registry.conftest import MakeSite
from tests.registry.site import (
    ELSEWHERE,
    MAC,
    OTHER_MAC,
    SHUT_OUT,
    Site,
    told,
)


def test_approving_unblocks_and_keeps_the_secret(open_site: Site) -> None:
    admitted = open_site.join()
    open_site.admission.block("SN1")
    assert told(open_site.refusal()) == ("blocked", *SHUT_OUT)
    open_site.admission.approve("SN1")
    assert isinstance(open_site.login(admitted), Admitted)


def test_blocking_wins_over_the_configuration(make_site: MakeSite) -> None:
    site = make_site(approved=frozenset({"SN1"}))
    site.join()
    site.admission.block("SN1")
    assert site.refusal().kind == "blocked"


def test_a_removed_terminal_is_a_stranger(site: Site) -> None:
    site.refusal()
    site.admission.approve("SN1")
    admitted = site.join()
    assert site.admission.remove("SN1").serial == "SN1"
    assert told(site.login(admitted))[0] == "unknown"
    assert site.refusal().kind == "pending"


def test_names(site: Site) -> None:
    site.refusal()
    site.admission.approve("SN1", " Tor 1 ")
    assert site.join().identity.name == "Tor 1"
    site.admission.rename("SN1", "前门")
    again = site.join()
    assert again.identity.name == site.admission.name_of(site.known()) == "前门"
    site.admission.approve("SN1")
    assert site.known().name == "前门"


@pytest.mark.parametrize("name", ["", "  ", "x" * 65, "a\nb", "\ud800", 5, ["x"], None])
def test_what_is_no_name(site: Site, name: object) -> None:
    site.refusal()
    with pytest.raises(Invalid, match=r"^name: expected 1 to 64 printable characters, got "):
        site.admission.rename("SN1", name)
    if name is not None:
        with pytest.raises(Invalid):
            site.admission.approve("SN1", name)
    assert (site.known().status, site.known().name) == ("pending", "")


def test_a_name_in_the_configuration_stands(make_site: MakeSite) -> None:
    site = make_site(approved=frozenset({"SN1"}), names={"SN1": "Front door"})
    site.join()
    with pytest.raises(Invalid, match=r"^name: expected no name, since the configuration names this terminal"):
        site.admission.rename("SN1", "Back door")


@pytest.mark.parametrize("serial", ["SN2", "sn1", "", None, 5, ["SN1"], {}, "a\nb"])
@pytest.mark.parametrize("act", ["approve", "block", "remove", "rename"])
def test_a_terminal_that_is_not_known(site: Site, act: str, serial: object) -> None:
    site.refusal()
    arguments = (serial, "name") if act == "rename" else (serial,)
    with pytest.raises(Invalid, match=r"^id: expected the serial of a terminal that is known, got ") as caught:
        getattr(site.admission, act)(*arguments)
    assert str(caught.value).isprintable()


def test_a_closed_registration_has_no_window_and_no_approvals(make_site: MakeSite, site: Site) -> None:
    site.refusal()
    closed = make_site(policy="closed")
    with pytest.raises(Invalid, match=r"^time: expected no window, since registration is closed"):
        closed.admission.permit_join(60)
    with pytest.raises(Invalid, match=r"^id: expected a terminal that the configuration names"):
        closed.admission.approve("SN1")
    assert closed.known().status == "pending"


def test_closed_terminals_of_the_configuration_can_be_unblocked(make_site: MakeSite) -> None:
    site = make_site(policy="closed", approved=frozenset({"SN1"}))
    site.join()
    site.admission.block("SN1")
    site.admission.approve("SN1")
    site.join()


def test_a_window_for_no_time_at_all(site: Site) -> None:
    with pytest.raises(Invalid, match=r"^time: "):
        site.admission.permit_join(3601)


def test_a_mac_that_changed_before_the_approval_has_to_be_named(site: Site) -> None:
    site.refusal()
    site.now = 10.0
    site.refusal(mac=OTHER_MAC, address=ELSEWHERE)
    assert site.known().mac == OTHER_MAC, "the latest is shown"
    with pytest.raises(Invalid, match=r"^mac: expected the MAC address that is meant"):
        site.admission.approve("SN1")
    site.admission.approve("SN1", mac="8c:ec:4b:91:04:0c")
    assert site.refusal(mac=OTHER_MAC).kind == "other_mac"
    site.join(mac=MAC)


def test_a_mac_that_changed_long_ago_does_for_approval(site: Site) -> None:
    site.refusal()
    site.now = 10.0
    site.refusal(mac=OTHER_MAC)
    site.now = 10.0 + admission.CONTESTED_S
    site.refusal(mac=OTHER_MAC)
    site.admission.approve("SN1")
    site.join(mac=OTHER_MAC)


def test_a_replaced_terminal_is_approved_with_its_new_mac(open_site: Site) -> None:
    open_site.join()
    open_site.admission.approve("SN1", mac=OTHER_MAC)
    assert open_site.refusal(mac=MAC).kind == "other_mac"
    open_site.join(mac=OTHER_MAC)


def test_a_mac_that_is_none_can_be_named_as_it_is_shown(site: Site) -> None:
    site.refusal(mac="eth0")
    site.admission.approve("SN1", mac="eth0")
    site.join(mac="eth0")


@pytest.mark.parametrize("mac", ["", " : ", MAC[:-1], MAC + "0", 5, ["x"]])
def test_what_is_no_mac(site: Site, mac: object) -> None:
    site.refusal()
    with pytest.raises(Invalid, match=r"^mac: expected a MAC address"):
        site.admission.approve("SN1", mac=mac)


def test_each_act_is_told_once_it_is_kept(site: Site) -> None:
    site.refusal()
    site.admission.approve("SN1")
    site.join()
    site.admission.rename("SN1", "Tor")
    site.admission.block("SN1")
    site.admission.remove("SN1")
    assert [what for what, _ in site.has_changed()] == ["pending", "approved", "registered", "renamed", "blocked", "removed"]
    assert site.changes[-1].terminal.name == "Tor"
