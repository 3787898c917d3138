"""Who may pass when: what the commands and reports about persons have in common (protocol sections 4.3.1 and 4.3.8)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, UnsetType, field

from ..errors import Invalid
from .checking import below
from .fields import Id, Maybe, choice, identifier, number, plain, text
from .forms import date_time, periods
from .message import CommandData

PERSON_TYPES = {1: "white list", 2: "black list", 3: "visitor", 4: "stranger"}
BLACK_LIST = 2
PASS_MODES = {
    255: "as the terminal is set",
    0: "face",
    1: "face and card",
    2: "card",
    3: "face and ID card",
    4: "face and ID card, white list",
    5: "face or card",
}
NAME_BYTES = 24
"""Eight Chinese characters."""
MOST_FACES = 3
MOST_PASSES = 2**31 - 1
PASS_PERIOD_BYTES = 36
"""Three periods fit."""
NUMBER_BYTES = 20
"""Of an ID card or IC card. The tables give an IC card 8, and nine digits as their example."""


class PersonFields(CommandData):
    """How a person is told from others, the cards, and the simple pass rule; without one, the person may always pass."""

    person_id: Annotated[Id, identifier("the person's id, by which all else refers to the person")]
    person_code: Annotated[Id, identifier("the person's number", 16)]

    id_number: Maybe[Annotated[Id, identifier("number of the ID card", NUMBER_BYTES, min_bytes=0)]] = field(name="idNum", default=UNSET)
    card_number: Maybe[Annotated[Id, identifier("number of the IC card", NUMBER_BYTES, min_bytes=0)]] = field(name="icNum", default=UNSET)
    pass_num: Maybe[Annotated[int, number("how often the person may pass", 0, MOST_PASSES)]] = UNSET
    pass_period: Maybe[Annotated[str, periods("when the person may pass, on the days allowed", PASS_PERIOD_BYTES)]] = UNSET
    pass_monday: Maybe[Annotated[bool, plain("whether on Mondays")]] = UNSET
    pass_tuesday: Maybe[Annotated[bool, plain("whether on Tuesdays")]] = UNSET
    pass_wednesday: Maybe[Annotated[bool, plain("whether on Wednesdays")]] = UNSET
    pass_thursday: Maybe[Annotated[bool, plain("whether on Thursdays")]] = UNSET
    pass_friday: Maybe[Annotated[bool, plain("whether on Fridays")]] = UNSET
    pass_saturday: Maybe[Annotated[bool, plain("whether on Saturdays")]] = UNSET
    pass_sunday: Maybe[Annotated[bool, plain("whether on Sundays")]] = UNSET
    start_time: Maybe[Annotated[str, date_time("from when on the person may pass, local civil time")]] = UNSET
    expire_time: Maybe[Annotated[str, date_time("until when the person may pass, local civil time")]] = UNSET

    def check_rules(self, path: str) -> None:
        """An authorisation ends after it starts."""
        check_order(self.start_time, self.expire_time, below(path, "expireTime"), "startTime")


class NewPersonFields(PersonFields, kw_only=True):
    """What must be known of a new person, too."""

    name: Annotated[str, text("the name that the screen shows when the person is recognised", NAME_BYTES)]
    person_type: Annotated[int, choice("the person's list", PERSON_TYPES)] = field(name="type")
    pass_mode: Maybe[Annotated[int, choice("what the person must show", PASS_MODES)]] = UNSET


def check_order(start: str | UnsetType, end: str | UnsetType, path_of_end: str, name_of_start: str) -> None:
    """Raises Invalid unless `end` is later than `start`, both `yyyy-MM-dd HH:mm:ss` or left out."""
    if isinstance(start, str) and isinstance(end, str) and start >= end:
        raise Invalid(path_of_end, f"a time after {name_of_start}, {start}", end)
