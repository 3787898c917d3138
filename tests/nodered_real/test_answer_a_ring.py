"""The flow that answers rings, tells of them, and opens the door: by a click, or for a program that knows the token."""

from __future__ import annotations

import json
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.homeassistant_real.home_assistant import until
from tests.integration.broker import free_port
from tests.integration.raw_terminal import RawTerminal, recognition
from tests.nodered_real.conftest import Site, program
from tests.nodered_real.node_red import TOKEN, NodeRed

DEADLINE_S = 3.0  # the bridge's; the default holds from then on
CLICK = "qyzn-rings-open-here"


def test_a_flat_of_the_list_is_called(site: Site, terminal: RawTerminal) -> None:
    began = time.monotonic()
    answer = site.ring(terminal, "304")
    assert time.monotonic() - began < DEADLINE_S / 2
    assert answer["result"] == 0
    assert answer["data"]["calleds"] == [
        {"userId": "1001", "token": "token-1", "phoneNo": ""},
        {"userId": "1002", "token": "", "phoneNo": "+4312345678"},
    ]
    assert f"{terminal.serial}, flat 304: somebody rings" in site.node_red.line_with(f"{terminal.serial}, flat 304")


def test_there_is_no_other_flat(site: Site, terminal: RawTerminal) -> None:
    began = time.monotonic()
    assert site.ring(terminal, "305")["result"] == 104
    assert time.monotonic() - began < DEADLINE_S / 2, "that was the bridge's default"


def test_how_a_call_went_is_told(site: Site, terminal: RawTerminal) -> None:
    for code, words in ((3, "somebody answered"), (5, "nobody answered"), (1, "the visitor hung up"), (4, "nobody could be reached")):
        record = {"userId": "1001", "callResult": code, "callType": 1, "openStatus": 0, "startTime": "", "endTime": ""}
        terminal.ask("device_call_result", {"callNo": "304", "callRequestId": f"call-{code}", "callRecords": [record]})
        site.node_red.line_with(f"{terminal.serial}, flat 304: {words}")


def test_an_empty_list_leaves_the_answer_to_the_bridge(site: Site, terminal: RawTerminal) -> None:
    path = site.node_red.home / "qyzn-flats.csv"
    before = path.read_text()
    path.write_text(before.splitlines()[0] + "\n")

    def is_left() -> bool:
        began = time.monotonic()
        site.ring(terminal, "304")
        return time.monotonic() - began > DEADLINE_S - 0.5

    until(is_left, "an answer that is left to the bridge")
    rings = site.administrator.on(f"qyzn/{terminal.serial}/event/call")
    answers = site.administrator.on(f"qyzn/{terminal.serial}/answer/call")
    assert [seen.json["event_id"] for seen in rings[:-1]] == [seen.json["event_id"] for seen in answers]
    path.write_text(before)
    until(lambda: site.ring(terminal, "304")["result"] == 0, "the old list")


def test_a_click_opens_where_it_rang_last(site: Site, terminal: RawTerminal) -> None:
    other = RawTerminal(site.bridge.terminal_port, f"{terminal.serial}b").join()
    site.ring(other, "304")
    site.ring(terminal, "304")
    clicked = time.time()
    site.node_red.click(CLICK)
    command = terminal.command()
    assert command.body["message"] == "open_door"
    terminal.respond(command)
    asked = site.administrator.first(f"qyzn/{terminal.serial}/command/open_door").json
    assert abs(datetime.fromisoformat(asked["issued_at"]).timestamp() - clicked) < 2
    assert asked["ttl"] == 10
    assert site.administrator.first(f"qyzn/{terminal.serial}/response/open_door").json["status"] == "ok"
    assert other.hears_nothing()
    other.close()


