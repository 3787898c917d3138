"""The persons that a terminal knows (protocol section 4.3)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import UNSET, field

from .access import MOST_FACES, MOST_PASSES, NAME_BYTES, PERSON_TYPES, NewPersonFields, PersonFields
from .fields import Id, Maybe, choice, identifier, items, number, plain, text
from .jpeg import EXAMPLE_JPEG, jpeg
from .message import AnswerData, CommandData, Part, command
from .pass_rule import EXAMPLE as RULE_EXAMPLE
from .pass_rule import PassRule

MOST_DELETED = 1000
"""In one command; a terminal is asked once for each."""

_EXAMPLE = {
    "personId": "100001",
    "personCode": "100001",
    "name": "张三",
    "type": 1,
    "idNum": "420381200010013857",
    "icNum": "157342643",
    "passNum": 10,
    "passPeriod": "08:00~09:30,11:30~14:00,17:00~19:00",
    "passMonday": True,
    "passTuesday": True,
    "passWednesday": True,
    "passThursday": True,
    "passFriday": True,
    "passSaturday": False,
    "passSunday": False,
    "startTime": "2019-01-01 00:00:00",
    "expireTime": "2020-01-01 00:00:00",
}


@command("add_person", section="4.3.1", example={**_EXAMPLE, "passMode": 255}, people="changes")
class AddPerson(NewPersonFields):
    """Add a person, without a face."""


@command("update_person", section="4.3.2", example=_EXAMPLE)
class UpdatePerson(PersonFields):
    """Change what is known of a person."""

    name: Maybe[Annotated[str, text("the name that the screen shows when the person is recognised", NAME_BYTES)]] = UNSET
    person_type: Maybe[Annotated[int, choice("the person's list", PERSON_TYPES)]] = field(name="type", default=UNSET)


@command("delete_person", section="4.3.3", example={"idSet": ["100001"]}, people="changes")
class DeletePerson(CommandData):
    """Delete persons with their faces; a terminal is asked for one after the other."""

    id_set: Annotated[
        list[Annotated[Id, identifier("a person's id")]], items("the persons to delete, by person id", MOST_DELETED, min_items=1)
    ]

    def requests(self) -> Sequence[CommandData]:
        """One for each person: a terminal takes one id at a time."""
        return [DeletePerson(id_set=[person]) for person in dict.fromkeys(self.id_set)]

    def combined(self, parts: Sequence[Part]) -> Any:
        """`{"deleted": [ids], "failed": [{"personId", "result"}]}`; the result is null where the terminal did not answer."""
        ends = [(person, part.result) for part in parts if isinstance(part.data, DeletePerson) for person in part.data.id_set]
        return {
            "deleted": [person for person, result in ends if result == 0],
            "failed": [{"personId": person, "result": result} for person, result in ends if result != 0],
        }


@command("clear_person", section="4.3.4", example={}, people="clears")
class ClearPerson(CommandData):
    """Delete every person and every face."""


class SyncPersonAnswer(AnswerData):
    """How many reports of persons are to come."""

    person_num: Annotated[int, number("persons that the terminal will report", ge=0)] = field(name="person_num")


@command("sync_person", section="4.3.6", example={}, answer=SyncPersonAnswer, answer_example={"person_num": 125}, people="counts")
class SyncPerson(CommandData):
    """Have the terminal report every person it knows, as device_sync_person."""


class PersonFace(CommandData):
    """A face of a new person."""

    face_id: Maybe[Annotated[Id, identifier("the face's id")]] = UNSET
    image: Maybe[Annotated[str, jpeg("the face")]] = UNSET


@command(
    "add_person_face",
    section="4.3.8",
    version=3,
    people="changes",
    example={
        **_EXAMPLE,
        "portrait": EXAMPLE_JPEG,
        "idNum": "",
        "icNum": "",
        "passMode": 255,
        "faces": [{"faceId": "3000004", "image": EXAMPLE_JPEG}],
        "extPassRule": RULE_EXAMPLE,
    },
)
class AddPersonFace(NewPersonFields, kw_only=True):
    """Add a person with faces."""

    portrait: Maybe[Annotated[str, jpeg("a picture of the person")]] = UNSET
    pass_num: Annotated[int, number("how often the person may pass", 0, MOST_PASSES)]
    pass_monday: Annotated[bool, plain("whether on Mondays")]
    pass_tuesday: Annotated[bool, plain("whether on Tuesdays")]
    pass_wednesday: Annotated[bool, plain("whether on Wednesdays")]
    pass_thursday: Annotated[bool, plain("whether on Thursdays")]
    pass_friday: Annotated[bool, plain("whether on Fridays")]
    pass_saturday: Annotated[bool, plain("whether on Saturdays")]
    pass_sunday: Annotated[bool, plain("whether on Sundays")]
    faces: Annotated[list[PersonFace], items("the person's faces", MOST_FACES)]
    ext_pass_rule: Maybe[Annotated[PassRule, plain("when the person may pass, instead of the simple rule")]] = UNSET
