"""Ports, cards, records and firmware."""

from __future__ import annotations

import base64
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from bridge.catalogue.card import SwipingCardAnswer
from bridge.catalogue.message import AnswerData
from bridge.simulator.acting import MOMENT_S, RESTART_S
from bridge.simulator.behaviour import answer
from bridge.simulator.cards import some_card
from bridge.simulator.happenings import Commanded, DoorOpened, Ended, SentOut
from bridge.simulator.manners import Manners
from bridge.simulator.shelf import FileShelf
from bridge.wire import MessageType
from tests.simulator.talk import Talk, do, new_terminal


def test_the_door_opens() -> None:
    assert answer(new_terminal(), Manners(), "open_door", {}).happening == DoorOpened("as commanded")


def test_ports_say_how_much_and_not_what() -> None:
    given = answer(new_terminal(), Manners(), "serial_output", {"index": 0, "content": "1234EF"})
    assert given.happening == SentOut("serial", 6)
    assert "1234EF" not in repr(given.happening)


@pytest.mark.parametrize(("kind", "content", "result"), [(0, "1234EF", 0), (0, "123456EF", 104), (1, "1234EF", 104), (1, "123456EF", 0)])
def test_a_wiegand_number_has_the_format_that_is_set(kind: int, content: str, result: int) -> None:
    terminal = new_terminal()
    terminal.set_config("weigand", {"type": kind})
    assert do(terminal, "weigand_output", {"content": content}) == result


def test_a_card_is_read_after_a_moment() -> None:
    given = answer(new_terminal(), Manners(), "swiping_card", {"timeOut": 10})
    assert (given.result, given.after_s) == (0, MOMENT_S)
    cards = [some_card(Random(seed)) for seed in range(50)]
    assert {card["cardType"] for card in cards} == {0, 3}
    assert len({card["idNum"] for card in cards}) == 50
    read: list[AnswerData] = [msgspec.convert(card, SwipingCardAnswer, strict=True) for card in cards]
    assert [msgspec.to_builtins(card) for card in read] == cards


def test_nobody_shows_a_card() -> None:
    talk = Talk(manners=Manners(no_card=True))
    talk.log_in()
    talk.command("swiping_card", {"timeOut": 10})
    talk.advance(9.9)
    assert talk.take() == []
    talk.advance(0.2)
    [response] = talk.take()
    assert (response.body.result, response.data) == (107, {})


# Restarts.


def test_it_answers_and_then_restarts() -> None:
    talk = Talk()
    talk.log_in()
    talk.command("device_restart", {})
    assert [(frame.type, frame.body.result) for frame in talk.take()] == [(MessageType.RESPONSE, 0)]
    assert talk.told == [Commanded("device_restart", 0), Ended("restarts", RESTART_S)]


@pytest.mark.parametrize(
    ("url", "result"),
    [
        ("http://192.0.2.10:8080/file.bin", 0),
        ("https://example.org/a/b/app", 0),
        ("http://192.0.2.10", 200),
        ("http://192.0.2.10/firmware/", 200),
        ("http://nowhere.invalid/file.bin", 201),
        ("http://192.0.2.10/missing.bin", 202),
        ("http://192.0.2.10/a/corrupt-1.bin", 203),
        ("ftp://192.0.2.10/file.bin", 104),
    ],
)
def test_an_upgrade(url: str, result: int, tmp_path: Path) -> None:
    talk = Talk(terminal=new_terminal(shelf=FileShelf(tmp_path)))
    before = talk.take_one("login")
    talk.answer(before)
    talk.take()
    talk.command("device_upgrade", {"url": url, "version": "V9", "check": "0" * 32})
    talk.advance(MOMENT_S + 0.1)
    assert [frame.body.result for frame in talk.take()] == [result]
    assert (Ended("restarts with other firmware", RESTART_S) in talk.told) == (result == 0)
    again = Talk(terminal=new_terminal(shelf=FileShelf(tmp_path)))
    assert again.take_one("login").data["version"] == ("V9" if result == 0 else before.data["version"])
    assert (again.terminal.config("version") or {})["appVer"] == again.terminal.settings.firmware


# Records.


SEED_WITH_A_STRANGER = 7


class Day(Talk):
    """A terminal that recognised somebody each hour from 10:00 to 15:00; all are acknowledged but the last."""

    def __init__(self) -> None:
        super().__init__(terminal=new_terminal(seed=SEED_WITH_A_STRANGER))
        self.log_in()
        self.seen = []
        for hour in range(10, 16):
            self.terminal.set_clock(datetime.fromisoformat(f"2024-05-06T{hour}:00:00+00:00"))
            self.recognise()
            frame = self.take_one("snapshot_face")
            self.seen.append(frame)
            if hour < 15:
                self.answer(frame)
        self.terminal.set_clock(datetime.fromisoformat("2024-05-07T00:00:00+00:00"))

    def resend(self, kind: int, start: str, end: str) -> list[Any]:
        """What comes again."""
        span = {"snapStartTime": f"2024-05-06 {start}:00", "snapEndTime": f"2024-05-06 {end}:00"}
        self.command("reSend_record_set", {"recordType": kind, **span})
        [response] = self.take()
        assert response.body.result == 0
        self.answer(self.seen[-1])
        again = []
        while frames := self.take():
            [frame] = frames
            again.append(frame)
            self.answer(frame)
        return again


def test_records_of_a_span_come_again_with_their_old_time() -> None:
    day = Day()
    again = day.resend(2, "11:00", "13:00")
    old = day.seen[1:4]
    assert [{**frame.data, "snapPic": ""} for frame in again] == [{**frame.data, "snapPic": ""} for frame in old]
    assert [frame.data["snaptime"] for frame in again] == [f"2024-05-06 {hour}:00:00" for hour in (11, 12, 13)]
    assert all(b"T%d:00:00" % hour in base64.b64decode(frame.data["snapPic"]) for hour, frame in zip((11, 12, 13), again, strict=True))
    assert not {frame.sequence for frame in again} & {frame.sequence for frame in day.seen}, "they are new requests"


def test_what_nobody_acknowledged_comes_once() -> None:
    assert len(Day().resend(2, "09:00", "23:00")) == 5


def test_failures_and_successes_are_told_apart() -> None:
    for kind in (0, 1):
        day = Day()
        wanted = [frame.data["snaptime"] for frame in day.seen[:-1] if bool(frame.data["result"]) == bool(kind)]
        assert [frame.data["snaptime"] for frame in day.resend(kind, "09:00", "23:00")] == wanted
    results = {bool(frame.data["result"]) for frame in Day().seen[:-1]}
    assert results == {True, False}, "or else nothing is shown"


def test_cleared_records_are_gone() -> None:
    day = Day()
    day.command("record_clear", {}, sequence=5)
    day.take()
    assert len(day.terminal.records) == 0
    assert day.resend(2, "09:00", "23:00") == []


def test_cleared_in_the_middle_of_a_resend_no_more_come() -> None:
    day = Day()
    day.answer(day.seen[-1])
    day.command("reSend_record_set", {"recordType": 2, "snapStartTime": "2024-05-06 00:00:00", "snapEndTime": "2024-05-06 23:00:00"})
    first = day.take_one("snapshot_face")
    day.command("record_clear", {}, sequence=5)
    day.take()
    day.answer(first)
    assert day.take() == []
