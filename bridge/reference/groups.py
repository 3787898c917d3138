"""Configuration groups of terminals: channels and page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from bridge.catalogue.configuration import GROUPS, MASK, SETTABLE
from bridge.catalogue.group import Group, GroupData
from bridge.reference.channel import PLACES, Channel, key_of, shown
from bridge.reference.commands import asked_schema, command_fields
from bridge.reference.fields import rows_of
from bridge.reference.markdown import anchor, code, fence, link, page, summary_of, table
from bridge.reference.schema import document, relaxed, schema_of

_PLACE = "{device}"


def group_channels() -> Iterator[Channel]:
    """Each group's values, and where they are changed."""
    for group in GROUPS.values():
        yield _values_channel(group)
        if group.name in SETTABLE:
            yield _set_channel(group)


def values_of(group: Group) -> dict[str, Any]:
    """The group's example as it is published."""
    return group.masked(group.read(group.example)[0])


def part_of(group: Group) -> dict[str, Any]:
    """An example of a change: the first field that is not a secret."""
    values = group.read(group.example)[0]
    name = next(each.name for each in group.fields if not each.secret and each.name in values)
    return msgspec.to_builtins(group.check_part({name: values[name]}))  # type: ignore[no-any-return]


def _values_channel(group: Group) -> Channel:
    address = PLACES.config(_PLACE, group.name)
    schema, definitions = schema_of(group.part)
    title = f"config {group.name}"
    described = relaxed(schema) | {"description": group.summary}
    return Channel(
        key=key_of(address),
        address=address,
        direction="out",
        title=title,
        summary=f"{group.summary} As last read from the terminal, or set.",
        schema=document(title, described, relaxed({"$defs": definitions})["$defs"], [values_of(group)]),
        examples=(values_of(group),),
        retain=True,
    )


def _set_channel(group: Group) -> Channel:
    address = f"{PLACES.config(_PLACE, group.name)}/set"
    schema, definitions = schema_of(group.part)
    schema = schema | {"minProperties": 1}
    title = f"config {group.name} set"
    summary = f"Change any part of the group. {group.summary}"
    return Channel(
        key=key_of(address),
        address=address,
        direction="in",
        title=title,
        summary=summary,
        schema=document(title, *asked_schema(schema, definitions, summary, may_be_empty=False), [part_of(group)]),
        examples=(part_of(group),),
        reply="response/config_system",
        correlated_by="transaction",
    )


def groups_page() -> str:
    """docs/reference/groups.md."""
    return page("Configuration groups", _INTRO, [*_index(), *(line for each in GROUPS.values() for line in _section(each))])


_INTRO = (
    (
        "What is set in a terminal, in groups. The last known values of a group are on `qyzn/<serial>/config/<group>`, retained: they are read when the"
        " terminal logs in, and after each change. A group that a terminal does not have is not published."
    ),
    (
        "Publish any part of a group on `qyzn/<serial>/config/<group>/set`; the rest is completed from the last known values, and the answer comes on"
        f" `qyzn/<serial>/response/config_system`. {link('`config_system`', 'commands.md#config_system')} sets whole groups, and"
        f" {link('`get_configs`', 'commands.md#get_configs')} reads them anew. What every command may carry, a change may carry too."
    ),
    (
        f"Groups keep the protocol's own spelling. Limits hold for what is set; what a terminal says is never refused. Required fields belong to"
        f" every whole group. A secret is published as `{MASK}`."
    ),
)


def _index() -> list[str]:
    rows = (
        (link(code(each.name), anchor(each.name)), each.summary, "" if each.name in SETTABLE else "yes", each.section)
        for each in GROUPS.values()
    )
    return table(("group", "what it is about", "read only", "section"), rows)


def _section(group: Group) -> Iterator[str]:
    values = _values_channel(group)
    settable = group.name in SETTABLE
    schemas = f"JSON Schema of the {link('values', f'../{values.schema_path}')}"
    schemas += f" and of a {link('change', f'../{_set_channel(group).schema_path}')}." if settable else "."
    yield from [f"## {group.name}", "", group.summary, "", f"- Section {group.section} of the vendor's document.", f"- {schemas}"]
    yield from ["- It can only be read.", ""] if not settable else [""]
    yield from command_fields(rows_of(group.data))
    if settable and group.data.check_rules is not GroupData.check_rules:
        yield from [f"Beyond the single fields: {summary_of(group.data.check_rules)}", ""]
    if group.secrets:
        yield from [f"Secret, and never published: {', '.join(map(code, sorted(group.secrets)))}.", ""]
    yield from [f"For example, on `{shown(values.address)}`:", "", *fence(values.examples[0])]
    if settable:
        yield from [f"A change, published on `{shown(values.address)}/set`:", "", *fence(part_of(group))]
