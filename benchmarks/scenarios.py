"""What is measured: rows of the table, each with its figures, and the forms in which a run goes through them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from benchmarks.closed import closed_loop
from benchmarks.commands import at_rest, beside_events
from benchmarks.idle import HEARTBEAT_S, idle
from benchmarks.measures import Metrics
from benchmarks.outbox import away_and_back
from benchmarks.paced import open_loop
from benchmarks.site import Site

PICTURE_BYTES = 50_000
Better = Literal["more", "less", ""]


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of a scenario: its name among the metrics, what people call it, with its unit, and what is better."""

    metric: str
    title: str
    better: Better
    digits: int = 0


EVENTS = (
    Figure("events_per_s", "events/s", "more"),
    Figure("cpu_s_per_1000_events", "CPU seconds per 1,000 events", "less", 3),
    Figure("cpu_percent", "its core, %", ""),
    Figure("load_cpu_percent", "the load's core, % (load)", ""),
    Figure("broker_cpu_percent", "the load's core, % (broker)", ""),
)
LATENCY = (
    Figure("p50_ms", "to the answer, median, ms", "less", 2),
    Figure("p99_ms", "to the answer, 99 %, ms", "less", 2),
    Figure("seen_p50_ms", "to the subscriber, median, ms", "less", 2),
    Figure("seen_p99_ms", "to the subscriber, 99 %, ms", "less", 2),
    Figure("cpu_s_per_1000_events", "CPU seconds per 1,000 events", "less", 3),
    Figure("load_cpu_percent", "the load's core, % (load)", ""),
    Figure("broker_cpu_percent", "the load's core, % (broker)", ""),
)
ROUND_TRIP = (
    Figure("p50_ms", "median, ms", "less", 2),
    Figure("p99_ms", "99 %, ms", "less", 2),
    Figure("load_cpu_percent", "the load's core, % (load)", ""),
    Figure("broker_cpu_percent", "the load's core, % (broker)", ""),
)
IDLE = (
    Figure("logins_per_s", "logins/s", "more"),
    Figure("cpu_s_per_1000_logins", "CPU seconds per 1,000 logins", "less", 3),
    Figure("load_cpu_percent", "the load's core, % (load)", ""),
    Figure("registrations_per_s", "registrations/s", "more"),
    Figure("bytes_per_terminal", "memory per terminal, bytes", "less"),
    Figure("held_cpu_percent", "its core while they are held, %", "less", 2),
)
OUTBOX = (
    Figure("commits_per_s", "committed, events/s", "more"),
    Figure("cpu_s_per_1000_commits", "CPU seconds per 1,000 committed", "less", 3),
    Figure("load_cpu_percent", "the load's core, % (load)", ""),
    Figure("drained_per_s", "drained, events/s", "more"),
    Figure("cpu_s_per_1000_drained", "CPU seconds per 1,000 drained", "less", 3),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What a site has to be for a scenario. Scenarios of one setting are measured one after the other in the same site."""

    terminals: int
    joins: bool = True
    """Whether the terminals have logged in, and everything that follows from that is over, before anything is measured."""
    keeps: bool = False
    """Whether the system has to keep events while the broker is away, and the witness misses nothing meanwhile."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """A row. `measure` gets the site and the seconds to measure for; it checks what it has measured."""

    name: str
    title: str
    setting: Setting
    measure: Callable[[Site, float], Metrics]
    figures: tuple[Figure, ...]
    seconds: float
    picture_bytes: int = 0


def _closed(terminals: int, picture_bytes: int) -> Scenario:
    title = f"closed loop, {terminals:,} terminal{'s' * (terminals > 1)}, {_pictures(picture_bytes)}"
    return Scenario(f"closed-{terminals}-{picture_bytes // 1000}", title, Setting(terminals), closed_loop, EVENTS, 2.5, picture_bytes)


def _open(picture_bytes: int) -> Scenario:
    title = f"open loop, 300 events/s of 100 terminals, {_pictures(picture_bytes)}"
    return Scenario(f"open-100-{picture_bytes // 1000}", title, Setting(100), open_loop, LATENCY, 5.0, picture_bytes)


def _idle(terminals: int, seconds: float) -> Scenario:
    return Scenario(f"idle-{terminals}", f"{terminals:,} idle terminals", Setting(terminals, joins=False), idle, IDLE, seconds)


def _outbox(picture_bytes: int) -> Scenario:
    title = f"outbox, 100 terminals, {_pictures(picture_bytes)}"
    return Scenario(f"outbox-100-{picture_bytes // 1000}", title, Setting(100, keeps=True), away_and_back, OUTBOX, 3.0, picture_bytes)


def _pictures(size: int) -> str:
    return f"{size // 1000} KB pictures" if size else "no pictures"


def _by_name(scenarios: Iterable[Scenario]) -> dict[str, Scenario]:
    return {each.name: each for each in scenarios}


SIZES = (0, PICTURE_BYTES)
SCENARIOS = _by_name(
    (
        *(_closed(terminals, size) for size in SIZES for terminals in (1, 10, 100, 1000)),
        *map(_open, SIZES),
        Scenario("command-rest", "open_door and back, at rest", Setting(100), at_rest, ROUND_TRIP, 5.0),
        Scenario("command-busy", "open_door and back, beside 200 pictures/s", Setting(100), beside_events, ROUND_TRIP, 5.0, PICTURE_BYTES),
        *map(_outbox, SIZES),
        _idle(500, 10.0),
        _idle(5000, 10.0),
        _idle(10_000, HEARTBEAT_S),
    )
)


@dataclass(frozen=True, slots=True)
class Form:
    """How a run goes through the scenarios: which, how often, for how long, and beside which peers (None: all that there are)."""

    names: tuple[str, ...]
    rounds: int
    seconds: float | None = None
    """None: as long as each scenario says."""
    peers: tuple[str, ...] | None = None
    is_judged: bool = False
    """Whether it fails where the bridge does not come up to what is expected."""

    def scenarios(self, chosen: Sequence[str] = ()) -> list[Scenario]:
        """Those that are named, whole or by what they begin with, as in closed or closed-100; all of the form's when none is. Raises
        ValueError for a name that is none."""
        names = [name for name in SCENARIOS if any(_is_named(name, each) for each in chosen)] if chosen else self.names
        strange = [each for each in chosen if not any(_is_named(name, each) for name in SCENARIOS)]
        if strange:
            raise ValueError(f"no scenario is named {', '.join(strange)}, or begins so; there are {', '.join(SCENARIOS)}")
        return [replace(SCENARIOS[name], seconds=self.seconds or SCENARIOS[name].seconds) for name in names]


def _is_named(name: str, chosen: str) -> bool:
    """By whole words: closed-1 and closed-1- are closed-1-0 and closed-1-50, and not closed-10-0."""
    return f"{name}-".startswith(f"{chosen.rstrip('-')}-")


FORMS = {
    "full": Form(tuple(name for name in SCENARIOS if name != "idle-500"), rounds=3),
    "quick": Form(
        ("closed-100-0", "closed-100-50", "open-100-50", "command-rest", "command-busy", "outbox-100-0", "idle-500"),
        rounds=1,
        seconds=1.5,
        peers=("aiomqtt",),
    ),
    "smoke": Form(
        ("closed-100-0", "closed-100-50", "command-busy", "outbox-100-50"),
        rounds=1,
        seconds=1.0,
        peers=("aiomqtt",),
        is_judged=True,
    ),
}
