"""Extended pass rules, of a terminal (protocol section 4.5.9) and of a person (4.3.8): a week, and holidays that come before it."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET

from ..errors import Invalid
from .checking import below
from .fields import Id, Maybe, choice, identifier, items, plain, text
from .forms import date_time, day_range, periods
from .message import CommandData, command

DAY_MODES = {0: "nobody passes", 1: "all day", 2: "in the periods alone"}
IN_PERIODS = 2
PERIODS_BYTES = 256


class DayRule(CommandData):
    """When somebody may pass on one day of the week."""

    mode: Annotated[int, choice("whether the day is open", DAY_MODES)]
    periods: Maybe[Annotated[str, periods("when, in mode 2", PERIODS_BYTES)]] = UNSET

    def check_rules(self, path: str) -> None:
        """Mode 2 needs periods."""
        if self.mode == IN_PERIODS and self.periods is UNSET:
            raise Invalid(below(path, "periods"), "periods, as the mode is 2", "nothing")


class HolidayRule(DayRule, kw_only=True):
    """When somebody may pass on some days of the calendar."""

    name: Annotated[str, text("the holiday's name", 24)]
    day_range: Annotated[str, day_range("its first and last day")]


class Week(CommandData):
    """A rule for each day of the week."""

    mon: Annotated[DayRule, plain("Mondays")]
    tue: Annotated[DayRule, plain("Tuesdays")]
    wed: Annotated[DayRule, plain("Wednesdays")]
    thu: Annotated[DayRule, plain("Thursdays")]
    fri: Annotated[DayRule, plain("Fridays")]
    sat: Annotated[DayRule, plain("Saturdays")]
    sun: Annotated[DayRule, plain("Sundays")]


class PassRule(CommandData):
    """An extended pass rule."""

    id: Annotated[Id, identifier("the rule's id")]
    name: Annotated[str, text("the rule's name", 36)]
    update_time: Annotated[str, date_time("when the rule was made, local civil time")]
    weekly: Annotated[Week, plain("the week")]
    holiday: Maybe[Annotated[list[HolidayRule], items("holidays, which come before the week")]] = UNSET


EXAMPLE = {
    "id": "1",
    "name": "规则名称",
    "updateTime": "2020-04-10 08:00:00",
    "weekly": {
        "mon": {"mode": 0},
        "tue": {"mode": 1},
        "wed": {"mode": 2, "periods": "00:00~05:00,13:30~18:00"},
        "thu": {"mode": 1},
        "fri": {"mode": 1},
        "sat": {"mode": 1},
        "sun": {"mode": 1},
    },
    "holiday": [
        {"name": "国庆节", "dayRange": "2019.10.01~2019.10.03", "mode": 2, "periods": "00:00~05:00,13:30~18:00"},
        {"name": "中秋节", "dayRange": "2019.12.25~2019.12.25", "mode": 0},
    ],
}
"""The document's, with values for its placeholders (id, name, time), and the holiday that has periods first."""


@command("config_device_pass_rule", section="4.5.9", version=4, example=EXAMPLE)
class ConfigDevicePassRule(PassRule):
    """Set when anybody may pass at all."""
