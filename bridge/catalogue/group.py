"""How a configuration group is declared: a class with its fields, under one decorator, as a message is.

    @group("audioctl", section="4.5.10.6", zh="声音", example={"level": 12})
    class AudioCtl(GroupData):
        '''Sound.'''
        level: Annotated[int, titled("Volume", "音量", number("how loud", 0, 15), icon="mdi:volume-high")]

A terminal says and takes a group as a whole. What it says is never refused; what a caller sets is checked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, ClassVar, Literal, TypeVar, Union, cast

import msgspec
from msgspec import UNSET, Meta, UnsetType, inspect

from ..errors import Invalid
from .checking import below, strict
from .fields import Limit, choice, is_huge
from .leniency import lenient
from .message import Data, summary_of

MASK = "***"
"""Stands where a secret is."""
Values = dict[str, Any]
"""A group's fields by their names on the wire."""


class GroupData(Data, forbid_unknown_fields=True):
    """The fields of a group; what a terminal may lack is `Maybe[...] = UNSET`."""

    declaration: ClassVar[Group]

    @classmethod
    def completed(cls, values: Values, part: Values, now: str) -> Values:
        """A whole group made of what is known and of `part`, as it should be sent; `now` is local civil time, `yyyy-MM-dd HH:mm:ss`."""
        return values

    def check_rules(self, path: str) -> None:
        """A mask is no secret."""
        for each in self.declaration.fields:
            if each.secret and getattr(self, each.attribute) == MASK:
                raise Invalid(below(path, each.name), "the secret itself", "the mask that stands for it")


def titled(title: str, zh: str, meta: Meta, *, icon: str | None = None, secret: bool = False) -> Meta:
    """A field's name on dashboards, in English and Chinese. A `secret` one is never published."""
    extra = {**(meta.extra or {}), "titles": {"en": title, "zh": zh}, "icon": icon, "secret": secret}
    return Meta(title=title, description=meta.description, extra_json_schema=meta.extra_json_schema, extra=extra)


def options(description: str, words: Mapping[int, tuple[str, str]]) -> Meta:
    """A choice whose values are worded in English and Chinese."""
    meta = choice(description, {value: en for value, (en, _) in words.items()})
    zh = {value: zh for value, (_, zh) in words.items()}
    return Meta(description=meta.description, extra_json_schema=meta.extra_json_schema, extra={**(meta.extra or {}), "words_zh": zh})


FieldKind = Literal["number", "choice", "switch", "text", "list"]


@dataclass(frozen=True, kw_only=True)
class GroupField:
    """What is declared of a field. `titles` and the `words` of a choice are by language, `en` and `zh`; fields without titles are for
    machines. `name` is the wire's, `attribute` the class's."""

    attribute: str
    name: str
    kind: FieldKind
    description: str
    required: bool
    limit: Limit
    unit: str | None = None
    titles: Mapping[str, str] = field(default_factory=dict)
    words: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    icon: str | None = None
    secret: bool = False


