"""Messages to the terminal that the catalogue does not check: what a caller names is sent as it was given."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from .configuration import masked
from .message import Command, CommandData, NoAnswer

VERSION = 2
"""The header version of messages that the catalogue does not know."""


class RawData(CommandData):
    """The `data` of a message that is sent unchecked: any JSON."""

    data: Any

    def request_data(self) -> Any:
        """As it was given."""
        return self.data

    def shown_answer(self, data: Any) -> Any:
        """What the terminal said, without secrets: any message may read a configuration."""
        return masked(data)


def named(name: str, commands: dict[str, Command]) -> Command | None:
    """The declared command that a terminal may know by this name."""
    return commands.get(name) or next((each for each in commands.values() if each.other_name == name), None)


def raw_command(name: str, commands: dict[str, Command]) -> Command:
    """The message of this name, unchecked. One that is not among `commands` may open a door, or change who is known, and is treated as if
    it did."""
    known = named(name, commands)
    if known is not None:
        return replace(known, name=name, other_name=None, data=RawData)
    return Command(
        name=name,
        section="",
        summary="",
        answer=NoAnswer,
        version=VERSION,
        example={},
        answer_example={},
        data=RawData,
        door=True,
        answer_pictures=(),
        people="changes",
    )
