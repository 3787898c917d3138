from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from bridge.catalogue import Result
from bridge.catalogue.identity import Login
from bridge.registry import Terms, admission
from bridge.session.admission import Admission, Admitted, Attempt, Refused
from tests.registry.conftest import MakeSite
from tests.registry.site import (
    ELSEWHERE,
    HERE,
    MAC,
    OTHER_MAC,
    PENDING,
    SHUT_OUT,
    STAMP,
    WALL,
    Site,
    login_of,
    register_of,
    reopened,
    told,
)


def test_it_is_what_sessions_ask_for(site: Site) -> None:
    admission: Admission = site.admission
    assert admission is not None


# The policies.


def test_approve_keeps_a_stranger_waiting_until_it_is_approved(site: Site) -> None:
    refused = site.refusal()
    assert told(refused) == ("pending", *PENDING)
    assert refused.serial == "SN1"
    assert "device/approve" in refused.reason
    assert MAC in refused.reason
    assert (site.known().status, site.known().mac, site.known().model, site.known().address) == ("pending", MAC, "KG02", HERE)
    site.admission.approve("SN1")
    assert site.join().identity.serial == "SN1"
    assert site.known().status == "approved"


def test_open_lets_a_stranger_in(open_site: Site) -> None:
    admitted = open_site.join()
    assert (admitted.identity.serial, admitted.identity.name, admitted.identity.model, admitted.identity.mac) == ("SN1", "SN1", "KG02", MAC)
    assert open_site.has_changed() == [("approved", "SN1")]


def test_open_holds_one_that_the_configuration_does_not_approve(make_site: MakeSite) -> None:
    site = make_site(policy="open", held=frozenset({"SN1"}))
    assert site.refusal().kind == "pending"
    site.admission.approve("SN1")
    site.join()


def test_closed_lets_in_those_alone_that_the_configuration_names(make_site: MakeSite) -> None:
    site = make_site(policy="closed", approved=frozenset({"SN1"}))
    assert told(site.refusal("SN2")) == ("closed", *SHUT_OUT)
    assert site.registry.get("SN2") is None
    site.join("SN1")


def test_closed_shuts_out_a_terminal_that_was_approved_before(make_site: MakeSite, open_site: Site) -> None:
    admitted = open_site.join()
    site = make_site(policy="closed")
    assert told(site.refusal()) == ("closed", *SHUT_OUT)
    assert told(site.login(admitted)) == ("closed", *SHUT_OUT)


@pytest.mark.parametrize("policy", ["approve", "open", "closed"])
def test_the_configuration_approves_at_once(make_site: MakeSite, policy: str) -> None:
    site = make_site(policy=policy, approved=frozenset({"SN1"}), names={"SN1": "Front door"})
    assert site.join().identity.name == "Front door"


def test_the_configuration_approves_one_that_is_pending(make_site: MakeSite, site: Site) -> None:
    site.refusal()
    make_site(approved=frozenset({"SN1"})).join()


