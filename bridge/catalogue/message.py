"""How a message is declared. One class with its fields, under one decorator, says all there is to say about it:

    @command("snapshot_picture", section="4.3.5", example={"timeoutSeconds": 5}, answer=SnapshotPictureAnswer)
    class SnapshotPicture(CommandData):
        '''Take a picture now.'''
        timeout_seconds: Annotated[int, number("how long to try", 1, 60, unit="s")]

Fields have our names, in snake_case; on the wire they have the protocol's, made by the rule (camelCase) or named with `field(name=...)`.
From the declarations follow validation and its error texts, schemas, reference pages, the simulator's answers and the tests.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import tzinfo
from types import ModuleType
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

import msgspec

from .asking import Answer, Asker, Question
from .checking import strict
from .leniency import lenient
from .results import Result
from .telling import fields_of_event

DEFAULT_TIMEOUT_S = 80.0
"""A command to which nothing is answered: 20 s, and 3 re-sends of 20 s each (protocol section 3.2)."""
DOOR_TIMEOUT_S = 20.0
"""A door command is sent once, so it is over after one wait."""
DOOR_TTL_S = 10.0
"""How long a door command may be under way before it is stale, when its sender does not say."""


class Data(msgspec.Struct, kw_only=True, rename="camel"):
    """The `data` of a message."""


class CommandData(Data, forbid_unknown_fields=True):
    """The `data` of a message to the terminal; optional fields are `Maybe[...] = UNSET`."""

    declaration: ClassVar[Command]

    def answer_wait_s(self) -> float:
        """How much longer than usual the terminal may take to answer, because it was told so in a field."""
        return 0.0

    def request_data(self) -> Any:
        """The request's `data`, as JSON values or what encodes to them."""
        return self

    def shown_answer(self, data: Any) -> Any:
        """What is published of the terminal's answer, as it came but for secrets."""
        return data

    def requests(self) -> Sequence[CommandData]:
        """What is asked of the terminal, one after the other: the command itself, unless it takes several requests."""
        return [self]

    def combined(self, parts: Sequence[Part]) -> Any:
        """The `data` of the one response, out of what became of each of the requests."""
        return parts[-1].answer if parts else None


class Part(NamedTuple):
    """What became of one request of a command. `result` is None when the terminal did not answer, or was not asked any more."""

    data: CommandData
    result: int | None
    answer: Any = None


class ReportData(Data):
    """The `data` of a message from the terminal; optional fields are `... | None = None`, since a terminal's events are never
    refused for what is missing."""

    declaration: ClassVar[Report]
    event_types: ClassVar[tuple[str, ...]] = ()
    """Every type that its events may have; empty where it is the message's own name."""

    def event_type(self) -> str:
        """The event's type: the message's own name, unless the message tells several."""
        return self.declaration.name

    def event_fields(self, zone: tzinfo) -> dict[str, Any]:
        """What its event tells, by our names; `zone` is the terminal's."""
        return fields_of_event(self, zone)

    def record_time(self) -> str | None:
        """When it happened, by the terminal's clock: local civil time, `yyyy-MM-dd HH:mm:ss`; None when it does not say."""
        named = self.declaration.time_field
        time: str | None = getattr(self, named) if named else None
        return time

    def default_answer(self, asker: Asker) -> Answer:
        """What the terminal is told once the message is safe, when nobody is asked or nobody answers."""
        return Answer(Result.SUCCESS)

    def answer_to(self, reply: Any, asker: Asker) -> Answer:
        """What the terminal is told when `reply`, in the form that the declaration's question names, is the answer."""
        return self.default_answer(asker)


class AnswerData(Data):
    """The `data` of an answer."""


class NoAnswer(AnswerData):
    """An answer that carries nothing."""


Example = Mapping[str, Any]
EventField = Literal["image", "compare_image"]
PeopleEffect = Literal["counts", "changes", "clears"]
"""What a command is to the number of people that a terminal knows: the answer tells it, it may be another one now, or there is nobody left."""


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture in a message: `attribute` holds its base64; it is published on `image/<kind>`, and the event names it in `event_field`.
    One that is `expected` is told of in the event when it is absent, too. `within` names the list of objects that have one each."""

    attribute: str
    kind: str
    within: str | None = None
    event_field: EventField = "image"
    expected: bool = True


@dataclass(frozen=True, kw_only=True)
class Declaration:
    """What commands and reports have in common. `section` is the vendor document's; `version` the header version that has the message."""

    name: str
    section: str
    summary: str
    answer: type[AnswerData]
    version: int
    example: Example
    answer_example: Example


