"""How a simulated terminal answers commands. A declaration in the catalogue is enough for an answer; the tables of acts are for those that
do more."""

from __future__ import annotations

from typing import Any

import msgspec

from ..catalogue import Result
from ..errors import Invalid
from . import acts_device, acts_persons, acts_settings
from .acting import MOMENT_S, Act, Answer, Asked, told
from .manners import Manners
from .terminal import Terminal

BUSY_WAIT_S = 3
_ACTS: dict[str, Act] = acts_persons.ACTS | acts_settings.ACTS | acts_device.ACTS


def answer(terminal: Terminal, manners: Manners, name: str, data: Any) -> Answer:
    """The answer to a command. Never raises for what the bridge says: 103 for a command unheard of, 104 for data that its
    declaration does not allow; nor for a disk that takes no more: -1."""
    command = manners.commands().get(name)
    if command is None:
        return told(name, Result.NO_SUCH_COMMAND)
    try:
        checked = command.check(data)
    except Invalid:
        return told(name, Result.BAD_PARAMETER)
    if manners.is_busy(name, terminal.tries):
        return told(name, Result.BUSY, {"waitSeconds": BUSY_WAIT_S})
    try:
        return _ACTS.get(command.name, _by_declaration)(Asked(terminal, manners, command, checked))
    except OSError:
        return told(name, Result.OPERATION_FAILED)


def _by_declaration(asked: Asked) -> Answer:
    """Success, with the document's example as data, and fresh pictures where it has them."""
    command = asked.command
    said = dict(command.answer_example)
    names = {each.name: each.encode_name for each in msgspec.structs.fields(command.answer)}
    for picture in command.answer_pictures:
        said[names[picture.attribute]] = asked.terminal.take_picture()
    return asked.told(data=said, after_s=min(MOMENT_S, asked.data.answer_wait_s()))
