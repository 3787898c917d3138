"""The md5 signs, against the vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.session.signs import login_sign, register_sign, signs_match
from tests.vectors import SIGNS


@pytest.mark.parametrize("vector", SIGNS, ids=lambda vector: vector["message"])
def test_vectors(vector: dict[str, str]) -> None:
    made = {
        "register": lambda: register_sign(vector["serial"], vector["mac"], vector["timestamp"]),
        "login": lambda: login_sign(vector["uuid"], vector["passwd"], vector["timestamp"]),
    }[vector["message"]]()
    assert made == vector["sign"]
    assert signs_match(vector["sign"].upper(), made)
    assert not signs_match(vector["sign"][:-1], made)
    assert not signs_match("", made)
    assert not signs_match(vector["sign"] + " ", made)


@given(st.text(), st.text(), st.text())
def test_any_text_can_be_signed_and_compared(one: str, two: str, three: str) -> None:
    sign = login_sign(one, two, three)
    assert len(sign) == 32
    assert signs_match(sign, sign)
    assert not signs_match(three, sign) or three.lower() == sign
