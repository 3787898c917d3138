"""The JSON around what a body says: how much of it there may be, and how it is read at the speed of memory where most of it is a picture."""

from __future__ import annotations

import secrets
from typing import Annotated, Any

import msgspec

MOST_PARTS = 50_000
"""Values in a body, by the signs between them, counted before anything is made of them. A picture is one; a person's rules are a hundred."""
LONG_BYTES = 8 * 1024
"""A string that is shorter is not worth looking for."""

_PADDING = b"\0 \t\r\n"
"""C firmware leaves NULs and white space behind the JSON."""
_STAND_IN = secrets.token_hex(16)
"""Nobody can send it."""
_Code = Annotated[int, msgspec.Meta(ge=-(1 << 31), le=(1 << 31) - 1)]


class Envelope(msgspec.Struct):
    """What stands in a body, as it came; `result` may have been a string."""

    message: str | None = None
    result: _Code | None = None
    desc: Any = None
    data: Any = None


_decode = msgspec.json.Decoder(Envelope, strict=False).decode


def read_envelope(body: bytes) -> Envelope:
    """The body's JSON. Raises msgspec.DecodeError, UnicodeDecodeError or RecursionError when it is not JSON of that form, or too much of it."""
    if len(body) <= LONG_BYTES:
        return _decode(body.rstrip(_PADDING))
    span = long_string(body)
    try:
        envelope = span and _read_around(body, *span)
    except (msgspec.DecodeError, UnicodeDecodeError):
        envelope = None  # whoever looks for what is wrong is told where it stands in the whole
    return envelope or _read(body)


def _read(body: bytes) -> Envelope:
    if has_too_many_parts(body):
        raise msgspec.DecodeError(f"more than {MOST_PARTS} values")
    return _decode(body.rstrip(_PADDING))


def _read_around(body: bytes, start: int, end: int) -> Envelope | None:
    """The body with a long string in it, if that is one of the fields of `data`: it is put in its place when the rest has been read. msgspec alone
    takes 12 µs for a picture of 50 KB, and the look at its signs 3; this takes 6.

    A bare line break, or another control character, is let pass in such a string, where JSON wants it escaped: to look for one would take longer
    than all of this, and base64 may hold line breaks anyway."""
    try:
        text = str(memoryview(body)[start:end], "ascii")
    except UnicodeDecodeError:
        return None
    envelope = _read(b"%b%b%b" % (body[:start], _STAND_IN.encode(), body[end:]))
    fields = envelope.data.items() if isinstance(envelope.data, dict) else ()
    name = next((name for name, value in fields if value == _STAND_IN), None)
    if name is None:
        return None
    envelope.data[name] = text
    return envelope


def long_string(body: bytes) -> tuple[int, int] | None:
    """Where the string begins and ends, without its quotes, that is most of a body; None where there is none, or none that stands for itself."""
    start = body.rfind(b'"', 0, len(body) // 2) + 1
    end = body.find(b'"', len(body) // 2)
    if end - start < max(LONG_BYTES, len(body) // 2):
        return None
    is_inside = body.count(b'"', 0, start) % 2 == 1 and body.find(rb"\"", 0, start) < 0
    return (start, end) if is_inside and body.find(b"\\", start, end) < 0 else None


def has_too_many_parts(body: bytes) -> bool:
    """Whether there are more than MOST_PARTS signs that part values. Looking for the next one is six times as fast as counting where there
    are few in many bytes, as in a message with several pictures."""
    if len(body) <= MOST_PARTS:
        return False
    parts = 0
    for sign in (b"[", b"{", b","):
        at = body.find(sign)
        while at >= 0 and parts <= MOST_PARTS:
            parts += 1
            at = body.find(sign, at + 1)
    return parts > MOST_PARTS
