"""The forms in which terminals write local civil time: 17 digits in sync_time, `yyyy-MM-dd HH:mm:ss` elsewhere."""

from __future__ import annotations

from datetime import datetime, tzinfo

from ..catalogue.forms import RECORD_TIME
from ..catalogue.telling import exact_record_time


def terminal_time(moment: datetime) -> str:
    """A moment as `yyyyMMddHHmmssSSS`, in its own zone (section 4.6.2)."""
    return moment.strftime("%Y%m%d%H%M%S") + f"{moment.microsecond // 1000:03d}"


def parse_terminal_time(text: str, zone: tzinfo) -> datetime | None:
    """`yyyyMMddHHmmssSSS` as a moment in `zone`; None when it is not one."""
    if len(text) != 17 or not (text.isascii() and text.isdigit()):
        return None
    try:
        return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(microsecond=int(text[14:]) * 1000, tzinfo=zone)
    except ValueError:
        return None


def parse_record_time(text: str, zone: tzinfo) -> datetime | None:
    """`yyyy-MM-dd HH:mm:ss` as a moment in `zone`; None when it is not one (section 4.6.1)."""
    text = text.strip()
    moment = exact_record_time(text)
    if moment is not None:
        return moment.replace(tzinfo=zone)
    try:
        return datetime.strptime(text, RECORD_TIME).replace(tzinfo=zone)
    except ValueError:
        return None
