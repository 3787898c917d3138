"""Cards read on demand (protocol section 4.5.8)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, field

from .fields import Maybe, choice, number, plain, text
from .message import AnswerData, CommandData, command

LONGEST_SWIPE_S = 300
"""The document names no upper end; nobody looks for a card for longer."""
CARD_TYPES = {0: "ID card", 1: "permanent residence card", 2: "Hong Kong and Macau permit", 3: "IC card"}


class SwipingCardAnswer(AnswerData, kw_only=True):
    """The card that was shown."""

    card_type: Annotated[int, choice("what card", CARD_TYPES)]
    person_name: Maybe[Annotated[str, text("the holder's name")]] = field(name="name", default=UNSET)
    id_number: Annotated[str, text("the card's number")] = field(name="idNum")
    ethnicity: Maybe[Annotated[str, text("the holder's ethnicity")]] = field(name="ethnic", default=UNSET)
    gender: Maybe[Annotated[str | int, plain("the holder's gender; text in the document's table, a number in its example")]] = UNSET
    birthday: Maybe[Annotated[str, text("the holder's birthday, yyyyMMdd or yyyy-MM-dd")]] = UNSET
    address: Maybe[Annotated[str, text("the holder's address")]] = UNSET
    id_issuing_organ: Maybe[Annotated[str, text("who issued the card")]] = UNSET
    id_expiry: Maybe[Annotated[str, text("the days between which the card is valid")]] = field(name="idUsefulLife", default=UNSET)


@command(
    "swiping_card",
    section="4.5.8",
    example={"timeOut": 10},
    answer=SwipingCardAnswer,
    answer_example={
        "cardType": 1,
        "name": "Jim",
        "idNum": "420381198802141789",
        "ethnic": "汉",
        "gender": 1,
        "birthday": "1989-10-10",
        "address": "北京市朝阳区清湖路",
        "idIssuingOrgan": "北京市朝阳区公安局",
        "idUsefulLife": "2000-01-01~2030-01-01",
    },
)
class SwipingCard(CommandData):
    """Read a card now, to learn its number; the answer comes when one is shown, or when the time is up."""

    timeout_s: Annotated[int, number("how long to wait for a card", 1, LONGEST_SWIPE_S, unit="s")] = field(name="timeOut")

    def answer_wait_s(self) -> float:
        """As long as it was told to wait."""
        return float(self.timeout_s)
