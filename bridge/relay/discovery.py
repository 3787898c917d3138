"""Has Home Assistant know the bridge and its terminals: announces them, keeps that true, and clears what is left of those that are gone.

An announcement is a retained discovery payload. Those of earlier runs stand at the broker; what they had and the new ones do not have any
more must be taken back one by one. So they are read at the start, before anything is announced. From then on those of other bridges are
heard: a terminal can move to one of them, and is announced in the same place there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain
from random import Random
from types import MappingProxyType
from typing import Any

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from bridge.errors import BridgeError
from bridge.homeassistant import (
    Announced,
    DiscoveryTopics,
    Offer,
    Patterns,
    Terminal,
    announced,
    announcement,
    bridge_device,
    bridge_id,
    serial_of,
    terminal_device,
    terminal_id,
)
from bridge.homeassistant.discovery_topics import ONLINE
from bridge.homeassistant.settings import groups_shown
from bridge.mqtt.message import Message
from bridge.mqtt.topics import Topics
from bridge.registry import KnownTerminal
from bridge.relay.configuration import Configuration
from bridge.relay.noticeboard import Noticeboard
from bridge.relay.outlet import Outlet

READING_S = 3.0
"""How long a broker may take to send what was announced before. Nothing is announced before that is over."""
SOON_S = 2.0
"""A terminal that joins is announced when it has been read, and once rather than group by group."""
MOST_AT_ONCE = 20
"""How many terminals are looked at in one turn of the reactor."""
BIRTH_JITTER_S = (1.0, 10.0)
"""After Home Assistant's birth everybody else speaks to it as well (the contract)."""
MOST_ALIKE = 32
"""So many different things that are told of terminals are looked for, to be kept once for all of which they are told."""
OVERHEAD_BYTES = 256
"""What a packet has beside its payload: the topic and a few bytes."""

_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class _Told:
    """What was announced of a terminal: one object for all of which it is the same. `name` None: it is called by its serial. `gone` are components
    that it does not have any more: their keys and platforms."""

    name: str | None
    model: str
    firmware: str
    groups: frozenset[str]
    gone: tuple[tuple[str, str], ...]

    def terminal(self, serial: str) -> Terminal:
        """The terminal, as it was announced."""
        return Terminal(serial=serial, name=self.name or serial, model=self.model, firmware=self.firmware, groups=self.groups)


@dataclass(frozen=True, slots=True)
class Knowledge:
    """Where a terminal's description comes from: the registry, the names that people gave, and what is known of its groups. `is_ours`:
    it is approved, and no other bridge has it. `is_here`: it is connected."""

    find: Callable[[str], KnownTerminal | None]
    all: Callable[[], Iterable[KnownTerminal]]
    is_ours: Callable[[str], bool]
    is_here: Callable[[str], bool]
    name_of: Callable[[str], str]
    configuration: Configuration


