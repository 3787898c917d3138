"""Terminals' discovery payloads by the dozen: those of terminals of one kind differ in a few words, so each kind is put together once.

A payload is 20 kB from sixty components; put together from its declarations each time, it cost more than all else that a login brings.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from bridge.homeassistant.announcement import announcement
from bridge.homeassistant.component import slug
from bridge.homeassistant.offer import Offer
from bridge.homeassistant.terminal import Terminal, terminal_device, terminal_id
from bridge.mqtt.topics import Topics

MOST_KINDS = 32
"""Terminals of one model and firmware are of one kind, unless they were announced differently before."""

_encode = msgspec.json.Encoder().encode
_SERIAL, _NAME, _MODEL, _FIRMWARE = "0theSerial0", "0theName0", "0theModel0", "0theFirmware0"
_SLUG = slug(terminal_id(_SERIAL))
_WORDS = re.compile("|".join([_SLUG, _SERIAL, *(f'"{word}"' for word in (_NAME, _MODEL, _FIRMWARE))]).join("()").encode())
"""What stands in a pattern for the words of one terminal. Serials and slugs need no escaping; the others are whole strings."""


@dataclass(frozen=True, slots=True)
class _Kind:
    groups: frozenset[str]
    gone: tuple[tuple[str, str], ...]
    has_model: bool
    has_firmware: bool


class Patterns:
    """Makes the discovery payloads of a bridge's terminals."""

    def __init__(self, topics: Topics, offer: Offer) -> None:
        self._topics = topics
        self._offer = offer
        self._patterns: dict[_Kind, list[bytes]] = {}

    def announcement(self, terminal: Terminal, gone: Mapping[str, str]) -> bytes:
        """The payload of `announcement(terminal_device(…), gone)`."""
        kind = _Kind(terminal.groups, tuple(gone.items()), bool(terminal.model), bool(terminal.firmware))
        words = {
            _SLUG.encode(): slug(terminal_id(terminal.serial)).encode(),
            _SERIAL.encode(): terminal.serial.encode(),
            _encode(_NAME): _encode(terminal.name),
            _encode(_MODEL): _encode(terminal.model),
            _encode(_FIRMWARE): _encode(terminal.firmware),
        }
        pieces = self._pattern(kind).copy()
        pieces[1::2] = [words[word] for word in pieces[1::2]]
        return b"".join(pieces)

    def _pattern(self, kind: _Kind) -> list[bytes]:
        """The payload, cut at its words: every second piece is one."""
        pattern = self._patterns.get(kind)
        if pattern is None:
            if len(self._patterns) == MOST_KINDS:
                del self._patterns[next(iter(self._patterns))]
            any_of_kind = Terminal(
                serial=_SERIAL,
                name=_NAME,
                model=_MODEL if kind.has_model else "",
                firmware=_FIRMWARE if kind.has_firmware else "",
                groups=kind.groups,
            )
            payload = announcement(terminal_device(any_of_kind, self._topics, self._offer), dict(kind.gone))
            pattern = self._patterns[kind] = _WORDS.split(payload)
        return pattern
