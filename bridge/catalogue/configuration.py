"""Reading and setting a terminal's configuration (protocol section 4.5.10)."""

from __future__ import annotations

from typing import Annotated, Any

from .fields import items, text
from .message import AnswerData, CommandData, command

SECRET_FIELDS = frozenset({"appSecret", "appsecret"})
"""Of HttpPush, in both of the document's spellings."""
MASK = "***"


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

    def shown_answer(self, data: Any) -> Any:
        """The groups, without their secrets."""
        if not isinstance(data, list):
            return data
        return [masked(group) if isinstance(group, dict) else group for group in data]


def masked(group: dict[str, Any]) -> dict[str, Any]:
    """A configuration group as it may be published."""
    return {name: MASK if name in SECRET_FIELDS else value for name, value in group.items()}
