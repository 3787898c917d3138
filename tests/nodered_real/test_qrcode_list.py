"""The flow that decides on QR codes: what is in the list opens, while it counts, and nothing opens that is asked at another time."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.homeassistant_real.home_assistant import until
from tests.integration.raw_terminal import RawTerminal
from tests.nodered_real.conftest import Site

DEADLINE_S = 3.0  # the bridge's; the default holds from then on


@pytest.mark.parametrize("content", ["4711", 'a, "b" c', "seconds"])
def test_a_code_of_the_list_opens(site: Site, terminal: RawTerminal, content: str) -> None:
    began = time.monotonic()
    assert site.scan(terminal, content)
    assert time.monotonic() - began < DEADLINE_S / 2


@pytest.mark.parametrize("content", ["4712", " 4711", "early", "over", "endless", "code", "", "__proto__"])
def test_any_other_is_denied_at_once(site: Site, terminal: RawTerminal, content: str) -> None:
    began = time.monotonic()
    assert not site.scan(terminal, content)
    assert time.monotonic() - began < DEADLINE_S / 2, "that was the bridge's default"


def test_many_at_once_are_told_apart(site: Site, terminal: RawTerminal) -> None:
    asked = [(terminal.request("qrcode_data", {"content": content}), content) for content in ["4711", "4712"] * 5]
    for sequence, content in asked:
        assert terminal.answer_to(sequence)["data"] == {"opendoor": int(content == "4711")}


def test_a_change_of_the_list_counts_without_a_word_to_node_red(site: Site, terminal: RawTerminal) -> None:
    path = site.node_red.home / "qyzn-qrcodes.csv"
    before = path.read_text()
    path.write_text(before.replace("4711,Jane Doe,,2099-12-31", "4711,Jane Doe,,2020-12-31") + "visitor,Ann,,2099-12-31\n")
    until(lambda: site.scan(terminal, "visitor"), "the new list")
    assert not site.scan(terminal, "4711")
    path.write_text(before)
    until(lambda: site.scan(terminal, "4711"), "the old list")
    assert not site.scan(terminal, "visitor")


def question(serial: str, event_id: str, in_s: float, **more: Any) -> tuple[str, dict[str, Any]]:
    """As the bridge asks, about a code that is in the list."""
    answer_by = (datetime.now(UTC) + timedelta(seconds=in_s)).isoformat()
    said = {"event_id": event_id, "device_id": serial, "device_name": serial, "content": "4711", "replay": False}
    return f"qyzn/{serial}/event/qrcode", said | {"answer_topic": f"qyzn/{serial}/answer/qrcode", "answer_by": answer_by} | more


def test_a_question_of_another_time_is_not_answered(site: Site) -> None:
    serial = f"Old{time.time_ns()}"
    site.impostor.publish(*question(serial, "over", -0.001))
    site.impostor.publish(*question(serial, "replayed", 60, replay=True))
    site.impostor.publish(*question(serial, "now", 60))
    answered = site.administrator.first(f"qyzn/{serial}/answer/qrcode")
    assert answered.json == {"event_id": "now", "open": True}, "it is the last that was asked, and the first that was answered"
    assert f"too late for {serial}" in site.node_red.line_with(f"too late for {serial}")


def test_a_question_that_the_broker_kept_is_not_answered(site: Site) -> None:
    serial = f"Kept{time.time_ns()}"
    site.node_red.stop()
    site.impostor.publish(*question(serial, "kept", 3600), retain=True)
    site.impostor.publish(*question(serial, "asked while it was away", 3600))
    site.start_node_red()
    site.impostor.publish(*question(serial, "now", 3600))
    assert site.administrator.first(f"qyzn/{serial}/answer/qrcode").json["event_id"] == "now"


def test_the_door_stays_shut_while_node_red_is_away(site: Site, terminal: RawTerminal) -> None:
    site.node_red.stop()
    assert not site.scan(terminal, "4711")
    site.start_node_red()
    assert site.scan(terminal, "4711")