@dataclass(frozen=True, kw_only=True)
class Group:
    """A configuration group. `example` is the document's; `titles` name the group by language; a `read_only` one cannot be set;
    `aliases` maps other spellings met in the field to the declared ones."""

    name: str
    section: str
    summary: str
    data: type[GroupData]
    example: Mapping[str, Any]
    titles: Mapping[str, str]
    read_only: bool
    aliases: Mapping[str, str]

    @cached_property
    def fields(self) -> tuple[GroupField, ...]:
        """The declared fields, in order."""
        declared = inspect.type_info(self.data)
        assert isinstance(declared, inspect.StructType)
        return tuple(map(_group_field, declared.fields))

    @cached_property
    def secrets(self) -> frozenset[str]:
        """The names of the secret fields, in every spelling."""
        declared = {each.name for each in self.fields if each.secret}
        return frozenset(declared | {alias for alias, name in self.aliases.items() if name in declared})

    @cached_property
    def part(self) -> type[Data]:
        """The same fields, none of them required."""
        optional: list[tuple[str, Any, Any]] = [
            (each.name, Union[each.type, UnsetType], msgspec.field(name=each.encode_name, default=UNSET))  # noqa: UP007 - made at run time
            for each in msgspec.structs.fields(self.data)
        ]
        shape = msgspec.defstruct(f"{self.data.__name__}Part", optional, bases=(Data,), kw_only=True, forbid_unknown_fields=True)
        return cast("type[Data]", shape)

    def read(self, data: Mapping[str, Any]) -> tuple[Values, Values]:
        """What a terminal says, in the declared spelling and types, and what it says that is not declared or cannot be read. Never
        raises: limits do not hold for terminals."""
        said = {name: value for name, value in data.items() if name != "groupKey"}
        for each in self.fields:
            value = said.get(each.name)
            if isinstance(value, bool) and each.kind == "choice":
                said[each.name] = int(value)
            elif each.limit.as_text and isinstance(value, int) and not is_huge(value):
                said[each.name] = str(value)
        values, extra = lenient(said, self.part, dict(self.aliases))
        return msgspec.to_builtins(values), extra

    def check_part(self, data: Any, root: str = "data") -> Values:
        """Some of the fields, from a caller; a secret that is masked is left out, and so stays what it is.

        Raises Invalid, which names the field, and for a group that cannot be set.
        """
        if self.read_only:
            raise Invalid(root, "a group that can be set", f"{self.name}, which can only be read")
        values: Values = msgspec.to_builtins(strict(data, self.part, root))
        values = {name: value for name, value in values.items() if not (name in self.secrets and value == MASK)}
        if not values:
            raise Invalid(root, f"at least one of {', '.join(each.name for each in self.fields)}", "none")
        return values

    def check_whole(self, data: Any, root: str = "data") -> Values:
        """All of the fields, from a caller. Raises Invalid, which names the field."""
        values: Values = msgspec.to_builtins(strict(data, self.data, root))
        return values

    def complete(self, known: Mapping[str, Any], part: Values, now: str, root: str = "data") -> Values:
        """A checked part, made whole from the values last `known` (as `read` gave them); `now` is the terminal's local civil time, as
        `yyyy-MM-dd HH:mm:ss`. What the terminal itself said is not held to the limits.

        Raises Invalid for a required field that is neither given nor known.
        """
        names = {each.name for each in self.fields}
        values = self.data.completed({name: value for name, value in known.items() if name in names} | part, part, now)
        for each in self.fields:
            if each.required and each.name not in values:
                raise Invalid(below(root, each.name), "a value, as the terminal's own is not known", "nothing")
        return values

    def masked(self, values: Mapping[str, Any]) -> Values:
        """The values as they may be published, whatever their form."""
        return {name: MASK if name in self.secrets else self._masked(value) for name, value in values.items()}

    def _masked(self, value: Any) -> Any:
        if isinstance(value, dict):
            return self.masked(value)
        return [self._masked(each) for each in value] if isinstance(value, list) else value


G = TypeVar("G", bound=GroupData)


def group(
    name: str,
    *,
    section: str,
    zh: str,
    example: Mapping[str, Any],
    read_only: bool = False,
    aliases: Mapping[str, str] | None = None,
) -> Callable[[type[G]], type[G]]:
    """Declare a configuration group. Its docstring is its title, `zh` the same in Chinese."""

    def declare(shape: type[G]) -> type[G]:
        summary = summary_of(shape)
        shape.declaration = Group(
            name=name,
            section=section,
            summary=summary,
            data=shape,
            example=example,
            titles={"en": summary.rstrip("."), "zh": zh},
            read_only=read_only,
            aliases=aliases or {},
        )
        return shape

    return declare


def _group_field(declared: inspect.Field) -> GroupField:
    meta = _metadata(declared.type)
    extra = meta.extra or {}
    limit: Limit = extra.get("limit") or Limit()
    words = {"en": limit.choices, "zh": extra.get("words_zh", limit.choices)} if limit.choices else {}
    return GroupField(
        attribute=declared.name,
        name=declared.encode_name,
        kind="choice" if limit.choices else _kind(meta.type),
        description=(meta.extra_json_schema or {}).get("description", ""),
        required=declared.required,
        limit=limit,
        unit=extra.get("unit"),
        titles=extra.get("titles", {}),
        words=words,
        icon=extra.get("icon"),
        secret=extra.get("secret", False),
    )


def _metadata(declared: inspect.Type) -> inspect.Metadata:
    """What a field is declared with, which may be left out."""
    if isinstance(declared, inspect.UnionType):
        return next(each for each in declared.types if isinstance(each, inspect.Metadata))
    assert isinstance(declared, inspect.Metadata)
    return declared


_KINDS: dict[type[inspect.Type], FieldKind] = {
    inspect.BoolType: "switch",
    inspect.IntType: "number",
    inspect.StrType: "text",
    inspect.UnionType: "text",
    inspect.ListType: "list",
}


def _kind(declared: inspect.Type) -> FieldKind:
    return _KINDS[type(declared)]
