"""The types of configuration values that are narrower than Python's: numbers with a unit and a range, names, zones, files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from bridge.config.section import HIDDEN, Rule
from bridge.config.zones import is_zone

RESERVED_IDS = frozenset({"bridge", "all"})
"""Ids that no terminal may have: their topics mean something else."""


def between(low: float, high: float, of: str) -> Rule:
    """The rule of a number, both bounds included; `of` says what is counted."""
    return Rule(f"{of}, {low} to {high}", lambda value: low <= value <= high)


def matching(pattern: str, expected: str) -> Rule:
    """The rule of a string that matches as a whole."""
    return Rule(expected, re.compile(pattern).fullmatch)


def is_device_id(value: str) -> bool:
    """Whether this can be a terminal's serial: topics and discovery ids allow no more."""
    return re.fullmatch(r"[A-Za-z0-9_-]{1,64}", value) is not None and value not in RESERVED_IDS


def is_base_topic(value: str) -> bool:
    """Whether topics can be built on this one: no wildcard, no empty level at either end, not the broker's own `$` tree."""
    return bool(value) and value[0] not in "/$" and value[-1] != "/" and value.isprintable() and not set(value) & set("+#")


def is_text(value: str) -> bool:
    """Whether this is a string that MQTT and JSON can carry: not empty, no NUL, no half characters."""
    return bool(value) and re.search("[\0\ud800-\udfff]", value) is None


def masked_url(url: str) -> str:
    """The URL without user name and password. Whatever stands before the last `@` goes, so that no broken URL gives any of it away."""
    before, at, host = url.rpartition("@")
    scheme, separator, _ = before.partition("://")
    return (scheme + separator if separator else "") + (HIDDEN + at if at else "") + host


def url_credentials(url: str) -> tuple[str | None, str | None]:
    """The user name and password in a URL, still percent-encoded; None for what is not there, or not to be made out."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return None, None
    return parts.username or None, parts.password


def has_password(url: str) -> bool:
    """Whether there is a password in a URL."""
    return bool(url_credentials(url)[1])


def is_readable(path: Path) -> bool:
    """Whether the file can be opened for reading now."""
    try:
        path.open("rb").close()
    except (OSError, ValueError):
        return False
    return True


Seconds = Annotated[float, between(0.001, 86_400, "a number of seconds")]
AnswerSeconds = Annotated[float, between(0.1, 15, "a number of seconds")]
"""A terminal that has waited for 20 s sends its question again: by then it must have been answered."""
CallSeconds = Annotated[int, between(1, 3_600, "a whole number of seconds")]
Keepalive = Annotated[int, between(5, 65_535, "a whole number of seconds")]
Bytes = Annotated[int, between(1024, 268_435_456, "a whole number of bytes")]
DiskBytes = Annotated[int, between(1_048_576, 1_099_511_627_776, "a whole number of bytes")]
Events = Annotated[int, between(1, 100_000_000, "a whole number of events")]
LongSeconds = Annotated[float, between(60, 31_536_000, "a number of seconds")]
KeepSeconds = Annotated[float, between(0, 604_800, "a number of seconds")]
Connections = Annotated[int, between(1, 1_000_000, "a whole number of connections")]
Frames = Annotated[float, between(1, 1_000_000, "a number of messages")]
Text = Annotated[str, Rule("a string that is not empty", is_text)]
Endpoint = Annotated[str, Rule('an endpoint such as "tcp:8899"', lambda value: is_text(value) and value.strip())]
Endpoints = Annotated[tuple[Endpoint, ...], Rule("a list of endpoints, at least one", bool)]
BaseTopic = Annotated[str, Rule('a topic such as "qyzn", without + and #, without / at its ends and $ at its start', is_base_topic)]
DiscoveryPrefix = Annotated[
    str, Rule('a topic such as "homeassistant", without + and #, without / at its ends and $ at its start', is_base_topic)
]
Instance = Annotated[str, matching(r"[A-Za-z0-9_-]{0,64}", "at most 64 of A-Z, a-z, 0-9, _ and -")]
DeviceId = Annotated[str, Rule('a serial: 1 to 64 of A-Z, a-z, 0-9, _ and -, not "bridge" or "all"', is_device_id)]
FlatNumber = Annotated[
    str, Rule("the number of a flat: 1 to 32 printable characters", lambda value: 0 < len(value) <= 32 and value.isprintable())
]
FieldName = Annotated[str, matching(r"[a-z][a-z0-9_]{0,63}", 'the name of an event\'s field, such as "id_number"')]
DoorCount = Annotated[int, between(1, 1_000, "a whole number for any 10 seconds")]
CommandName = Annotated[str, matching(r"[A-Za-z][A-Za-z0-9_]{0,63}", 'the name of a command, such as "delete_person"')]
Zone = Annotated[str, Rule('an IANA time zone such as "Europe/Vienna", or "" for the default', lambda value: not value or is_zone(value))]
Directory = Annotated[Path, Rule("a directory's path", lambda value: is_text(str(value)))]
File = Annotated[Path, Rule("a file's path", lambda value: is_text(str(value)))]
ReadableFile = Annotated[Path, Rule("the path of a file that can be read", lambda value: is_text(str(value)) and is_readable(value))]
