"""Made-up people for the camera to see. No name in here is anybody's."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

WHITE_LIST, BLACK_LIST, VISITOR, STRANGER = 1, 2, 3, 4
NO_MATCH, MATCH, EXPIRED, OUTSIDE_HOURS = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Person:
    """`kind` and `result` as the protocol numbers them in snapshot_face (section 4.6.1); a stranger has no id and no name."""

    person_id: str
    name: str
    kind: int = WHITE_LIST
    result: int = MATCH

    @property
    def face_id(self) -> str:
        """The id of the picture on file; none for a stranger."""
        return f"F{self.person_id}" if self.person_id else ""


PEOPLE = (
    Person("1001", "Alma Testwell"),
    Person("1002", "Bruno Sample"),
    Person("1003", "Chen Yangli 陈样例"),
    Person("1004", "Dora Mockford"),
    Person("1005", "Emil Dummy"),
    Person("1006", "Fatima Example"),
    Person("1007", "Visitor Seven", VISITOR),
    Person("1008", "Gone Lastyear", VISITOR, EXPIRED),
    Person("1009", "Nightly Early", WHITE_LIST, OUTSIDE_HOURS),
    Person("1010", "Banned Ten", BLACK_LIST),
    Person("", "", STRANGER, NO_MATCH),
)
_HOW_OFTEN = (8, 8, 8, 8, 8, 8, 3, 1, 1, 1, 4)
RESULT_WORDS = {NO_MATCH: "no match", MATCH: "match", EXPIRED: "expired", OUTSIDE_HOURS: "outside hours"}


def somebody(random: Random) -> Person:
    """Whoever comes to the door next: mostly people who may pass."""
    return random.choices(PEOPLE, _HOW_OFTEN)[0]
