"""What is measured, each in a site of its own: from the number of terminals and the size of pictures to figures."""

from __future__ import annotations

import gc
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.closed import closed_loop
from benchmarks.frames import Recognition, picture
from benchmarks.processes import Cores
from benchmarks.site import Site
from benchmarks.statistics import Metrics
from benchmarks.systems import System

PICTURE_BYTES = 50_000


@dataclass(frozen=True, slots=True)
class Scenario:
    """One row. `measure` gets the site, with its terminals logged in, and the seconds to measure for."""

    name: str
    title: str
    terminals: int
    measure: Callable[[Site, float], Metrics]
    picture_bytes: int = 0

    def run(self, system: System, directory: Path, cores: Cores, seconds: float) -> Metrics:
        """Build the site, measure, and check that what was answered was published. Raises Mismatch, Refused, TimeoutError, RuntimeError."""
        recognition = Recognition(picture(self.picture_bytes) if self.picture_bytes else None)
        with Site(system, directory, cores, self.terminals, recognition) as site:
            site.crowd.join()
            site.settle()
            site.verify()
            gc.collect()
            gc.disable()
            try:
                metrics = self.measure(site, seconds)
            finally:
                gc.enable()
            site.check()
        return metrics


def closed_title(terminals: int, picture_bytes: int) -> str:
    pictures = f"with pictures of {picture_bytes // 1000} KB" if picture_bytes else "without pictures"
    return f"closed loop, {terminals} terminal{'s' * (terminals > 1)}, {pictures}"


SCENARIOS = {
    each.name: each
    for each in (
        *(
            Scenario(f"closed-{terminals}-{size // 1000}", closed_title(terminals, size), terminals, closed_loop, size)
            for size in (0, PICTURE_BYTES)
            for terminals in (1, 10, 100, 1000)
        ),
    )
}
