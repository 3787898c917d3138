"""What is to be published of a report of the load, as every system does it."""

from __future__ import annotations

import base64
from typing import Any

from benchmarks.inspection import FIELDS


def published_fields(data: dict[str, Any]) -> dict[str, Any]:
    """The event's fields that are looked at, from a snapshot_face's `data`."""
    jpeg = base64.b64decode(data.get("snapPic", ""))
    return {name: data[theirs] for name, theirs in FIELDS.items()} | {"image_bytes": len(jpeg) or None}
