from __future__ import annotations

from typing import Any

import pytest
from twisted.internet.task import Clock
from twisted.logger import LogEvent, LogLevel, formatEvent

from bridge.catalogue import Result
from bridge.relay.complaints import Complaints
from bridge.session.admission import RefusalKind, Refused
from tests.relay.conftest import MakeSite
from tests.relay.site import Terminal
from tests.terminal.lobby import logged


class Site:
    """The complaints, what they told, and what they logged."""

    def __init__(self, log: list[LogEvent]) -> None:
        self.clock = Clock()
        self.events: list[tuple[str, dict[str, Any]]] = []
        self.complaints = Complaints(self.clock, self.tell)
        self._log = log

    def tell(self, kind: str, /, **data: Any) -> None:
        self.events.append((kind, data))

    def lines(self) -> list[str]:
        return [formatEvent(event) for event in self._log]


@pytest.fixture
def site() -> Any:
    with logged(LogLevel.warn) as log:
        site = Site(log)
        yield site
        site.complaints.stop()
        assert site.clock.getDelayedCalls() == []


def test_a_flood_of_connections_is_a_line_at_once_and_one_a_minute(site: Site) -> None:
    for _ in range(2400):
        site.complaints.turned_away("192.0.2.7", "connections_per_address")
        site.clock.advance(0.0625)  # 150 s
    assert [line.partition(": it has")[0] for line in site.lines()] == [
        "connection from 192.0.2.7 turned away",
        "connection from 192.0.2.7 turned away, 959 times more in 60 s",
        "connection from 192.0.2.7 turned away, 960 times more in 60 s",
    ]
    assert "limits.connections_per_address" in site.lines()[0]
    assert [(kind, data["kind"], data["id"], data["count"]) for kind, data in site.events] == [
        ("auth_failed", "connections_per_address", None, 1),
        ("auth_failed", "connections_per_address", None, 959),
        ("auth_failed", "connections_per_address", None, 960),
    ]
    for _ in range(2):
        site.clock.advance(60)
    assert sum(data["count"] for _, data in site.events) == 2400
    assert site.complaints.counts == {"connections_per_address": 2400}
    assert site.clock.getDelayedCalls() == []


def test_a_flood_from_everywhere_is_a_few_lines(site: Site) -> None:
    for number in range(5000):
        site.complaints.turned_away(f"198.51.{number % 250}.{number // 250}", "connections")
    site.clock.advance(60)
    assert len(site.lines()) == len(site.events) == 21
    assert site.events[-1][1]["address"] == "several addresses"
    assert sum(data["count"] for _, data in site.events) == 5000


def test_different_faults_are_told_apart_and_the_numbers_in_them_are_not(site: Site) -> None:
    for size in range(100_000, 100_050):
        site.complaints.faulted("192.0.2.7", None, f"a frame of {size} bytes is over the limit of 65536")
        site.complaints.faulted("192.0.2.7", None, f"not a QYZN frame: it starts with 0x{size:x}")
    site.complaints.faulted("192.0.2.7", "SN1", "unreadable body: not UTF-8")
    assert [line.partition("192.0.2.7 ")[2] for line in site.lines()] == [
        "broke the protocol: a frame of 100000 bytes is over the limit of 65536",
        "broke the protocol: not a QYZN frame: it starts with 0x186a0",
        "broke the protocol: unreadable body: not UTF-8",
    ]
    site.clock.advance(60)
    assert [(kind, data["id"], data["count"]) for kind, data in site.events[3:]] == [
        ("protocol_error", None, 49),
        ("protocol_error", None, 49),
    ]


def test_how_long_a_terminal_was_held_back(site: Site) -> None:
    for _ in range(10):
        site.complaints.slowed("192.0.2.7", "SN1", 0.5)
    site.clock.advance(60)
    assert site.lines()[0].startswith("terminal SN1 at 192.0.2.7 is too fast: it sends faster than limits.frames_per_s")
    assert site.lines()[1].startswith("terminal SN1 at 192.0.2.7 is too fast, for 4.5 s in 60 s: ")
    assert [kind for kind, _ in site.events] == ["protocol_error", "protocol_error"]


def refused(kind: RefusalKind, repeated: bool) -> Refused:
    return Refused(kind, Result.BUSY, "for a reason", 10, "SN1", repeated)


def test_a_refusal_that_was_told_before_is_counted_and_told_once_an_hour(site: Site) -> None:
    site.complaints.rejected("192.0.2.7", refused("other_mac", False))
    for _ in range(720):
        site.clock.advance(10)
        site.complaints.rejected("192.0.2.7", refused("other_mac", True))
    assert site.lines() == [
        "terminal SN1 at 192.0.2.7 refused: for a reason",
        "terminal SN1 at 192.0.2.7 refused, 360 times more in 3600 s: for a reason",
    ]
    assert [data["count"] for _, data in site.events] == [1, 360]
    assert site.complaints.counts == {"other_mac": 721}


def test_a_pending_terminal_is_no_failure(site: Site) -> None:
    site.complaints.rejected("192.0.2.7", refused("pending", False))
    site.complaints.rejected("192.0.2.7", refused("pending", True))
    site.clock.advance(3600)
    assert len(site.lines()) == 2
    assert site.events == []


def test_what_is_counted_stands_in_health(make_site: MakeSite) -> None:
    site = make_site(limits={"connections_per_address": 1}, registration={"policy": "closed"})
    terminal = Terminal(site, "SN1")
    terminal.register()
    terminal.register()
    terminal.send(b"nonsense")
    assert Terminal(site, "SN2").is_aborted()
    health = site.request("health")["data"]
    assert health["connections"] == {"open": 1, "complaints": {"closed": 2, "faulted": 1, "connections_per_address": 1}}
