"""Configuration groups, pass rule and remote control of the door: what is set is there, after a restart as well."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.catalogue import Result
from bridge.catalogue.configuration import GROUPS
from bridge.catalogue.pass_rule import EXAMPLE
from bridge.simulator.behaviour import answer
from bridge.simulator.manners import Manners
from bridge.simulator.people import EXPIRED, MATCH, NO_MATCH, OUTSIDE_HOURS
from bridge.simulator.shelf import FileShelf
from bridge.simulator.terminal import Terminal
from tests.simulator.talk import do, new_terminal


def test_groups_are_read_in_the_order_asked() -> None:
    given = answer(new_terminal(), Manners(), "get_configs", {"groupKey": ["netinfo", "version", "time", "audioctl"]})
    assert [group["groupKey"] for group in given.data] == ["netinfo", "version", "time", "audioctl"]
    assert given.data[0]["item"][0]["macaddr"] == "02:51:59:00:00:01"
    assert given.data[1]["license"] == "DEMO0001"
    assert msgspec.json.decode(given.body())["RspMsg"] == "get_netinfo"


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
    del terminal.settings.configs["ledctl"]
    assert [group["groupKey"] for group in read(terminal, "audioctl", "ledctl")] == ["audioctl"]
    assert answer(terminal, Manners(), "get_configs", {"groupKey": ["ledctl"]}).result is Result.NO_SUCH_OBJECT
    groups = {"audioctl": {"level": 3}, "ledctl": {"mode": 0, "closeScreen": 10}}
    assert answer(terminal, Manners(), "config_system", groups).result is Result.NO_SUCH_OBJECT
    assert read(terminal, "audioctl")[0]["level"] == 7, "nothing is set"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("config_system", {"audioctl": {"level": 3}}),
        ("config_device_pass_rule", EXAMPLE),
        ("online_open_door", {"online": 1, "mode": 1}),
    ],
)
def test_what_is_set_survives_a_restart(name: str, data: Any, tmp_path: Path) -> None:
    terminal = new_terminal(shelf=FileShelf(tmp_path))
    assert do(terminal, name, data) == 0
    assert terminal.settings != new_terminal().settings
    assert new_terminal(shelf=FileShelf(tmp_path)).settings == terminal.settings


def test_a_set_up_that_cannot_be_read_is_the_factory_s(tmp_path: Path) -> None:
    shelf = FileShelf(tmp_path)
    shelf.put("settings", {"configs": 5})
    assert new_terminal(shelf=shelf).settings == new_terminal().settings
    shelf.put("settings", {"configs": {"audioctl": {"level": 1}, "nonsense": {}}})
    terminal = new_terminal(shelf=shelf)
    assert terminal.config("audioctl") == {"level": 1}
    assert terminal.config("ledctl") is not None
    assert terminal.config("nonsense") is None


def test_without_pictures_in_reports_there_are_none() -> None:
    terminal = new_terminal()
    pictures = []
    for value in (True, False):
        assert do(terminal, "config_system", {"VerifyRetRspSet": {"SnapshotPic": value}}) == 0
        terminal.recognise()
        record = terminal.records.oldest()
        assert record is not None
        pictures.append(b"snapPic" in record.body)
        terminal.records.remove(record)
    assert pictures == [True, False]


def test_the_terminal_s_own_rule_keeps_people_out() -> None:
    monday = datetime(2024, 1, 1, 12, tzinfo=UTC).timestamp()
    terminal = new_terminal(wall=lambda: monday)
    assert MATCH in {terminal.recognise()[0].result for _ in range(50)}
    assert do(terminal, "config_device_pass_rule", EXAMPLE) == 0
    assert {terminal.recognise()[0].result for _ in range(200)} == {OUTSIDE_HOURS, EXPIRED, NO_MATCH}


def test_who_opens_the_door() -> None:
    terminal = new_terminal()
    opens: dict[tuple[int, int], bool] = {}
    for online in (0, 1):
        for mode in (0, 1, 2):
            assert do(terminal, "online_open_door", {"online": online, "mode": mode}) == 0
            opens[online, mode] = terminal.settings.opens_itself
    assert opens == {(0, 0): True, (0, 1): True, (0, 2): False, (1, 0): True, (1, 1): False, (1, 2): False}
