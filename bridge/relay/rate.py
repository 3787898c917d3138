"""How often something may happen: a sliding window for each key."""

from __future__ import annotations

from collections import OrderedDict, deque


class Rate:
    """At most `most` within any `period_s` seconds, for each key on its own. `now` is monotonic seconds."""

    def __init__(self, most: int, period_s: float) -> None:
        self._most = most
        self._period_s = period_s
        self._taken: OrderedDict[str, deque[float]] = OrderedDict()
        """When, by key; the key that was asked for longest ago is first."""

    def __len__(self) -> int:
        return len(self._taken)

    def take(self, key: str, now: float) -> float:
        """Take one: 0, or in how many seconds there will be one to take."""
        self._forget_one(now)
        taken = self._taken.setdefault(key, deque())
        self._taken.move_to_end(key)
        while taken and now >= taken[0] + self._period_s:
            taken.popleft()
        if len(taken) >= self._most:
            return taken[0] + self._period_s - now
        taken.append(now)
        return 0.0

    def _forget_one(self, now: float) -> None:
        """A key that was not asked for in a whole period."""
        key = next(iter(self._taken), None)
        if key is not None and now >= self._taken[key][-1] + self._period_s:
            del self._taken[key]


class Ration:
    """What is said of a kind of thing each time, unless that is too often; then it is counted, and the count is told with the next."""

    def __init__(self, most: int, period_s: float) -> None:
        self._rate = Rate(most, period_s)
        self._omitted: dict[str, int] = {}

    def take(self, kind: str, now: float) -> int | None:
        """How many of the kind were left out before this one; None: leave this one out too."""
        if self._rate.take(kind, now) > 0:
            self._omitted[kind] = self._omitted.get(kind, 0) + 1
            return None
        return self._omitted.pop(kind, 0)
