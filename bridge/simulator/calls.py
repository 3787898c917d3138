"""The intercom (protocol section 4.7): somebody presses a flat's button, the bridge says whom to call, and what became of it is reported.

A terminal has one call at a time. The people called are not there, so a call to anybody is answered, and is over after a while.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from math import inf
from random import Random
from typing import Any

from ..catalogue import Result

SHORTEST_TALK_S, LONGEST_TALK_S = 2.0, 8.0
_ANSWERED_IN_APP, _MISSED, _ANSWERED_BY_TELEPHONE = 3, 5, 7
_NOT_CONNECTED, _APP, _TELEPHONE = 0, 1, 2
_TIME = "%Y%m%d%H%M%S"


@dataclass(slots=True)
class _Call:
    """`over_at` is monotonic seconds; infinity while the bridge has not said whom to call."""

    flat: str
    call_id: str
    over_at: float = inf
    began: datetime | None = None
    by_telephone: bool = False


class Calls:
    """The call of one terminal, on this connection or a later one."""

    def __init__(self, random: Random) -> None:
        self._random = random
        self._call: _Call | None = None

    def ring(self, flat: str) -> dict[str, Any] | None:
        """A button is pressed: what to ask the bridge, but for the picture; None while there is a call."""
        if self._call is not None:
            return None
        self._call = _Call(flat, f"{self._random.getrandbits(128):032x}")
        return {"callNo": self._call.flat, "callRequestId": self._call.call_id}

    def answered(self, result: int, data: dict[str, Any], shows: datetime, now: float) -> None:
        """The bridge said whom to call: nobody, and it is over at once. `shows` is the terminal's clock, `now` monotonic seconds."""
        call = self._call
        if call is None or call.over_at < inf:
            return
        called = data.get("calleds")
        call.over_at = now
        if result == Result.SUCCESS and isinstance(called, list) and called:
            call.began = shows
            call.by_telephone = not any(isinstance(each, dict) and each.get("token") for each in called)
            call.over_at = now + min(self._random.uniform(SHORTEST_TALK_S, LONGEST_TALK_S), _seconds(data.get("callMaxSeconds")))

    def give_up(self) -> None:
        """The bridge was lost before it said whom to call: they went away."""
        if self._call is not None and self._call.over_at == inf:
            self._call = None

    def over_at(self) -> float:
        """When `result` has something to report; infinity when nothing is to come."""
        return inf if self._call is None else self._call.over_at

    def result(self, shows: datetime, now: float) -> dict[str, Any] | None:
        """What became of the call, if it is over."""
        call = self._call
        if call is None or call.over_at > now:
            return None
        self._call = None
        return {"callNo": call.flat, "callRequestId": call.call_id, "callRecords": [self._attempt(call, shows)]}

    def _attempt(self, call: _Call, shows: datetime) -> dict[str, Any]:
        if call.began is None:
            how, kind, opened = _MISSED, _NOT_CONNECTED, 0
        else:
            how, kind = (_ANSWERED_BY_TELEPHONE, _TELEPHONE) if call.by_telephone else (_ANSWERED_IN_APP, _APP)
            opened = self._random.choice((0, 1))
        began = call.began or shows
        return {
            "userId": "",
            "callResult": how,
            "callType": kind,
            "openStatus": opened,
            "startTime": f"{began:{_TIME}}",
            "endTime": f"{max(began, shows):{_TIME}}",
        }


def _seconds(said: Any) -> float:
    """How long the bridge lets a call last; for ever when it does not say."""
    return float(said) if isinstance(said, int | float) and not isinstance(said, bool) and said > 0 else inf
