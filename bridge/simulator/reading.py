"""What the bridge says, read as a terminal would: what cannot be read is as good as not said."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

BUSY_WAIT_S = 3.0
"""When an answer 109 does not say how long: the document's own example."""
_LONGEST_WAIT_S = 3600.0


def clock(text: Any) -> datetime | None:
    """`yyyyMMddHHmmssSSS`; None when it is not that."""
    if not isinstance(text, str):
        return None
    try:
        return datetime.strptime(text[:14], "%Y%m%d%H%M%S").replace(microsecond=int(text[14:17]) * 1000, tzinfo=UTC)
    except ValueError:
        return None


def wait_s(data: dict[str, Any]) -> float:
    """The waitSeconds of an answer 109."""
    wait = data.get("waitSeconds")
    return min(float(wait), _LONGEST_WAIT_S) if isinstance(wait, int | float) and wait > 0 else BUSY_WAIT_S
