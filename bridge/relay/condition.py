"""How the bridge is set up and how it does: `<bridge>/info` and `<bridge>/health`."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.internet.task import LoopingCall
from twisted.logger import Logger

from bridge import __version__
from bridge.mqtt.message import Publication
from bridge.mqtt.topics import Topics
from bridge.relay.noticeboard import Noticeboard, say
from bridge.relay.outlet import Outlet
from bridge.relay.presence import Moments, Presence

HEALTH_EVERY_S = 60.0


@dataclass(frozen=True, slots=True)
class SetUp:
    """What does not change while the bridge runs; `configuration` has its secrets masked."""

    instance: str
    listeners: tuple[str, ...]
    configuration: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Traffic:
    """How many connections are open, and how many times somebody was refused, slowed or at fault since the start, by kind."""

    open: int
    complaints: dict[str, int]


class Condition:
    """Publishes info when it changes, and health each minute and whenever the broker is back."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        outlet: Outlet,
        board: Noticeboard,
        topics: Topics,
        moments: Moments,
        set_up: SetUp,
        presence: Presence,
        permit_join_until: Callable[[], float | None],
        outbox_health: Callable[[], dict[str, Any]],
        traffic: Callable[[], Traffic],
    ) -> None:
        self._clock = clock
        self._outlet = outlet
        self._board = board
        self._topics = topics
        self._moments = moments
        self._set_up = set_up
        self._presence = presence
        self._permit_join_until = permit_join_until
        self._outbox_health = outbox_health
        self._traffic = traffic
        self._started_at = moments.wall()
        self._started = clock.seconds()
        self._loop = LoopingCall(self.post_health)
        self._loop.clock = clock
        self._window: IDelayedCall | None = None
        """When info is to say that the window has closed."""

    def start(self) -> None:
        """Begin to speak of health."""
        self._loop.start(HEALTH_EVERY_S, now=False).addErrback(lambda failure: self.log.failure("defect while reporting health", failure))

    def stop(self) -> None:
        """No more timers."""
        if self._loop.running:
            self._loop.stop()
        self._forget_window()

    def permit_join(self) -> dict[str, Any]:
        """The window, as info shows it."""
        until = self._permit_join_until()
        return {"open": until is not None, "until": self._moments.at(until) if until is not None else None}

    def post_info(self) -> None:
        """Say what the bridge is."""
        limits = self._outlet.limits
        info = {
            "version": __version__,
            "instance": self._set_up.instance or None,
            "started_at": self._moments.at(self._started_at),
            "listeners": self._set_up.listeners,
            "mqtt": {"version": limits.protocol, "limits": asdict(limits)} if limits is not None else None,
            "permit_join": self.permit_join(),
            "configuration": self._set_up.configuration,
        }
        self._board.post(self._topics.info, msgspec.json.encode(info))
        self._watch_window()

    def _watch_window(self) -> None:
        self._forget_window()
        until = self._permit_join_until()
        if until is not None:
            self._window = self._clock.callLater(max(0.0, until - self._moments.wall()), self.post_info)

    def _forget_window(self) -> None:
        if self._window is not None and self._window.active():
            self._window.cancel()
        self._window = None

    def health(self) -> dict[str, Any]:
        """How the bridge does, now."""
        return {
            "time": self._moments.now(),
            "uptime_s": round(self._clock.seconds() - self._started),
            "memory": {"rss_bytes": resident_bytes()},
            "mqtt": {"connected": self._outlet.is_up, "congested": self._outlet.congested},
            "outbox": self._outbox_health(),
            "connections": asdict(self._traffic()),
            "terminals": {serial: counters.told() for serial, counters in self._presence.counters.items()},
        }

    def post_health(self) -> None:
        """Say how the bridge does, if the broker is there."""
        if self._outlet.is_up:
            payload = msgspec.json.encode(self.health())
            say(self._outlet, Publication(self._topics.health, payload, qos=0, retain=True, content_type="application/json"), self.log)


def resident_bytes() -> int:
    """The memory this process occupies; where the system does not tell (macOS), the most it ever did."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
