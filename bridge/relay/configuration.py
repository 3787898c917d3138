"""What is known of the terminals' configuration: on the noticeboard group by group, and unmasked in memory, to complete changes from.

There may be thousands of terminals, rarely looked at, and most of them set up alike. So what is known of one is kept as JSON, deflated with
the groups' examples as the dictionary. The noticeboard draws from it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from sys import intern
from typing import Any

import msgspec
from twisted.internet.defer import Deferred

from bridge.catalogue.configuration import GROUPS
from bridge.mqtt.topics import Topics
from bridge.relay.deflated import Deflation
from bridge.relay.noticeboard import Noticeboard

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(dict[str, Any]).decode
_decode_groups = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_deflation = Deflation(_encode({name: group.example for name, group in GROUPS.items()}))

Fields = dict[str, Any]
Mark = Mapping[str, int]
"""How often each group of a terminal had been changed at some moment."""
_NONE: frozenset[str] = frozenset()


class _Known(msgspec.Struct, gc=False):
    """Of one terminal: `deflated` holds the values by group, and `names` the groups."""

    firmware: str | None = None
    deflated: bytes = b""
    names: frozenset[str] = _NONE
    lacking: frozenset[str] = _NONE
    changes: Counter[str] | None = None

    def values(self) -> Mapping[str, bytes]:
        """The values of each group, as JSON. Not to be changed."""
        return _inflated(self.deflated) if self.deflated else {}

    def keep(self, values: Mapping[str, bytes]) -> None:
        """These are the values now."""
        self.deflated = _deflation.deflate(_encode({name: msgspec.Raw(each) for name, each in values.items()}))


@lru_cache(maxsize=8)
def _inflated(deflated: bytes) -> Mapping[str, bytes]:
    """Kept for a moment: the groups of a terminal are told one after the other."""
    return {name: bytes(values) for name, values in _decode_groups(_deflation.inflate(deflated)).items()}


class Configuration:
    """The last known values of each terminal's groups, by serial, and the groups it is known to lack. A keeper of the noticeboard's."""

    def __init__(self, board: Noticeboard, topics: Topics) -> None:
        self._board = board
        self._topics = topics
        self._known: dict[str, _Known] = {}
        self._sets: dict[frozenset[str], frozenset[str]] = {}
        """Each set of groups once, for all terminals that have it."""
        self._observers: list[Callable[[str], None]] = []
        board.keep(self)

    def observe(self, observer: Callable[[str], None]) -> None:
        """Have this called with a terminal's serial when it may have other groups than before."""
        self._observers.append(observer)

    def when_told(self) -> Deferred[None]:
        """Fires when more can be learnt without piling up what the broker has yet to be told; never fails."""
        return self._board.when_caught_up()

    # For the noticeboard.

    def topics_kept(self) -> Iterator[str]:
        """Those of all groups that are known."""
        for serial in list(self._known):
            yield from self.topics_of(serial)

    def topics_of(self, serial: str) -> Iterator[str]:
        """Those of a terminal."""
        names = self.groups(serial)
        return (self._topics.config(serial, name) for name in GROUPS if name in names)

    def notice(self, topic: str) -> bytes | None:
        """The values of the group with this topic, its secrets masked."""
        serial, _, name = topic.split("/")[-3:] if topic.count("/") >= 3 else ("", "", "")
        fields = self.values(serial, name)
        return None if fields is None or topic != self._topics.config(serial, name) else _encode(GROUPS[name].masked(fields))

    # What is known.

    def groups(self, serial: str) -> frozenset[str]:
        """The groups of which values are known."""
        known = self._known.get(serial)
        return known.names if known else _NONE

    def values(self, serial: str, group: str) -> Fields | None:
        """A group's last known values, secrets and all; None when they are not known. Not to be published."""
        known = self._known.get(serial)
        if known is None or group not in known.names:
            return None
        return _decode(known.values()[group])

    def lacking(self, serial: str) -> frozenset[str]:
        """The groups that this terminal, with its present firmware, does not have."""
        known = self._known.get(serial)
        return known.lacking if known else _NONE

    def firmware(self, serial: str) -> str | None:
        """What the terminal ran when it was last read; None when it was not."""
        known = self._known.get(serial)
        return known.firmware if known else None

    # What is learnt.

    def reading(self, serial: str, firmware: str) -> None:
        """The terminal is about to be read. A firmware that is new may have groups that the old one lacked."""
        known = self._of(serial)
        if known.firmware != firmware:
            known.firmware = intern(firmware)
            known.lacking = _NONE

    def learn(self, serial: str, groups: Mapping[str, Fields], mark: Mark | None = None) -> None:
        """These are the values now. With the `mark` of when the terminal was asked, those of a group that was changed meanwhile are
        left out: they may be from before."""
        known, changes = self._of(serial), self.mark(serial)
        fresh = {name: fields for name, fields in groups.items() if mark is None or mark.get(name, 0) == changes.get(name, 0)}
        values = known.values()
        news = [name for name, fields in fresh.items() if _is_news(name, values.get(name), fields)]
        known.keep({**values, **{name: _encode(fields) for name, fields in fresh.items()}})
        known.names, known.lacking = self._one(known.names.union(fresh)), self._one(known.lacking.difference(fresh))
        for name in news:
            self._board.changed(self._topics.config(serial, name))
        self._tell(serial)

    def lacks(self, serial: str, groups: Iterable[str]) -> None:
        """The terminal does not have these."""
        known, lacking = self._of(serial), frozenset(groups)
        if known.names & lacking:
            known.keep({name: each for name, each in known.values().items() if name not in lacking})
        known.names, known.lacking = self._one(known.names - lacking), self._one(known.lacking | lacking)
        for name in lacking:
            self._board.clear(self._topics.config(serial, name))
        self._tell(serial)

    def mark(self, serial: str) -> Mark:
        """To be taken before the terminal is asked, for `learn`."""
        return dict(self._of(serial).changes or {})

    def changed(self, serial: str, groups: Iterable[str]) -> None:
        """These groups may not be any more what was asked for before."""
        known = self._of(serial)
        known.changes = known.changes or Counter()
        known.changes.update(list(groups))

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

    def _one(self, names: frozenset[str]) -> frozenset[str]:
        return self._sets.setdefault(names, names)


def _is_news(name: str, before: bytes | None, fields: Fields) -> bool:
    """Whether something else is to be published now. A secret that changed is not."""
    group = GROUPS[name]
    return before is None or _encode(group.masked(_decode(before))) != _encode(group.masked(fields))