class Discovery:
    """Announces the bridge and every approved terminal. Without `places`, nothing is announced."""

    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        random: Random,
        outlet: Outlet,
        board: Noticeboard,
        topics: Topics,
        places: DiscoveryTopics | None,
        offer: Offer,
        knowledge: Knowledge,
        skip_retained: Callable[[str], None],
    ) -> None:
        self._clock = clock
        self._random = random
        self._outlet = outlet
        self._board = board
        self._topics = topics
        self._places = places
        self._offer = offer
        self._knowledge = knowledge
        self._skip_retained = skip_retained
        self._has_read = False
        self._earlier: dict[str, Announced] = {}
        self._elsewhere: set[str] = set()
        """Terminals that another bridge has announced: unless they are here, they have moved there, and are its own until they come back."""
        self._insisted: set[str] = set()
        """Terminals that are here, and that another bridge announced all the same: it may not know that they moved."""
        self._told: dict[str, _Told] = {}
        self._alike: dict[_Told, _Told] = {}
        self._due: dict[str, None] = {}
        self._timers: dict[str, IDelayedCall] = {}
        self._keys: dict[frozenset[str], Mapping[str, str]] = {}
        self._patterns = Patterns(topics, offer)
        knowledge.configuration.observe(self.changed)
        board.keep(self)

    def stop(self) -> None:
        """No more timers."""
        for name in list(self._timers):
            self._cancel(name)

    # What happens.

    def link_up(self) -> None:
        """The broker is there, and sends what was announced before."""
        if self._places is not None and not self._has_read:
            self._set("reading", READING_S, self._read_all)

    def link_down(self) -> None:
        """The broker is away."""
        self._cancel("reading")

    def message(self, message: Message) -> bool:
        """A message came; returns whether it was about discovery."""
        if self._places is None:
            return False
        if message.topic == self._places.status:
            if message.payload == ONLINE and not message.retain and "birth" not in self._timers:
                self._set("birth", self._random.uniform(*BIRTH_JITTER_S), self._born)
            return True
        discovery_id = self._places.device_of(message.topic)
        if discovery_id is not None:
            self._heard(discovery_id, message)
        return discovery_id is not None

    def joined(self, serial: str) -> None:
        """A terminal is here, wherever it was before."""
        self._insisted.discard(serial)
        if serial in self._elsewhere:
            self._elsewhere.discard(serial)
            self._told.pop(serial, None)  # whatever was told, the other bridge's stands there now
        self.changed(serial)

    def changed(self, serial: str) -> None:
        """Something about a terminal may have changed."""
        if self._places is not None:
            self._due[serial] = None
            if self._has_read and "soon" not in self._timers:
                self._set("soon", SOON_S, self._announce_some)

    def retract(self, serial: str) -> None:
        """Home Assistant is to know this terminal no more, unless another bridge announces it."""
        if self._is_elsewhere(serial):
            self.given_up(serial)
        was_told = self._told.pop(serial, None) is not None
        was_there = self._earlier.pop(serial, None) is not None
        if self._places is not None and (was_told or was_there):
            self._board.clear(self._places.device(terminal_id(serial)))

    def again(self) -> Any:
        """Announce all of it once more. Raises BridgeError where nothing is announced at all."""
        if self._places is None:
            raise BridgeError("homeassistant.enabled is false, so there is nothing to announce")
        self._board.again(self._announcements(self._places))
        return {"terminals": len(self._told)}

    def given_up(self, serial: str) -> None:
        """Another bridge has the terminal now, and announces it."""
        self._told.pop(serial, None)
        self._earlier.pop(serial, None)
        if self._places is not None:
            self._board.forget(self._places.device(terminal_id(serial)))

    # What is announced, and by whom.

    def _heard(self, discovery_id: str, message: Message) -> None:
        """Something is announced. It costs a look at 20 kB, so not at what can change nothing."""
        serial = serial_of(discovery_id)
        if serial is None or discovery_id == bridge_id(self._topics):
            return
        if self._has_read and (self._is_elsewhere(serial) or self._knowledge.find(serial) is None):
            return
        said = announced(message.payload)
        if said is None:
            return
        if said.bridge_state != self._topics.state:
            self._heard_of_another(serial)
        elif message.retain and not self._has_read:
            self._found(serial, said)

    def _heard_of_another(self, serial: str) -> None:
        """Another bridge announces a terminal. Where it is here, that is said once more, in case the other was cut off when it moved. Once for
        each time that it joins: its connection here may be dead, and of two that insist neither would give way."""
        assert self._places is not None
        if self._knowledge.is_here(serial) and serial not in self._insisted:
            self._insisted.add(serial)
            self._board.changed(self._places.device(terminal_id(serial)))
            return
        self._elsewhere.add(serial)
        if self._is_elsewhere(serial):
            self.given_up(serial)

    def _is_elsewhere(self, serial: str) -> bool:
        return serial in self._elsewhere and not self._knowledge.is_here(serial)

    def _found(self, serial: str, said: Announced) -> None:
        """This very bridge has announced it. If the terminal is no more, it is an orphan."""
        known = self._knowledge.find(serial)
        if known is not None and known.status == "approved":
            self._earlier[serial] = said
        elif self._places is not None:
            self.log.info("terminal {device} is known no more: taken back from Home Assistant", device=serial)
            self._board.clear(self._places.device(terminal_id(serial)))

    def _read_all(self) -> None:
        """What was announced before is known: from now on this bridge speaks."""
        assert self._places is not None
        self._has_read = True
        self._skip_retained(self._places.all_devices)
        bridge = bridge_device(self._topics, self._offer)
        self._board.post(self._places.device(bridge.id), announcement(bridge, _NOTHING))
        self._due |= {known.serial: None for known in self._knowledge.all()}
        self._announce_some()

    # Announcing.

    def _announce_some(self) -> None:
        for serial in list(self._due)[:MOST_AT_ONCE]:
            del self._due[serial]
            if self._knowledge.is_ours(serial) and not self._is_elsewhere(serial):
                self._announce(serial)
        if self._due:
            self._set("soon", 0, self._announce_some)

    def _announce(self, serial: str) -> None:
        """Post what there is to tell of a terminal, if it is news."""
        assert self._places is not None
        before, told = self._before(serial), self._told.get(serial)
        telling = self._telling(serial, before)
        self._earlier.pop(serial, None)
        if telling != told:
            self._told[serial] = self._one(telling)
            self._board.changed(self._places.device(terminal_id(serial)))

    def _before(self, serial: str) -> Mapping[str, str]:
        """The components that Home Assistant knows, or has been told are gone."""
        told, earlier = self._told.get(serial), self._earlier.get(serial)
        if told is not None:
            return {**dict(told.gone), **self._components(told.groups)}
        return earlier.components if earlier is not None else _NOTHING

    def _telling(self, serial: str, before: Mapping[str, str]) -> _Told:
        """What is known of it now. A terminal that was not read yet has the groups that it had."""
        known, configuration, name = self._knowledge.find(serial), self._knowledge.configuration, self._knowledge.name_of(serial)
        assert known is not None
        groups, groups_before = configuration.groups(serial), groups_shown(before.keys())
        if not groups_before <= groups:
            groups |= groups_before - configuration.lacking(serial)
        now = self._components(groups)
        gone = tuple((key, platform) for key, platform in before.items() if key not in now)
        return _Told(None if name == serial else name, known.model, known.firmware, groups, gone)

    def _one(self, telling: _Told) -> _Told:
        """The same for all that are told alike, as most terminals of a site are."""
        if telling not in self._alike and len(self._alike) == MOST_ALIKE:
            del self._alike[next(iter(self._alike))]
        return self._alike.setdefault(telling, telling)

    def _components(self, groups: frozenset[str]) -> Mapping[str, str]:
        """What a terminal with these groups has, by key, with the platforms: the same for all such terminals."""
        if groups not in self._keys:
            device = terminal_device(Terminal(serial="any", name="any", groups=groups), self._topics, self._offer)
            self._keys[groups] = {each.key: each.platform for each in device.components}
        return self._keys[groups]

    def _draw(self, serial: str) -> bytes:
        """The payload; for a broker that would not take all of it, without the settings."""
        told = self._told[serial]
        terminal, gone = told.terminal(serial), dict(told.gone)
        payload = self._patterns.announcement(terminal, gone)
        limit = self._outlet.limits.maximum_packet_bytes if self._outlet.limits else None
        if limit is None or len(payload) + OVERHEAD_BYTES <= limit:
            return payload
        return self._patterns.announcement(replace(terminal, groups=frozenset()), gone)

    # For the noticeboard.

    def topics_kept(self) -> Iterator[str]:
        """Where terminals are announced."""
        return iter(()) if self._places is None else (self._places.device(terminal_id(serial)) for serial in list(self._told))

    def notice(self, topic: str) -> bytes | None:
        """A terminal's announcement."""
        discovery_id = None if self._places is None else self._places.device_of(topic)
        serial = None if discovery_id is None else serial_of(discovery_id)
        return None if serial is None or serial not in self._told or self._is_elsewhere(serial) else self._draw(serial)

    # Home Assistant's birth.

    def _born(self) -> None:
        """Everything again, and the state of things after it."""
        assert self._places is not None
        self._board.again(chain(self._announcements(self._places), self._states()))

    def _announcements(self, places: DiscoveryTopics) -> Iterator[str]:
        yield places.device(bridge_id(self._topics))
        yield from (places.device(terminal_id(serial)) for serial in list(self._told))

    def _states(self) -> Iterator[str]:
        topics = self._topics
        yield from (topics.state, topics.info, topics.devices)
        for serial in list(self._told):
            yield from (topics.availability(serial), topics.device_info(serial))
            yield from self._knowledge.configuration.topics_of(serial)

    def _set(self, name: str, delay_s: float, call: Callable[[], None]) -> None:
        def fire() -> None:
            del self._timers[name]
            call()

        self._cancel(name)
        self._timers[name] = self._clock.callLater(delay_s, fire)

    def _cancel(self, name: str) -> None:
        timer = self._timers.pop(name, None)
        if timer is not None:
            timer.cancel()