@dataclass(frozen=True, kw_only=True)
class Command(Declaration):
    """A message to the terminal. `door` marks those that may open a door: they have a short ttl and are never sent twice. A terminal
    that does not know the command (103) may know it by its `other_name`. `people`: what it is to the number of people there."""

    data: type[CommandData]
    door: bool
    answer_pictures: tuple[Picture, ...]
    other_name: str | None = None
    people: PeopleEffect | None = None

    @property
    def timeout_s(self) -> float:
        """How long the answer may take, before what the command itself grants."""
        return DOOR_TIMEOUT_S if self.door else DEFAULT_TIMEOUT_S

    def check(self, data: Any) -> CommandData:
        """What a caller gave, as the command's data. Raises Invalid, which names the field."""
        return strict(data, self.data)


@dataclass(frozen=True, kw_only=True)
class Report(Declaration):
    """A message from the terminal. `event` is the kind it is published as, None for the session's own. `time_field` names the
    attribute that holds the terminal's local civil time of the record, `yyyy-MM-dd HH:mm:ss`. `answer_named`: the answer
    repeats the message's name, as the intercom's do. `question`: others may decide the answer."""

    data: type[ReportData]
    event: str | None
    pictures: tuple[Picture, ...]
    time_field: str | None = None
    aliases: Mapping[str, str] = field(default_factory=dict)
    answer_named: bool = False
    question: Question | None = None

    def read(self, data: dict[str, Any]) -> tuple[ReportData, dict[str, Any]]:
        """What a terminal said, and the fields that the declaration does not know or cannot read. Raises Invalid when a field
        without which the message means nothing is missing."""
        return lenient(data, self.data, self.aliases)


C = TypeVar("C", bound=CommandData)
R = TypeVar("R", bound=ReportData)


def command(
    name: str,
    *,
    section: str,
    example: Example,
    answer: type[AnswerData] = NoAnswer,
    answer_example: Example | None = None,
    version: int = 2,
    door: bool = False,
    answer_pictures: tuple[Picture, ...] = (),
    other_name: str | None = None,
    people: PeopleEffect | None = None,
) -> Callable[[type[C]], type[C]]:
    """Declare a message to the terminal. `example` and `answer_example` are the document's own `data`."""

    def declare(shape: type[C]) -> type[C]:
        shape.declaration = Command(
            name=name,
            section=section,
            summary=summary_of(shape),
            data=shape,
            example=example,
            answer=answer,
            answer_example=answer_example or {},
            version=version,
            door=door,
            answer_pictures=answer_pictures,
            other_name=other_name,
            people=people,
        )
        return shape

    return declare


def report(
    name: str,
    *,
    section: str,
    example: Example,
    event: str | None = None,
    answer: type[AnswerData] = NoAnswer,
    answer_example: Example | None = None,
    version: int = 2,
    pictures: tuple[Picture, ...] = (),
    time_field: str | None = None,
    aliases: Mapping[str, str] | None = None,
    answer_named: bool = False,
    question: Question | None = None,
) -> Callable[[type[R]], type[R]]:
    """Declare a message from the terminal. `aliases` maps other spellings met in the field to the declared one."""

    def declare(shape: type[R]) -> type[R]:
        shape.declaration = Report(
            name=name,
            section=section,
            summary=summary_of(shape),
            data=shape,
            example=example,
            event=event,
            answer=answer,
            answer_example=answer_example or {},
            version=version,
            pictures=pictures,
            time_field=time_field,
            aliases=aliases or {},
            answer_named=answer_named,
            question=question,
        )
        return shape

    return declare


def summary_of(shape: type[Data]) -> str:
    """The class's docstring, on one line."""
    return " ".join((shape.__doc__ or "").split())


def declared_in(*modules: ModuleType) -> list[Declaration]:
    """The declarations of these modules, in the order they stand."""
    return [
        value.declaration
        for module in modules
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, CommandData | ReportData) and "declaration" in vars(value)
    ]
