from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from twisted.internet.task import Clock

from bridge.relay.attention import BEAT_S, GAP_S, LONG_GAP_S, Attention
from tests.relay.site import WALL, Site, Terminal
from tests.relay.test_commands import ago, code
from tests.relay.test_sending import asked


@dataclass
class Bench:
    """`asleep` is what the clock on the wall has gone on by while the bridge was not running."""

    clock: Clock = field(default_factory=Clock)
    asleep: float = 0.0
    told: list[str] = field(default_factory=list)

    def wall(self) -> float:
        return WALL + self.clock.seconds() + self.asleep


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def attention(bench: Bench) -> Attention:
    attention = Attention(bench.clock, bench.wall, bench.told.append)
    attention.start()
    return attention


def test_what_is_read_by_a_bridge_that_runs_has_arrived_now(bench: Bench, attention: Attention) -> None:
    for _ in range(100):
        bench.clock.advance(0.3)
        assert attention.arrived_at() == bench.wall()
    assert bench.told == []


def test_what_is_read_after_a_gap_may_have_arrived_when_it_began(bench: Bench, attention: Attention) -> None:
    bench.clock.advance(BEAT_S)
    seen_at = bench.wall()
    bench.asleep = GAP_S + 0.1
    assert attention.arrived_at() == seen_at
    bench.clock.advance(BEAT_S)
    assert attention.arrived_at() == bench.wall()
    assert bench.told == [], "it was not long"


def test_a_long_gap_is_told_once(bench: Bench, attention: Attention) -> None:
    bench.asleep = 3600.0
    assert attention.arrived_at() == WALL
    bench.clock.advance(BEAT_S)
    bench.clock.advance(BEAT_S)
    assert bench.told == ["the bridge was not running for 3601 s"]
    assert LONG_GAP_S < 3600


def test_a_clock_that_is_set_back_is_no_gap(bench: Bench, attention: Attention) -> None:
    bench.clock.advance(BEAT_S)
    bench.asleep = -3600.0
    assert attention.arrived_at() == bench.wall()
    bench.clock.advance(BEAT_S)
    assert (attention.arrived_at(), bench.told) == (bench.wall(), [])


def test_before_it_watches_and_after(bench: Bench, attention: Attention) -> None:
    attention.stop()
    assert bench.clock.getDelayedCalls() == []
    bench.asleep = 3600.0
    assert attention.arrived_at() == bench.wall()


def test_after_a_gap_no_door_is_opened_by_what_was_waiting(site: Site, terminal: Terminal) -> None:
    site.relay.attention.start()
    gap = LONG_GAP_S + 1
    site.clock.rightNow += gap  # the next beat is yet to come
    site.command("open_door")
    assert code(site, "open_door") == "expired"
    site.command("open_door", {"issued_at": ago(-gap)})
    assert code(site, "open_door") == "expired", "it cannot have been issued after it arrived"
    site.command("get_configs", {"groupKey": ["version"]})
    assert [each.body["message"] for each in asked(terminal)] == ["get_configs"]
    site.clock.advance(0)
    assert site.link.redialled == ["the bridge was not running for 11 s"]
    site.command("open_door")
    assert len(asked(terminal, "open_door")) == 1
