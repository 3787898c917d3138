"""Reading and setting a terminal's configuration (protocol section 4.5.10)."""

from __future__ import annotations

from typing import Annotated

from .fields import items, text
from .message import AnswerData, CommandData, command


class GetConfigsAnswer(AnswerData):
    """An array of objects on the wire, each with its `groupKey`; its form depends on the group."""


@command(
    "get_configs",
    section="4.5.10",
    example={"groupKey": ["version", "OpenDoorModeSet"]},
    answer=GetConfigsAnswer,
)
class GetConfigs(CommandData):
    """Read one or more configuration groups."""

    group_key: Annotated[list[Annotated[str, text("the name of a group", 32, min_bytes=1)]], items("the groups to read", 64, min_items=1)]
