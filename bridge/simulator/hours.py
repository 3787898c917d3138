"""When somebody may pass: a person's authorisation and rules, and those of the terminal (protocol sections 4.3.1, 4.3.8 and 4.5.9).

Rules are JSON objects as the catalogue's declarations let them through.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ..catalogue.pass_rule import IN_PERIODS
from .people import EXPIRED, MATCH, OUTSIDE_HOURS

Rule = Mapping[str, Any]
_DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_FLAGS = ("passMonday", "passTuesday", "passWednesday", "passThursday", "passFriday", "passSaturday", "passSunday")


def result_for(person: Rule, shows: datetime) -> int:
    """How the recognition of a person ends when the terminal's clock `shows` this: MATCH, EXPIRED or OUTSIDE_HOURS."""
    now = f"{shows:%Y-%m-%d %H:%M:%S}"
    if now >= person.get("expireTime", "9999"):
        return EXPIRED
    if now < person.get("startTime", ""):
        return OUTSIDE_HOURS
    extended = person.get("extPassRule")
    admitted = _admits_simply(person, shows) if extended is None else admits(extended, shows)
    return MATCH if admitted else OUTSIDE_HOURS


def admits(rule: Rule, shows: datetime) -> bool:
    """Whether an extended rule lets anybody pass at this moment; a holiday comes before the week."""
    today = f"{shows:%Y.%m.%d}"
    holidays = (each for each in rule.get("holiday", ()) if _is_within(today, each["dayRange"]))
    day = next(holidays, rule["weekly"][_DAYS[shows.weekday()]])
    if day["mode"] == IN_PERIODS:
        return _is_in_periods(f"{shows:%H:%M}", day["periods"])
    return bool(day["mode"])


def _admits_simply(person: Rule, shows: datetime) -> bool:
    if not person.get(_FLAGS[shows.weekday()], True):
        return False
    periods = person.get("passPeriod")
    return periods is None or _is_in_periods(f"{shows:%H:%M}", periods)


def _is_in_periods(time: str, periods: str) -> bool:
    return any(_is_within(time, period) for period in periods.split(","))


def _is_within(moment: str, span: str) -> bool:
    """Both ends belong to it; a span of times may go past midnight."""
    first, last = span.split("~")
    return first <= moment <= last if first <= last else not last < moment < first
