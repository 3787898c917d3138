"""The closed loop: what was carried in some time, and a time that is long enough."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks.closed import LEAST_EVENTS, closed_loop, rates
from benchmarks.site import Reading, Site


class StubSite:
    """One terminal whose events take `each_s`; time passes only in `run`."""

    def __init__(self, each_s: float) -> None:
        self.loop = self
        self.now = 0.0
        self.seen = 0
        self.is_checked = False
        self._each_s = each_s
        self.terminal = SimpleNamespace(reported_at=0.0, report=lambda *_: None)
        self.crowd = SimpleNamespace(
            terminals=[self.terminal], recognition=SimpleNamespace(body=lambda: b"{}"), report=lambda _: None, on_answer=lambda _: None
        )

    def read(self) -> Reading:
        return Reading(self.now, self.seen, self.seen, self.now / 2, 0.0, 0.0, 0.0)

    def run(self, seconds: float, done: Callable[[], bool] = lambda: False) -> None:
        end = self.now + seconds
        while self.now + self._each_s <= end and not done():
            self.now += self._each_s
            self.seen += 1
            self.crowd.on_answer(self.terminal)

    def check(self) -> None:
        self.is_checked = True


def measured(site: StubSite, seconds: float) -> dict[str, Any]:
    return closed_loop(cast(Site, site), seconds)


def test_what_was_carried_is_told_by_the_second_and_by_the_cpu_second() -> None:
    site = StubSite(each_s=0.001)
    metrics = measured(site, 2.0)
    assert metrics["events_per_s"] == pytest.approx(1000, rel=0.01)
    assert metrics["cpu_s_per_1000_events"] == pytest.approx(0.5, rel=0.01)
    assert site.is_checked


def test_few_events_are_measured_for_longer() -> None:
    site = StubSite(each_s=0.1)
    assert measured(site, 2.0)["events_per_s"] == pytest.approx(10, rel=0.1)
    assert site.seen >= LEAST_EVENTS


def test_where_nothing_is_carried_nothing_is_measured() -> None:
    nothing = StubSite(each_s=1e9)
    with pytest.raises(TimeoutError, match=r"nothing was published in 2\.0 s"):
        rates(nothing.read(), Reading(2.0, 0, 0, 1.0, 0.0, 0.0, 0.0))
