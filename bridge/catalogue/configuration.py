"""Reading and setting a terminal's configuration (protocol section 4.5.10)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Union, cast

import msgspec
from msgspec import UNSET, UnsetType

from ..errors import Invalid
from . import groups_access, groups_ports, groups_terminal
from .checking import invalid_from
from .fields import formatted, items, plain
from .group import MASK, Group, GroupData, Values
from .message import AnswerData, CommandData, command

__all__ = ["GROUPS", "MASK", "SETTABLE", "ConfigSystem", "GetConfigs", "GetConfigsAnswer", "Group", "group_key", "masked", "system_of"]

_FOUND: list[Group] = [
    value.declaration
    for module in (groups_terminal, groups_ports, groups_access)
    for value in vars(module).values()
    if isinstance(value, type) and issubclass(value, GroupData) and "declaration" in vars(value)
]
GROUPS: dict[str, Group] = {each.name: each for each in sorted(_FOUND, key=lambda each: int(each.section.rpartition(".")[2]))}
"""Every configuration group by name, in the document's order."""
SETTABLE = {name: each for name, each in GROUPS.items() if not each.read_only}
_SECRETS = frozenset[str]().union(*(each.secrets for each in GROUPS.values()))
_NAMES = formatted("the name of a group", "|".join(map(re.escape, GROUPS)), f"one of {', '.join(GROUPS)}")


def group_key(data: Mapping[str, Any]) -> str:
    """The name that a group in an answer bears; the document writes it with a trailing space at times, or as an array of one."""
    key = data.get("groupKey")
    if isinstance(key, list) and len(key) == 1:
        key = key[0]
    return key.strip() if isinstance(key, str) else ""


def masked(data: Any) -> Any:
    """An answer, or a group in it, as it may be published, whatever its form and its names."""
    if isinstance(data, list):
        return [masked(each) for each in data]
    if isinstance(data, dict):
        return {name: MASK if name in _SECRETS else masked(value) for name, value in data.items()}
    return data


class GetConfigsAnswer(AnswerData):
    """An array of objects on the wire, each with its `groupKey`; its form depends on the group."""


@command("get_configs", section="4.5.10", example={"groupKey": ["version", "OpenDoorModeSet"]}, answer=GetConfigsAnswer)
class GetConfigs(CommandData):
    """Read one or more configuration groups."""

    group_key: Annotated[list[Annotated[str, _NAMES]], items("the groups to read", 64, min_items=1)]

    def shown_answer(self, data: Any) -> Any:
        """The groups, without their secrets."""
        return masked(data)


class _ConfigSystemData(CommandData):
    """What config_system has beside its groups."""

    def check_rules(self, path: str) -> None:
        """At least one group."""
        if all(value is UNSET for value in msgspec.structs.astuple(self)):
            raise Invalid(path, f"at least one of {', '.join(SETTABLE)}", "none")

    def shown_answer(self, data: Any) -> Any:
        """What the terminal says, without secrets: one may repeat what it was told."""
        return masked(data)


def _attribute(name: str) -> str:
    """A group's name in snake_case."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower()


def _config_system() -> type[CommandData]:
    """One optional field for each group that can be set, in which the whole group stands."""
    fields: list[tuple[str, Any, Any]] = [
        (_attribute(name), Union[Annotated[each.data, plain(each.summary)], UnsetType], msgspec.field(name=name, default=UNSET))  # noqa: UP007 - made at run time
        for name, each in SETTABLE.items()
    ]
    shape = msgspec.defstruct(
        "ConfigSystem",
        fields,
        bases=(_ConfigSystemData,),
        module=__name__,
        namespace={"__doc__": "Set one or more configuration groups, each as a whole."},
        kw_only=True,
        forbid_unknown_fields=True,
    )
    return cast("type[CommandData]", shape)


ConfigSystem = command("config_system", section="4.5.10", example={name: dict(each.example) for name, each in SETTABLE.items()})(
    _config_system()
)


def system_of(groups: Mapping[str, Values]) -> CommandData:
    """config_system with these whole groups, as `Group.complete` makes them: what a terminal itself said may be beyond the limits.

    Raises Invalid where not even the type is right.
    """
    try:
        return msgspec.convert(dict(groups), ConfigSystem)
    except msgspec.ValidationError as error:
        raise invalid_from(error, "data") from None
