"""The signs against the document's own vectors."""

from __future__ import annotations

import pytest

from bridge.simulator.identity import Credentials, Identity, login_sign, numbered, register_sign
from tests.vectors import SIGNS


@pytest.mark.parametrize("vector", [each for each in SIGNS if each["message"] == "register"])
def test_register_sign(vector: dict[str, str]) -> None:
    assert register_sign(Identity(vector["serial"], vector["mac"]), vector["timestamp"]) == vector["sign"]


@pytest.mark.parametrize("vector", [each for each in SIGNS if each["message"] == "login"])
def test_login_sign(vector: dict[str, str]) -> None:
    assert login_sign(Credentials(vector["uuid"], vector["passwd"]), vector["timestamp"]) == vector["sign"]


def test_terminals_are_numbered() -> None:
    assert numbered("DEMO", 1) == Identity("DEMO0001", "025159000001")
    assert numbered("", 12345) == Identity("12345", "025159003039")
    first_octet = int(numbered("DEMO", 1).mac[:2], 16)
    assert first_octet & 2, "locally administered"
    assert not first_octet & 1, "not a group"


def test_a_secret_stays_out_of_what_is_printed() -> None:
    assert "secret" not in repr(Credentials("uuid-1", "secret"))
