"""Time zones: by IANA name, or the host's own with its changes between summer and winter."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo


class HostZone(tzinfo):
    """The zone that the host is set to, through the C library, since the host's IANA name is not to be had everywhere."""

    def utcoffset(self, dt: datetime | None) -> timedelta | None:
        """The offset of a local time; its `fold` tells the two hours apart that a clock set back goes through twice."""
        if dt is None:
            return None
        try:
            return dt.replace(tzinfo=None).astimezone().utcoffset()
        except (ValueError, OverflowError, OSError):  # too long ago or too far off for the C library
            return timedelta(seconds=-time.timezone)

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
        local = dt.replace(tzinfo=UTC).astimezone()
        first = local.replace(tzinfo=self, fold=0)
        return first if first.utcoffset() == local.utcoffset() else first.replace(fold=1)

    def __repr__(self) -> str:
        return "HostZone()"


def is_zone(name: str) -> bool:
    """Whether this is the name of a zone in the host's database (or that of the tzdata package)."""
    try:
        ZoneInfo(name)
    except (OSError, ValueError, LookupError):  # a folder of zones, a path that leaves the database, no such zone
        return False
    return True


def zone(name: str) -> tzinfo:
    """The zone of this IANA name; the host's for an empty one."""
    return ZoneInfo(name) if name else HostZone()
