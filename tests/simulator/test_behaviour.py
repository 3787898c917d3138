"""Answers to commands: every one the catalogue declares gets one, from its declaration alone or better."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest

from bridge.catalogue import COMMANDS, Command, Result
from bridge.catalogue.configuration import GROUPS
from bridge.simulator.behaviour import BUSY_WAIT_S, MOMENT_S, Answer, Manners, answer
from bridge.simulator.happenings import Commanded, DoorOpened
from bridge.simulator.terminal import Terminal
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
    given = said("get_configs", {"groupKey": ["netinfo", "version", "time", "audioctl"]})
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
        ("get_configs", {"groupKey": ["nonsense"]}, Result.BAD_PARAMETER),
        ("get_configs", {}, Result.BAD_PARAMETER),
        ("config_system", {}, Result.BAD_PARAMETER),
        ("config_system", {"version": {"devType": "X"}}, Result.BAD_PARAMETER),
        ("config_system", {"ledctl": {"mode": 1}}, Result.BAD_PARAMETER),
        ("snapshot_picture", {"timeoutSeconds": "soon"}, Result.BAD_PARAMETER),
        ("open_door", [], Result.BAD_PARAMETER),
        ("open_door", {"quickly": True}, Result.BAD_PARAMETER),
    ],
)
def test_what_cannot_be_done(name: str, data: Any, result: Result) -> None:
    given = said(name, data)
    assert given.result is result
    assert given.happening == Commanded(name, result)


def read(terminal: Terminal, *groups: str) -> Any:
    return answer(terminal, Manners(), "get_configs", {"groupKey": list(groups)}).data


def test_every_group_is_there_and_is_what_the_catalogue_says() -> None:
    groups = read(new_terminal(), *GROUPS)
    assert [group["groupKey"] for group in groups] == list(GROUPS)
    for group in groups:
        GROUPS[group.pop("groupKey")].check_whole(group)


def test_what_is_set_is_read_back() -> None:
    terminal = new_terminal()
    given = answer(terminal, Manners(), "config_system", {"audioctl": {"level": 3}, "ledctl": {"mode": 0, "closeScreen": 10}})
    assert msgspec.json.decode(given.body()) == {"result": 0, "desc": "Success", "data": {}, "RspMsg": "set_ledctl"}
    assert read(terminal, "audioctl", "ledctl") == [
        {"groupKey": "audioctl", "level": 3},
        {"groupKey": "ledctl", "mode": 0, "closeScreen": 10},
    ]
    assert read(new_terminal(), "audioctl")[0]["level"] != 3, "another terminal is another"


def test_to_set_the_time_sets_the_clock() -> None:
    terminal = new_terminal()
    time = read(terminal, "time")[0]
    del time["groupKey"]
    answer(terminal, Manners(), "config_system", {"time": time | {"currenttime": "2030-05-06 07:08:09"}})
    assert f"{terminal.civil_time():%Y-%m-%d %H:%M:%S}" == read(terminal, "time")[0]["currenttime"] == "2030-05-06 07:08:09"


def test_a_group_that_it_does_not_have() -> None:
    terminal = new_terminal()
    del terminal._configs["ledctl"]
    assert [group["groupKey"] for group in read(terminal, "audioctl", "ledctl")] == ["audioctl"]
    assert answer(terminal, Manners(), "get_configs", {"groupKey": ["ledctl"]}).result is Result.NO_SUCH_OBJECT
    groups = {"audioctl": {"level": 3}, "ledctl": {"mode": 0, "closeScreen": 10}}
    assert answer(terminal, Manners(), "config_system", groups).result is Result.NO_SUCH_OBJECT
    assert read(terminal, "audioctl")[0]["level"] == 7, "nothing is set"


def test_busy_does_nothing_and_says_how_long() -> None:
    given = said("open_door", {}, Manners(busy=True))
    assert given.result is Result.BUSY
    assert given.data == {"waitSeconds": BUSY_WAIT_S}
    assert given.happening == Commanded("open_door", Result.BUSY)
