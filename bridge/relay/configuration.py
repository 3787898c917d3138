"""What is known of the terminals' configuration: on the noticeboard group by group, and unmasked in memory, to complete changes from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from bridge.catalogue.configuration import GROUPS
from bridge.mqtt.topics import Topics
from bridge.relay.noticeboard import Noticeboard

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode

Fields = dict[str, Any]
Mark = Mapping[str, int]
"""How often each group of a terminal had been changed at some moment."""


@dataclass(slots=True)
class _Known:
    """Of one terminal. The values are kept as JSON: there may be thousands of terminals, and they are rarely looked at."""

    firmware: str | None = None
    values: dict[str, bytes] = field(default_factory=dict)
    lacking: set[str] = field(default_factory=set)
    changes: Counter[str] = field(default_factory=Counter)


class Configuration:
    """The last known values of each terminal's groups, by serial, and the groups it is known to lack."""

    def __init__(self, board: Noticeboard, topics: Topics) -> None:
        self._board = board
        self._topics = topics
        self._known: dict[str, _Known] = {}
        self._observers: list[Callable[[str], None]] = []

    def observe(self, observer: Callable[[str], None]) -> None:
        """Have this called with a terminal's serial when it may have other groups than before."""
        self._observers.append(observer)

    def groups(self, serial: str) -> frozenset[str]:
        """The groups of which values are known."""
        known = self._known.get(serial)
        return frozenset(known.values) if known else frozenset()

    def values(self, serial: str, group: str) -> Fields | None:
        """A group's last known values, secrets and all; None when they are not known. Not to be published."""
        known = self._known.get(serial)
        payload = known.values.get(group) if known else None
        return None if payload is None else _decode(payload)

    def lacking(self, serial: str) -> frozenset[str]:
        """The groups that this terminal, with its present firmware, does not have."""
        known = self._known.get(serial)
        return frozenset(known.lacking) if known else frozenset()

    def firmware(self, serial: str) -> str | None:
        """What the terminal ran when it was last read; None when it was not."""
        known = self._known.get(serial)
        return known.firmware if known else None

    def reading(self, serial: str, firmware: str) -> None:
        """The terminal is about to be read. A firmware that is new may have groups that the old one lacked."""
        known = self._of(serial)
        if known.firmware != firmware:
            known.firmware = firmware
            known.lacking.clear()

    def learn(self, serial: str, groups: Mapping[str, Fields], mark: Mark | None = None) -> None:
        """These are the values now. With the `mark` of when the terminal was asked, those of a group that was changed meanwhile are
        left out: they may be from before."""
        known = self._of(serial)
        for name, fields in groups.items():
            if mark is not None and mark.get(name, 0) != known.changes[name]:
                continue
            known.lacking.discard(name)
            known.values[name] = _encode(fields)
            self._board.post(self._topics.config(serial, name), _encode(GROUPS[name].masked(fields)))
        self._tell(serial)

    def lacks(self, serial: str, groups: Iterable[str]) -> None:
        """The terminal does not have these."""
        known = self._of(serial)
        for name in groups:
            known.lacking.add(name)
            known.values.pop(name, None)
            self._board.clear(self._topics.config(serial, name))
        self._tell(serial)

    def mark(self, serial: str) -> Mark:
        """To be taken before the terminal is asked, for `learn`."""
        return dict(self._of(serial).changes)

    def changed(self, serial: str, groups: Iterable[str]) -> None:
        """These groups may not be any more what was asked for before."""
        changes = self._of(serial).changes
        for name in groups:
            changes[name] += 1

    def removed(self, serial: str) -> None:
        """The terminal is known no more: nothing retained is to be left, of this run of the bridge or an earlier one."""
        self._known.pop(serial, None)
        for name in GROUPS:
            self._board.clear(self._topics.config(serial, name))

    def given_up(self, serial: str) -> None:
        """Another bridge has the terminal now, and speaks for it."""
        self._known.pop(serial, None)
        for name in GROUPS:
            self._board.forget(self._topics.config(serial, name))

    def _tell(self, serial: str) -> None:
        for observer in self._observers:
            observer(serial)

    def _of(self, serial: str) -> _Known:
        return self._known.setdefault(serial, _Known())