def test_a_program_that_knows_the_token_opens_one_door(site: Site, terminal: RawTerminal) -> None:
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(site.node_red.post, f"/qyzn/open/{terminal.serial}", TOKEN)
        terminal.respond(terminal.command())
        status, answer = asked.result()
    assert (status, json.loads(answer)["status"]) == (200, "ok")
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(site.node_red.post, f"/qyzn/open/{terminal.serial}", TOKEN)
        terminal.respond(terminal.command(), result=101)
        status, answer = asked.result()
    assert (status, json.loads(answer)["code"]) == (502, "device_error")


def test_it_does_so_after_a_restart_too(site: Site, terminal: RawTerminal) -> None:
    """Node-RED is set up here so that what flows note down is kept, as many do: but it keeps no more than JSON can say."""
    for again in (False, True):
        if again:
            site.node_red.stop()
            site.start_node_red()
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(site.node_red.post, f"/qyzn/open/{terminal.serial}", TOKEN)
            terminal.respond(terminal.command())
            assert asked.result()[0] == 200


@pytest.mark.parametrize("token", [None, "", "guessed", TOKEN[:-1], f"{TOKEN}x", "undefined"])
def test_nobody_else_does(site: Site, terminal: RawTerminal, token: str | None) -> None:
    status, answer = site.node_red.post(f"/qyzn/open/{terminal.serial}", token)
    assert (status, json.loads(answer)["error"]) == (403, "not allowed")
    assert terminal.hears_nothing()


def test_without_a_token_nobody_does(tmp_path: Path) -> None:
    """As it is imported. It needs no broker to say so."""
    node_red = NodeRed(program(), tmp_path / "nodered", free_port(), "", token="")
    try:
        node_red.start(connections=0)
        for token in (None, "", "undefined", TOKEN):
            assert node_red.post("/qyzn/open/T0001", token)[0] == 403
        node_red.stop()
        assert node_red.complaints() == []
    finally:
        node_red.kill()


@pytest.mark.parametrize("serial", ["all", "bridge", "a%2Fb", "%2B", "%23", "x" * 65])
def test_not_all_doors_nor_any_other_topic(site: Site, terminal: RawTerminal, serial: str) -> None:
    status, _ = site.node_red.post(f"/qyzn/open/{serial}", TOKEN)
    assert status == 400
    assert terminal.hears_nothing()


def test_a_terminal_that_is_away_or_unknown_is_told_of(site: Site) -> None:
    status, answer = site.node_red.post("/qyzn/open/Nobody", TOKEN)
    assert (status, json.loads(answer)["code"]) == (502, "device_unknown")
    assert datetime.now(UTC) >= datetime.fromisoformat(json.loads(answer)["time"])


def test_an_order_that_the_bridge_does_not_get_in_time_opens_nothing(site: Site, terminal: RawTerminal) -> None:
    site.bridge.signal(signal.SIGSTOP)
    try:
        status, answer = site.node_red.post(f"/qyzn/open/{terminal.serial}", TOKEN)
    finally:
        site.bridge.signal(signal.SIGCONT)
    assert (status, json.loads(answer)["error"]) == (504, "the bridge did not answer")
    until(lambda: is_there(site), "the bridge")
    assert terminal.hears_nothing()
    assert terminal.ask("snapshot_face", recognition(b""))["result"] == 0, "it would have heard"


def is_there(site: Site) -> bool:
    """Whether the bridge answers what it is asked."""
    topic = "qyzn/bridge/response/health"
    before = len(site.administrator.on(topic))
    site.administrator.publish(topic.replace("response", "request"))
    return len(site.administrator.on(topic)) > before


def test_orders_of_others_are_not_taken_for_ours(site: Site, terminal: RawTerminal) -> None:
    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(site.node_red.post, f"/qyzn/open/{terminal.serial}", TOKEN)
        ours = terminal.command()
        site.administrator.publish(f"qyzn/{terminal.serial}/command/open_door", {"transaction": "another's"})
        terminal.respond(terminal.command(), result=101)
        site.administrator.first(f"qyzn/{terminal.serial}/response/open_door")
        terminal.respond(ours)
        assert asked.result()[0] == 200
