"""The command's round trip: open_door over MQTT, to a terminal and back, at rest and beside events."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence

import msgspec

from benchmarks.crowd import Refused, Terminal
from benchmarks.measures import Metrics, latencies
from benchmarks.paced import WARM_S, Pace, Reports
from benchmarks.site import Mismatch, Site

COMMANDS_PER_S = 50
EVENTS_PER_S = 200


class Response(msgspec.Struct):
    """What the contract says of every response."""

    status: str


_response = msgspec.json.Decoder(Response).decode


class Commands:
    """open_door to some terminals in turn. `took_s` is from when it was to be sent until the response has arrived."""

    def __init__(self, site: Site, terminals: Sequence[Terminal]) -> None:
        self.took_s: list[float] = []
        self.pace = Pace(site, COMMANDS_PER_S, self._send, seed=2)
        self._turn = deque(terminals)
        self._sent: dict[str, deque[float]] = {terminal.serial: deque() for terminal in terminals}
        self._unanswered = 0
        self._witness = site.witness
        site.on_response = self._responded

    @property
    def are_done(self) -> bool:
        return not self._unanswered

    def _send(self, at: float) -> None:
        terminal = self._turn[0]
        self._turn.rotate(-1)
        self._sent[terminal.serial].append(at)
        self._unanswered += 1
        self._witness.publish(f"qyzn/{terminal.serial}/command/open_door", b"{}")

    def _responded(self, terminal: Terminal, payload: bytes) -> None:
        sent = self._sent[terminal.serial]
        if not sent:
            raise Mismatch(f"open_door of {terminal.serial} was answered twice: {payload!r}")
        self.took_s.append(time.perf_counter() - sent.popleft())
        self._unanswered -= 1
        if _response(payload).status != "ok":
            raise Refused(f"open_door of {terminal.serial} was answered {payload!r}")


def at_rest(site: Site, seconds: float) -> Metrics:
    """While nothing else happens."""
    return _round_trips(site, site.crowd.terminals, seconds)


def beside_events(site: Site, seconds: float) -> Metrics:
    """While half of the terminals report what they see."""
    half = len(site.crowd.terminals) // 2
    reports = Reports(site, site.crowd.terminals[:half], EVENTS_PER_S)
    reports.pace.start()
    try:
        return _round_trips(site, site.crowd.terminals[half:], seconds)
    finally:
        reports.pace.stop()
        site.check()


def _round_trips(site: Site, terminals: Sequence[Terminal], seconds: float) -> Metrics:
    commands, opened = Commands(site, terminals), site.crowd.opened
    commands.pace.start()
    site.loop.run(WARM_S)
    commands.took_s.clear()
    before = site.read()
    site.loop.run(seconds)
    after = site.read()
    commands.pace.stop()
    if not site.loop.run(10.0, lambda: commands.are_done):
        raise TimeoutError("commands are left without a response")
    if (count := len(commands.pace.late_s)) != site.crowd.opened - opened:
        raise Mismatch(f"{site.system.name}: {count} commands were answered, and {site.crowd.opened - opened} doors opened")
    return latencies(commands.took_s) | before.shares(after)
