"""Who is there: each terminal's availability and info, the list of all, and the bridge's own events about them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, tzinfo
from functools import partial
from math import inf
from operator import attrgetter
from typing import Any

import msgspec
from msgspec.structs import replace
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from bridge.mqtt.topics import Topics
from bridge.registry import KnownTerminal
from bridge.relay.bridge_events import Tell
from bridge.relay.claims import Claims
from bridge.relay.noticeboard import Noticeboard
from bridge.terminal.protocol import TerminalProtocol

GRACE_S = 5.0
"""A terminal that is back within this was never away (the contract's availability)."""
DEVICES_EVERY_S = 1.0
"""The list of all terminals is published at most this often: with thousands of them, each login would send it whole."""
MANY_DEVICES = 1000
"""With more of them than this it is published less often, in proportion: it takes 10 ms for each thousand."""

SEEN_EVERY_S = 60.0
"""How often a terminal's info is published for the sole reason that the terminal was heard of again."""

_encoder = msgspec.json.Encoder()
_encode, _encode_into = _encoder.encode, _encoder.encode_into


@dataclass(frozen=True, slots=True)
class Moments:
    """Wall-clock times as the contract writes them, in the site's zone."""

    wall: Callable[[], float]
    zone: tzinfo

    def now(self) -> str:
        """This moment."""
        return self.at(self.wall())

    def at(self, seconds: float) -> str:
        """A moment given in UNIX seconds."""
        return datetime.fromtimestamp(seconds, self.zone).isoformat(timespec="milliseconds")


class Counters(msgspec.Struct, gc=False):
    """What was counted of one terminal since the start."""

    events: int = 0
    commands: int = 0
    refused: int = 0
    faults: int = 0
    connections: int = 0

    def told(self) -> dict[str, int]:
        """As health tells them: of thousands of terminals, each minute."""
        return dict(zip(_COUNTED, _counts(self), strict=True))


_COUNTED = Counters.__struct_fields__
_counts = attrgetter(*_COUNTED)


class _Said(msgspec.Struct, frozen=True, gc=False):
    """What is said of a terminal as info; moments in UNIX seconds."""

    name: str
    model: str
    mac: str
    firmware: str
    protocol_version: int | None
    address: str
    since: float
    seen: float
    people: int | None


class _Standing(msgspec.Struct, gc=False):
    """What is said of one terminal: whether it is online (None: nothing), its info, and when that was made, in monotonic seconds. There are
    thousands, so each is told from its values when it is told, and not kept as JSON."""

    is_online: bool | None = None
    said: _Said | None = None
    made_at: float = -inf


@dataclass(slots=True)
class Presence:
    """Keeps the noticeboard true about terminals, whose availability and info it keeps itself. `known` gives those of the registry, `name_of`
    what people call one; `heard` has it remember when one was there last; `tell` publishes the
    bridge's own events."""

    clock: IReactorTime
    board: Noticeboard
    topics: Topics
    moments: Moments
    instance: str
    known: Callable[[], Iterable[KnownTerminal]]
    name_of: Callable[[str], str]
    is_live: Callable[[str], bool]
    heard: Callable[[str], None]
    tell: Tell
    claims: Claims
    retained_images: frozenset[str] = frozenset()
    """The kinds of pictures that the broker keeps, if it does."""
    counters: dict[str, Counters] = field(default_factory=dict)
    _standings: dict[str, _Standing] = field(default_factory=dict)
    _people: dict[str, int] = field(default_factory=dict)
    """How many people terminals know, of those that said so while they have been connected: one that joins anew may have been reset meanwhile,
    or changed at its own menu, and nobody would tell."""
    _leaving: dict[str, IDelayedCall] = field(default_factory=dict)
    _devices_due: IDelayedCall | None = None
    _devices_posted: float = -inf
    _listed: int = 0
    _starting: IDelayedCall | None = None

    def __post_init__(self) -> None:
        self.board.keep(self)

    def start(self) -> None:
        """Known terminals have a moment to come back before they are said to be away: the bridge may just have been restarted."""
        self._starting = self.clock.callLater(GRACE_S, self._started)
        self.devices_changed()

    def stop(self) -> None:
        """No more timers."""
        for timer in (*self._leaving.values(), self._devices_due, self._starting):
            if timer is not None and timer.active():
                timer.cancel()
        self._leaving.clear()

    def counted(self, serial: str) -> Counters:
        """A terminal's counters."""
        counters = self.counters.get(serial)
        if counters is None:
            counters = self.counters[serial] = Counters()
        return counters

    def joined(self, terminal: TerminalProtocol, *, replaced: bool) -> None:
        """A terminal is there."""
        serial = terminal.serial
        self.counted(serial).connections += 1
        leaving = self._leaving.pop(serial, None)
        if leaving is not None:
            leaving.cancel()
        self.claims.ours(serial)
        self._people.pop(serial, None)
        was_away = not self._is_online(serial)
        self._post_info(terminal)
        self._post_availability(serial, True)
        if replaced:
            self.tell("device_replaced", id=serial, address=terminal.address)
        elif was_away:
            self.tell("device_online", id=serial, name=self.name_of(serial), address=terminal.address)
        self.devices_changed()

    def left(self, serial: str, reason: str, *, clean: bool) -> None:
        """A terminal is gone: away at once after a logout, otherwise unless it is back soon."""
        self.heard(serial)
        self._people.pop(serial, None)
        self._amend_info(serial, made_at=-inf, seen=self.moments.wall(), people=None)
        if clean:
            self._away(serial, reason)
        else:
            self._leaving[serial] = self.clock.callLater(GRACE_S, self._away, serial, reason)

    def seen(self, terminal: TerminalProtocol) -> None:
        """A terminal was heard of. Its info says so, now and then."""
        standing = self._standings.get(terminal.serial)
        if standing is None or self.clock.seconds() - standing.made_at >= SEEN_EVERY_S:
            self._post_info(terminal)

    def people_counted(self, serial: str, count: int | None) -> None:
        """A terminal knows so many people; None: nobody can tell any more."""
        if self._people.get(serial) == count:
            return
        if count is None:
            del self._people[serial]
        else:
            self._people[serial] = count
        self._amend_info(serial, people=count)

    def removed(self, serial: str) -> None:
        """A terminal is known no more: nothing retained is to be left of it."""
        leaving = self._leaving.pop(serial, None)
        if leaving is not None:
            leaving.cancel()
        self.counters.pop(serial, None)
        self._standings.pop(serial, None)
        images = (self.topics.image(serial, kind) for kind in self.retained_images)
        for topic in (self.topics.availability(serial), self.topics.device_info(serial), *images):
            self.board.clear(topic)
        self.devices_changed()

    def given_up(self, serial: str) -> None:
        """Another bridge has the terminal now, and speaks for it."""
        leaving = self._leaving.pop(serial, None)
        if leaving is not None:
            leaving.cancel()
        self._standings.pop(serial, None)
        for topic in (self.topics.availability(serial), self.topics.device_info(serial)):
            self.board.forget(topic)
        self.devices_changed()

    def devices_changed(self) -> None:
        """The list of all terminals is to be published again, soon."""
        if self._devices_due is None or not self._devices_due.active():
            rest_s = self._devices_posted + DEVICES_EVERY_S * self._listed / MANY_DEVICES - self.clock.seconds()
            self._devices_due = self.clock.callLater(max(DEVICES_EVERY_S, rest_s), self._post_devices)

    def topics_kept(self) -> Iterator[str]:
        """Those of all terminals."""
        for serial, standing in list(self._standings.items()):
            if standing.said is not None:
                yield self.topics.device_info(serial)
            if standing.is_online is not None:
                yield self.topics.availability(serial)

    def notice(self, topic: str) -> bytes | None:
        """A terminal's info, or its availability."""
        serial = topic.rpartition("/")[0].rpartition("/")[2]
        standing = self._standings.get(serial)
        if standing is None:
            return None
        if standing.said is not None and topic == self.topics.device_info(serial):
            return _encode(self._info(serial, standing.said))
        if standing.is_online is not None and topic == self.topics.availability(serial):
            return b"online" if standing.is_online else b"offline"
        return None

    def _started(self) -> None:
        for known in self.known():
            is_here = self.is_live(known.serial) or known.serial in self._leaving
            if known.status == "approved" and not is_here and not self.claims.is_elsewhere(known.serial):
                self._post_availability(known.serial, False)

    def _away(self, serial: str, reason: str) -> None:
        self._leaving.pop(serial, None)
        self._post_availability(serial, False)
        self.tell("device_offline", id=serial, name=self.name_of(serial), reason=reason)
        self.devices_changed()

    def _post_info(self, terminal: TerminalProtocol) -> None:
        identity = terminal.identity
        assert identity is not None
        now = self.moments.wall()
        said = _Said(
            name=self.name_of(identity.serial),
            model=identity.model,
            mac=identity.mac,
            firmware=identity.firmware,
            protocol_version=terminal.protocol_version,
            address=terminal.address,
            since=terminal.joined_at or now,
            seen=now,
            people=self._people.get(identity.serial),
        )
        self._say(identity.serial, said, made_at=self.clock.seconds())

    def _amend_info(self, serial: str, made_at: float | None = None, **changes: Any) -> None:
        """Change some of what is said, if anything is; when it was made stays, unless given."""
        standing = self._standings.get(serial)
        if standing is not None and standing.said is not None:
            self._say(serial, replace(standing.said, **changes), standing.made_at if made_at is None else made_at)

    def _say(self, serial: str, said: _Said, made_at: float) -> None:
        standing = self._standings.setdefault(serial, _Standing())
        standing.made_at = made_at
        if standing.said != said:
            standing.said = said
            self.board.changed(self.topics.device_info(serial))

    def _info(self, serial: str, said: _Said) -> dict[str, Any]:
        return {
            "id": serial,
            "name": said.name,
            "model": said.model or None,
            "mac": said.mac or None,
            "firmware": said.firmware or None,
            "protocol_version": said.protocol_version,
            "address": said.address,
            "instance": self.instance or None,
            "session_since": self.moments.at(said.since),
            "last_seen": self.moments.at(said.seen),
            "person_count": said.people,
        }

    def _post_availability(self, serial: str, is_online: bool) -> None:
        standing = self._standings.setdefault(serial, _Standing())
        if standing.is_online is not is_online:
            standing.is_online = is_online
            self.board.changed(self.topics.availability(serial))

    def _is_online(self, serial: str) -> bool:
        standing = self._standings.get(serial)
        return standing is not None and standing.is_online is True

    def info_changed(self, terminal: TerminalProtocol) -> None:
        """A terminal said more of itself: a login tells the firmware, a register did not."""
        self._post_info(terminal)
        self.devices_changed()

    def _post_devices(self) -> None:
        self._devices_posted = self.clock.seconds()
        self.board.post(self.topics.devices, partial(self._devices, self.moments.now()))

    def _devices(self, now: str) -> bytes:
        """The list of all, put together terminal by terminal in one place: it is megabytes where there are thousands, and as thousands of pieces
        it would leave holes in the memory."""
        listed, self._listed = bytearray(b"["), 0
        for known in self.known():
            if self._listed:
                listed += b","
            _encode_into(self._device(known, now), listed, len(listed))
            self._listed += 1
        listed += b"]"
        return bytes(listed)

    def _device(self, known: KnownTerminal, now: str) -> dict[str, Any]:
        return {
            "id": known.serial,
            "name": self.name_of(known.serial),
            "model": known.model or None,
            "mac": known.mac or None,
            "firmware": known.firmware or None,
            "address": known.address or None,
            "status": known.status,
            "online": self._is_online(known.serial),
            "last_seen": now if self.is_live(known.serial) else self.moments.at(known.last_seen),
        }
