"""Payloads made from a pattern: to the byte what would have been put together for the one terminal."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.catalogue import GROUPS
from bridge.homeassistant import Offer, Patterns, Terminal, announcement, terminal_device
from bridge.homeassistant.pattern import MOST_KINDS
from bridge.mqtt.topics import Topics

TOPICS = Topics("site/qyzn")
EVERYTHING = Offer(lock=True, tags=True, body_temperature=True)
PATTERNS = Patterns(TOPICS, EVERYTHING)

serials = st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True)
texts = st.text(max_size=20) | st.sampled_from(["0theSerial0", "0theName0", '"0theModel0"', "\\", '"', "", "门"])


def put_together(terminal: Terminal, gone: dict[str, str]) -> bytes:
    return announcement(terminal_device(terminal, TOPICS, EVERYTHING), gone)


@given(serials, texts, texts, texts, st.frozensets(st.sampled_from(sorted(GROUPS)), max_size=3), st.sampled_from([{}, {"old": "sensor"}]))
def test_it_is_what_would_have_been_put_together(
    serial: str, name: str, model: str, firmware: str, groups: frozenset[str], gone: dict[str, str]
) -> None:
    terminal = Terminal(serial=serial, name=name, model=model, firmware=firmware, groups=groups)
    assert PATTERNS.announcement(terminal, gone) == put_together(terminal, gone)


@pytest.mark.parametrize("serial", ["HG1", "-a--B-", "__", "0theSerial0", "qyzn_0theserial0", "0theserial0"])
def test_odd_serials(serial: str) -> None:
    terminal = Terminal(serial=serial, name=serial, model="HG02", firmware="V1", groups=frozenset(GROUPS))
    assert PATTERNS.announcement(terminal, {}) == put_together(terminal, {})


def test_no_more_kinds_are_kept_than_there_is_use_for() -> None:
    patterns = Patterns(TOPICS, Offer())
    terminal = Terminal(serial="HG1", name="Door")
    for number in range(3 * MOST_KINDS):
        patterns.announcement(terminal, {f"old-{number}": "sensor"})
    assert len(patterns._patterns) == MOST_KINDS
