"""Pictures that callers send to terminals: base64 of a JPEG, written plainly, as the protocol wants it (section 4.4.1)."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from msgspec import Meta

from .fields import Limit, declare

MAX_PICTURE_BYTES = 4 * 1024 * 1024
"""The largest JPEG that is passed on to a terminal. The protocol names no limit; terminals scale a face down to a few hundred pixels."""
EXAMPLE_JPEG = "/9j/4AAQSkZJRgABAQEASABIAAD/2Q=="
"""Stands in examples for the document's placeholders, which are no pictures: the head and the end of a JPEG."""

_JPEG_START = b"\xff\xd8\xff"


def jpeg(description: str) -> Meta:
    """A JPEG in base64, from a caller: padded, without line breaks or a `data:` prefix."""
    limit = Limit(
        holds=lambda text: picture_fault(text) is None,
        pattern_words=f"a JPEG of at most {MAX_PICTURE_BYTES} bytes, in base64",
        finding=lambda text: picture_fault(text) or "",
        schema={"contentEncoding": "base64", "contentMediaType": "image/jpeg"},
    )
    return declare(description, limit)


def picture_fault(value: Any) -> str | None:
    """What is wrong with a picture, without quoting it; None when it is one."""
    try:
        picture = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return "text that is not base64"
    if not picture.startswith(_JPEG_START):
        return "base64 of something that is not a JPEG" if picture else "nothing"
    if len(picture) > MAX_PICTURE_BYTES:
        return f"a JPEG of {len(picture)} bytes"
    return None
