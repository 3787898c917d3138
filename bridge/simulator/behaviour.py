"""How a simulated terminal answers commands. A declaration in the catalogue is enough for an answer; the table is for those that do more."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from ..catalogue import COMMANDS, Command, CommandData, Result
from ..catalogue.configuration import ConfigSystem, GetConfigs
from ..catalogue.door import OpenDoor
from ..errors import Invalid
from .happenings import Commanded, DoorOpened, Happening
from .terminal import Terminal

MOMENT_S = 0.3
"""How long it takes to get a good picture, when the command grants the time for one."""
BUSY_WAIT_S = 3


@dataclass(frozen=True, slots=True)
class Manners:
    """How the terminal behaves towards commands: it answers them after `slow_s`, or refuses them as busy, or not at all."""

    slow_s: float = 0.0
    busy: bool = False
    mute: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """A RESPONSE to be sent after `after_s`. `beside` stands at the top of the body, as RspMsg does."""

    result: Result
    happening: Happening
    data: Any = field(default_factory=dict)
    after_s: float = 0.0
    beside: Mapping[str, Any] = field(default_factory=dict)

    def body(self) -> bytes:
        """The JSON of the RESPONSE."""
        return msgspec.json.encode({"result": int(self.result), "desc": self.result.words, "data": self.data, **self.beside})


def answer(terminal: Terminal, manners: Manners, name: str, data: Any) -> Answer:
    """The answer to a command. Never raises for what the bridge says: 103 for a command unheard of, 104 for data that its
    declaration does not allow."""
    command = COMMANDS.get(name)
    if command is None:
        return _refused(name, Result.NO_SUCH_COMMAND)
    try:
        checked = command.check(data)
    except Invalid:
        return _refused(name, Result.BAD_PARAMETER)
    if manners.busy:
        return _refused(name, Result.BUSY, {"waitSeconds": BUSY_WAIT_S})
    return _ANSWERS.get(type(checked), _by_declaration)(terminal, command, checked)


def _refused(name: str, result: Result, data: Any = None) -> Answer:
    return Answer(result, Commanded(name, result), {} if data is None else data)


def _by_declaration(terminal: Terminal, command: Command, data: CommandData) -> Answer:
    """Success, with the document's example as data, and fresh pictures where it has them."""
    said = dict(command.answer_example)
    names = {each.name: each.encode_name for each in msgspec.structs.fields(command.answer)}
    for picture in command.answer_pictures:
        said[names[picture.attribute]] = terminal.take_picture()
    return Answer(Result.SUCCESS, Commanded(command.name, Result.SUCCESS), said, min(MOMENT_S, data.answer_wait_s()))


def _open_door(terminal: Terminal, command: Command, data: OpenDoor) -> Answer:
    return Answer(Result.SUCCESS, DoorOpened("as commanded"))


def _get_configs(terminal: Terminal, command: Command, data: GetConfigs) -> Answer:
    """The groups it has, each with its groupKey; asked for none of them, it does not know the object."""
    asked = [name.strip() for name in data.group_key]
    found = [{"groupKey": name, **values} for name in asked if (values := terminal.config(name)) is not None]
    if not found:
        return _refused(command.name, Result.NO_SUCH_OBJECT)
    return Answer(Result.SUCCESS, Commanded(command.name, Result.SUCCESS), found, beside={"RspMsg": f"get_{asked[0]}"})


def _config_system(terminal: Terminal, command: Command, data: CommandData) -> Answer:
    """What is set is read back. With a group that it does not have, nothing is set."""
    groups: dict[str, dict[str, Any]] = msgspec.to_builtins(data)
    if any(terminal.config(name) is None for name in groups):
        return _refused(command.name, Result.NO_SUCH_OBJECT)
    for name, values in groups.items():
        terminal.set_config(name, values)
    return Answer(Result.SUCCESS, Commanded(command.name, Result.SUCCESS), beside={"RspMsg": f"set_{next(iter(groups))}"})


_ANSWERS: dict[type[CommandData], Callable[[Terminal, Command, Any], Answer]] = {
    OpenDoor: _open_door,
    GetConfigs: _get_configs,
    ConfigSystem: _config_system,
}
