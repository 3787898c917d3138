"""Answers to commands: every one the catalogue declares gets one, from its declaration alone or better."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from bridge.catalogue import COMMANDS, Command, Result
from bridge.simulator.behaviour import BUSY_WAIT_S, MOMENT_S, Answer, Manners, answer
from bridge.simulator.happenings import Commanded, DoorOpened
from bridge.wire import decode_body
from tests.simulator.talk import new_terminal


def said(name: str, data: Any, manners: Manners | None = None) -> Answer:
    return answer(new_terminal(), manners or Manners(), name, data)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_every_declared_command_is_answered_with_success(command: Command) -> None:
    given = said(command.name, dict(command.example))
    assert given.result is Result.SUCCESS
    assert decode_body(given.body()).result == 0
    for picture in command.answer_pictures:
        names = {each.name: each.encode_name for each in msgspec.structs.fields(command.answer)}
        assert base64.b64decode(given.data[names[picture.attribute]], validate=True).startswith(b"\xff\xd8")


def test_the_door_opens() -> None:
    assert said("open_door", {}).happening == DoorOpened("as commanded")


def test_a_picture_takes_a_moment_and_is_fresh() -> None:
    terminal = new_terminal()
    pictures = [answer(terminal, Manners(), "snapshot_picture", {"timeoutSeconds": 5}) for _ in range(2)]
    assert [picture.after_s for picture in pictures] == [MOMENT_S, MOMENT_S]
    assert pictures[0].data != pictures[1].data


def test_groups_are_read_in_the_order_asked() -> None:
    given = said("get_configs", {"groupKey": ["netinfo", "weigand", "version", "time", "audioctl"]})
    assert [group["groupKey"] for group in given.data] == ["netinfo", "version", "time", "audioctl"]
    assert given.data[0]["item"][0]["macaddr"] == "02:51:59:00:00:01"
    assert given.data[1]["license"] == "DEMO0001"
    assert msgspec.json.decode(given.body())["RspMsg"] == "get_netinfo"


@pytest.mark.parametrize(
    ("name", "data", "result"),
    [
        ("no_such_thing", {}, Result.NO_SUCH_COMMAND),
        ("", {}, Result.NO_SUCH_COMMAND),
        ("register", {}, Result.NO_SUCH_COMMAND),
        ("get_configs", {"groupKey": ["weigand"]}, Result.NO_SUCH_OBJECT),
        ("get_configs", {"groupKey": ["nonsense"]}, Result.BAD_PARAMETER),
        ("get_configs", {}, Result.BAD_PARAMETER),
        ("snapshot_picture", {"timeoutSeconds": "soon"}, Result.BAD_PARAMETER),
        ("open_door", [], Result.BAD_PARAMETER),
        ("open_door", {"quickly": True}, Result.BAD_PARAMETER),
    ],
)
def test_what_cannot_be_done(name: str, data: Any, result: Result) -> None:
    given = said(name, data)
    assert given.result is result
    assert given.happening == Commanded(name, result)


def test_busy_does_nothing_and_says_how_long() -> None:
    given = said("open_door", {}, Manners(busy=True))
    assert given.result is Result.BUSY
    assert given.data == {"waitSeconds": BUSY_WAIT_S}
    assert given.happening == Commanded("open_door", Result.BUSY)
