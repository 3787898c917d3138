from __future__ import annotations

import pytest

from bridge.registry.terminal import normal_mac, shown


@pytest.mark.parametrize(
    "text", ["8CEC4B91040C", "8cec4b91040c", "8C:EC:4B:91:04:0C", "8c-ec-4b-91-04-0c", "8cec.4b91.040c", " 8CEC4B91040C\n"]
)
def test_one_mac_in_many_forms(text: str) -> None:
    assert normal_mac(text) == "8CEC4B91040C"


@pytest.mark.parametrize(
    ("text", "kept"),
    [("", ""), ("8CEC4B91040", "8CEC4B91040"), ("eth0:\x1b[2J", "ETH0:[2J"), ("x" * 100_000, "X" * 32), ("٨" * 12, "٨" * 12)],
)
def test_what_is_no_mac_is_kept_short_and_fit_to_show(text: str, kept: str) -> None:
    assert normal_mac(text) == kept


@pytest.mark.parametrize(
    ("text", "fit"),
    [
        ("KG02", "KG02"),
        ("a\nb\0c\x1b\u202ed\ud800", "abcd"),
        ("x" * 1_000_000, "x" * 32),
        ("  V1 \t", "V1"),
        ("门口机", "门口机"),
        ("", ""),
    ],
)
def test_what_strangers_say_is_made_fit_to_show(text: str, fit: str) -> None:
    assert shown(text, 32) == fit
