"""Time zones: by IANA name, or the host's own with its changes between summer and winter."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from zoneinfo import ZoneInfo

MINUTES_KEPT = 1024


class HostZone(tzinfo):
    """The zone that the host is set to, through the C library, since the host's IANA name is not to be had everywhere.

    Times are mostly of the present minute, so what is known of a minute is kept: an event asks six times, at 3 µs each.
    """

    def __init__(self) -> None:
        self._offset_of = lru_cache(MINUTES_KEPT)(_offset_of)
        self._from_utc = lru_cache(MINUTES_KEPT)(_from_utc)

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        """The offset of a local time; its `fold` tells the two hours apart that a clock set back goes through twice."""
        return None if dt is None else self._offset_of(dt.replace(second=0, microsecond=0, tzinfo=None), dt.fold)

    def dst(self, dt: datetime | None) -> timedelta | None:
        """Not known apart from the offset."""
        return None

    def tzname(self, dt: datetime | None) -> str | None:
        """The host's abbreviation, as in CEST."""
        try:
            return None if dt is None else dt.replace(tzinfo=None).astimezone().tzname()
        except (ValueError, OverflowError, OSError):
            return time.tzname[0]

    def fromutc(self, dt: datetime) -> datetime:
        """From UTC to local time, with the right fold."""
        offset, fold = self._from_utc(dt.replace(second=0, microsecond=0, tzinfo=UTC))
        return (dt + offset).replace(fold=fold)

    def __repr__(self) -> str:
        return "HostZone()"


def _offset_of(minute: datetime, fold: int) -> timedelta:
    """Of a local time. `fold` is told beside it, since equal times may differ in it."""
    try:
        return minute.replace(fold=fold).astimezone().utcoffset() or timedelta()
    except (ValueError, OverflowError, OSError):  # too long ago or too far off for the C library
        return timedelta(seconds=-time.timezone)


def _from_utc(minute: datetime) -> tuple[timedelta, int]:
    """The offset at a moment, and the fold of the local time then."""
    local = minute.astimezone()
    offset = local.utcoffset() or timedelta()
    return offset, int(_offset_of(local.replace(tzinfo=None), 0) != offset)


_HOST = HostZone()


def is_zone(name: str) -> bool:
    """Whether this is the name of a zone in the host's database (or that of the tzdata package)."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # a folder of zones, a path that leaves the database, no such zone
        return False
    return True


def zone(name: str) -> tzinfo:
    """The zone of this IANA name; the host's for an empty one."""
    return ZoneInfo(name) if name else _HOST
