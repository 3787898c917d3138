"""Answers to commands: every one the catalogue declares gets one, from its declaration alone or better."""

from __future__ import annotations

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given as of
from hypothesis import settings
from hypothesis import strategies as st

from bridge.catalogue import COMMANDS, Command, Result
from bridge.simulator.acting import MOMENT_S, Answer
from bridge.simulator.behaviour import BUSY_WAIT_S, answer
from bridge.simulator.happenings import Commanded, DoorOpened
from bridge.simulator.manners import Manners
from bridge.simulator.shelf import Shelf
from bridge.wire import decode_body
from tests.simulator.talk import do, new_terminal

_ATOMS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40)
PERSON = {"personId": "100001", "personCode": "1", "name": "Jane", "type": 1}
ON_NOBODY = {"update_person": 105, "delete_person": 105, "add_face": 105, "delete_face": 105}
"""The examples that speak of a person who has to be there."""
RUBBISH = st.recursive(_ATOMS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3))


def said(name: str, data: Any, manners: Manners | None = None) -> Answer:
    return answer(new_terminal(), manners or Manners(), name, data)


@pytest.mark.parametrize("command", COMMANDS.values(), ids=lambda command: command.name)
def test_every_declared_command_is_answered_as_declared(command: Command) -> None:
    given = said(command.name, dict(command.example))
    assert given.result == ON_NOBODY.get(command.name, 0)
    assert decode_body(given.body()).result == given.result
    names = {each.name: each.encode_name for each in msgspec.structs.fields(command.answer)}
    for picture in command.answer_pictures:
        assert base64.b64decode(given.data[names[picture.attribute]], validate=True).startswith(b"\xff\xd8")
    if isinstance(given.data, dict) and given.result == 0:
        msgspec.convert(given.data, command.answer)
        assert given.data.keys() <= set(names.values())


@settings(max_examples=300, deadline=None)
@of(st.sampled_from(list(COMMANDS.values())), RUBBISH)
def test_nothing_the_bridge_says_breaks_it(command: Command, anything: Any) -> None:
    """Rubbish in place of the data, and in place of each field."""
    terminal = new_terminal()
    wholes = [anything, *({**command.example, name: anything} for name in command.example)]
    for data in wholes:
        given = answer(terminal, Manners(), command.name, data)
        assert given.result in set(Result)
        decode_body(given.body())


def test_the_door_opens() -> None:
    assert said("open_door", {}).happening == DoorOpened("as commanded")


def test_a_picture_takes_a_moment_and_is_fresh() -> None:
    terminal = new_terminal()
    pictures = [answer(terminal, Manners(), "snapshot_picture", {"timeoutSeconds": 5}) for _ in range(2)]
    assert [picture.after_s for picture in pictures] == [MOMENT_S, MOMENT_S]
    assert pictures[0].data != pictures[1].data


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


BUSY_TWICE = Manners(busy_tries=2)


def test_busy_for_some_tries_of_each_command() -> None:
    terminal = new_terminal()
    results = [answer(terminal, BUSY_TWICE, "open_door", {}).result for _ in range(6)]
    assert results == [109, 109, 0, 109, 109, 0]
    assert answer(terminal, BUSY_TWICE, "record_clear", {}).result == 109
    assert answer(terminal, BUSY_TWICE, "record_clear", {"no": "such field"}).result == 104


def test_old_firmware_knows_less() -> None:
    unknown = {name for name, command in COMMANDS.items() if said(name, dict(command.example), Manners(old=True)).result == 103}
    assert unknown == {"add_person_face", "config_device_pass_rule", "config_system", "get_configs", "reSend_record_set"}


@pytest.mark.parametrize(
    ("manners", "known", "unknown"),
    [
        (Manners(), "online_open_door", "online_openDoor"),
        (Manners(table_spelling=True), "online_openDoor", "online_open_door"),
    ],
)
def test_it_knows_one_spelling(manners: Manners, known: str, unknown: str) -> None:
    data = {"online": 1, "mode": 1}
    assert said(known, data, manners).result == 0
    assert said(unknown, data, manners).result == 103
    assert said("open_door", {}, manners).result == 0


def test_a_disk_that_takes_no_more() -> None:
    class FullShelf(Shelf):
        def put(self, key: str, value: Any) -> None:
            raise OSError(28, "No space left on device")

    terminal = new_terminal(shelf=FullShelf())
    assert do(terminal, "add_person", PERSON) == -1
    assert do(terminal, "sync_person") == 0
    assert len(terminal.roster) == 0


def test_busy_does_nothing_and_says_how_long() -> None:
    given = said("open_door", {}, Manners(busy=True))
    assert given.result is Result.BUSY
    assert given.data == {"waitSeconds": BUSY_WAIT_S}
    assert given.happening == Commanded("open_door", Result.BUSY)