def test_open_is_not_open_to_endless_inventions(open_site: Site, make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(admission, "MAX_UNASKED", 3)
    for number in range(3):
        open_site.join(f"SN{number}")
    assert open_site.refusal("SN3").kind == "pending"
    open_site.admission.permit_join(60)
    assert open_site.refusal("SN3").kind == "pending"
    make_site(approved=frozenset({"SN3"})).join("SN3")


# The window.


def test_a_window_lets_in_whoever_registers_while_it_is_open(site: Site) -> None:
    site.refusal("SN1")
    assert site.admission.permit_join(60) == WALL + 60
    assert site.admission.permit_join_until == WALL + 60
    site.join("SN1")
    site.join("SN2")
    site.now = 60.0
    assert site.refusal("SN3").kind == "pending"
    assert site.admission.permit_join_until is None


def test_a_window_lets_in_a_known_terminal_with_another_mac_while_it_is_connected(open_site: Site) -> None:
    first = open_site.join()
    open_site.connected.add("SN1")
    open_site.admission.permit_join(60)
    again = open_site.join(mac=OTHER_MAC)
    assert again.identity.uuid == first.identity.uuid
    assert open_site.known().mac == OTHER_MAC


def test_a_window_does_not_unblock(site: Site) -> None:
    site.refusal()
    site.admission.block("SN1")
    site.admission.permit_join(60)
    assert site.refusal().kind == "blocked"


# What is wrong with the request itself.


@pytest.mark.parametrize("serial", ["", "bridge", "all", "a/b", "a b", "+", "#", "x" * 65, "ä", "SN1\n", "$SYS"])
def test_a_serial_that_cannot_be_a_topic(open_site: Site, serial: str) -> None:
    refused = open_site.refusal(serial)
    assert told(refused) == ("bad_serial", Result.BAD_PARAMETER, None)
    assert refused.serial is None
    assert refused.reason.isprintable()
    assert open_site.registry.count == 0


@pytest.mark.parametrize("serial", ["x" * 64, "A-Z_09", "Bridge", "0"])
def test_a_serial_that_can(open_site: Site, serial: str) -> None:
    assert open_site.join(serial).identity.serial == serial


def test_a_register_with_a_wrong_sign(open_site: Site) -> None:
    assert told(open_site.refusal(sign="0" * 32)) == ("bad_sign", Result.WRONG_PASSWORD, None)
    assert open_site.registry.count == 0


def test_a_sign_in_upper_case(open_site: Site) -> None:
    assert isinstance(open_site.register(sign=register_of("SN1").sign.upper()), Admitted)


def test_the_sign_is_over_the_mac_as_it_was_written(open_site: Site) -> None:
    assert open_site.join(mac="8c:ec:4b:91:04:0c").identity.mac == MAC
    open_site.join(mac=MAC)


def test_strange_words_are_kept_short_and_fit_to_show(open_site: Site) -> None:
    register = register_of("SN1", mac="m" * 5000, model="K\x1bG" + "x" * 5000)
    assert isinstance(open_site.admission.register(register, Attempt("fe80::1%eth0\n")), Admitted)
    known = open_site.known()
    assert (known.mac, known.model, known.address) == ("M" * 32, "KG" + "x" * 30, "fe80::1%eth0")


def test_a_terminal_that_does_not_say_its_model_again_keeps_it(open_site: Site) -> None:
    open_site.join()
    again = open_site.admission.register(register_of("SN1", model=None), Attempt(HERE))
    assert isinstance(again, Admitted)
    assert again.identity.model == "KG02"


def test_case_makes_another_terminal(open_site: Site) -> None:
    assert open_site.join("sn1").identity.uuid != open_site.join("SN1").identity.uuid


# Registering again.


def test_a_known_terminal_gets_a_new_secret_and_keeps_its_uuid(open_site: Site) -> None:
    first = open_site.join()
    open_site.now = 100.0
    again = open_site.join()
    assert again.identity.uuid == first.identity.uuid
    assert again.passwd != first.passwd
    assert isinstance(open_site.login(first), Admitted), "it may never have heard of the new one"
    third = open_site.join()
    assert isinstance(open_site.login(first), Admitted)
    assert told(open_site.login(again))[0] == "bad_sign", "only the newest, and the one used last"
    assert isinstance(open_site.login(third), Admitted)
    assert told(open_site.login(first))[0] == "bad_sign"
    assert (open_site.known().first_seen, open_site.known().last_seen) == (WALL, WALL + 100)
    assert open_site.has_changed() == [("approved", "SN1"), ("registered", "SN1"), ("registered", "SN1")]


def test_uuid_and_passwd_have_the_protocols_lengths(open_site: Site) -> None:
    admitted = open_site.join()
    assert re.fullmatch(r"[0-9a-f]{32}", admitted.identity.uuid)
    assert re.fullmatch(r"[A-Za-z0-9_-]{16}", admitted.passwd or "")


@pytest.mark.parametrize("policy", ["approve", "open", "closed"])
def test_nobody_registers_as_a_known_terminal_with_another_mac(make_site: MakeSite, policy: str) -> None:
    site = make_site(policy=policy, approved=frozenset({"SN1"}))
    admitted = site.join()
    before = site.known()
    refused = site.refusal(mac=OTHER_MAC, address=ELSEWHERE)
    assert told(refused) == ("other_mac", *PENDING)
    assert MAC in refused.reason
    assert OTHER_MAC in refused.reason
    assert site.known() == before
    assert isinstance(site.login(admitted), Admitted)


@pytest.mark.parametrize("policy", ["approve", "open", "closed"])
def test_nobody_registers_as_a_terminal_that_is_connected(make_site: MakeSite, policy: str) -> None:
    site = make_site(policy=policy, approved=frozenset({"SN1"}))
    admitted = site.join()
    site.connected.add("SN1")
    before = site.known()
    assert told(site.refusal(address=ELSEWHERE)) == ("already_connected", *PENDING)
    assert site.known() == before
    assert isinstance(site.login(admitted), Admitted)


def test_the_same_connection_may_register_again(open_site: Site) -> None:
    open_site.join()
    open_site.connected.add("SN1")
    open_site.join(identified_as="SN1")


def test_a_connection_speaks_for_one_terminal(open_site: Site) -> None:
    other = open_site.join("SN2")
    assert told(open_site.refusal("SN1", identified_as="SN2")) == ("other_terminal", Result.BAD_PARAMETER, None)
    assert open_site.registry.get("SN1") is None
    assert told(open_site.login(other, identified_as="SN1")) == ("other_terminal", Result.BAD_PARAMETER, None)


def test_a_terminal_approved_but_never_let_in_needs_its_own_mac_too(site: Site) -> None:
    site.refusal()
    site.admission.approve("SN1")
    assert site.refusal(mac=OTHER_MAC).kind == "other_mac"
    site.join()


# Logging in.


def test_a_terminal_that_is_back(open_site: Site) -> None:
    admitted = open_site.join()
    open_site.now = 50.0
    verdict = open_site.admission.login(login_of(admitted, version="V1.2\x07"), Attempt(ELSEWHERE))
    assert isinstance(verdict, Admitted)
    assert verdict.passwd is None
    assert (verdict.identity.serial, verdict.identity.firmware) == ("SN1", "V1.2")
    known = open_site.known()
    assert (known.firmware, known.address, known.last_seen) == ("V1.2", ELSEWHERE, WALL + 50)
    assert isinstance(open_site.admission.login(login_of(admitted, version=None), Attempt(HERE)), Admitted)
    assert open_site.known().firmware == "V1.2"


def test_a_login_while_another_connection_is_alive(open_site: Site) -> None:
    admitted = open_site.join()
    open_site.connected.add("SN1")
    assert isinstance(open_site.login(admitted), Admitted)


def test_a_login_with_a_uuid_that_was_not_given_here(site: Site) -> None:
    refused = site.admission.login(Login(uuid="f" * 32, timestamp=STAMP, sign="0" * 32), Attempt(HERE))
    assert told(refused) == ("unknown", Result.REGISTER_AGAIN, None)


def test_a_login_with_another_secret(open_site: Site) -> None:
    admitted = open_site.join()
    refused = open_site.login(admitted, "x" * 16)
    assert told(refused) == ("bad_sign", Result.WRONG_PASSWORD, None)
    assert isinstance(refused, Refused)
    assert refused.serial == "SN1"
    assert open_site.known().last_seen == WALL


def test_a_login_of_a_blocked_terminal(open_site: Site) -> None:
    admitted = open_site.join()
    open_site.admission.block("SN1")
    assert told(open_site.login(admitted)) == ("blocked", *SHUT_OUT)
    assert told(open_site.login(admitted, "x" * 16))[0] == "bad_sign", "whoever has not the secret learns nothing"


def test_a_login_of_a_pending_terminal(open_site: Site) -> None:
    admitted = open_site.join()
    open_site.registry.put(replace(open_site.known(), status="pending"))
    assert told(open_site.login(admitted)) == ("pending", *PENDING)


def test_who_joined_is_known_after_a_restart(open_site: Site) -> None:
    admitted = open_site.join()
    site = Site(reopened(open_site.registry), Terms(policy="approve"))
    assert isinstance(site.login(admitted), Admitted)
    site.registry.close()
