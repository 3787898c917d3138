from __future__ import annotations

import resource
from typing import Any

import pytest

from bridge.descriptors import SPARE, room_for

INFINITY = resource.RLIM_INFINITY


class System:
    """A system whose limits are these; `most` is what it really allows, whatever it says."""

    def __init__(self, soft: int, hard: int, most: int | None = None) -> None:
        self.limits = (soft, hard)
        self.most = most

    def getrlimit(self, what: int) -> tuple[int, int]:
        return self.limits

    def setrlimit(self, what: int, limits: tuple[int, int]) -> None:
        if self.most is not None and limits[0] > self.most:
            raise ValueError("not allowed to raise maximum limit")
        self.limits = limits


@pytest.mark.parametrize(
    ("system", "room", "soft"),
    [
        (System(1024, 524_288), 12_000, 12_000 + SPARE),
        (System(1024, 4096), 4096 - SPARE, 4096),
        (System(256, INFINITY), 12_000, 12_000 + SPARE),
        (System(256, INFINITY, 10_240), 256 - SPARE, 256),
        (System(65_536, 65_536), 12_000, 65_536),
        (System(INFINITY, INFINITY), 12_000, INFINITY),
        (System(100, 100), 1, 100),
    ],
)
def test_the_limit_is_raised_as_far_as_it_goes(monkeypatch: pytest.MonkeyPatch, system: System, room: int, soft: int) -> None:
    for name in ("getrlimit", "setrlimit"):
        function: Any = getattr(system, name)
        monkeypatch.setattr(resource, name, function)
    assert room_for(12_000) == room
    assert system.limits[0] == soft
