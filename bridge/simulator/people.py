"""Made-up people for the camera to see. No name in here is anybody's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

WHITE_LIST, BLACK_LIST, VISITOR, STRANGER = 1, 2, 3, 4
NO_MATCH, MATCH, EXPIRED, OUTSIDE_HOURS = 0, 1, 2, 3
_SHARE_OF_KNOWN = 0.75
"""Of those who come to a terminal that knows persons; the others are made up, strangers among them."""


@dataclass(frozen=True, slots=True)
class Person:
    """`kind` and `result` as the protocol numbers them in snapshot_face (section 4.6.1). `face_id` is the picture on file; a stranger
    has no id, no name and no picture."""

    person_id: str
    name: str
    kind: int = WHITE_LIST
    result: int = MATCH
    face_id: str = ""
    id_number: str = ""
    card_number: str = ""


def _made_up(person_id: str, name: str, kind: int = WHITE_LIST, result: int = MATCH) -> Person:
    return Person(person_id, name, kind, result, f"F{person_id}")


PEOPLE = (
    _made_up("1001", "Alma Testwell"),
    _made_up("1002", "Bruno Sample"),
    _made_up("1003", "Chen Yangli 陈样例"),
    _made_up("1004", "Dora Mockford"),
    _made_up("1005", "Emil Dummy"),
    _made_up("1006", "Fatima Example"),
    _made_up("1007", "Visitor Seven", VISITOR),
    _made_up("1008", "Gone Lastyear", VISITOR, EXPIRED),
    _made_up("1009", "Nightly Early", WHITE_LIST, OUTSIDE_HOURS),
    _made_up("1010", "Banned Ten", BLACK_LIST),
    Person("", "", STRANGER, NO_MATCH),
)
_HOW_OFTEN = (8, 8, 8, 8, 8, 8, 3, 1, 1, 1, 4)
RESULT_WORDS = {NO_MATCH: "no match", MATCH: "match", EXPIRED: "expired", OUTSIDE_HOURS: "outside hours"}


def somebody(random: Random, known: Sequence[Person] = ()) -> Person:
    """Whoever comes to the door next: mostly those who are known there, or else people who may pass."""
    if known and random.random() < _SHARE_OF_KNOWN:
        return random.choice(known)
    return random.choices(PEOPLE, _HOW_OFTEN)[0]
