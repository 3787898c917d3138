"""The JSON body of a frame (protocol sections 2.3 to 2.5), read liberally and written strictly."""

from __future__ import annotations

import hashlib
import zlib
from typing import Annotated, Any

import msgspec

from ..errors import TerminalFault

_PADDING = b"\0 \t\r\n"
"""C firmware leaves NULs and white space behind the JSON."""
DEEPEST = 32
"""Levels of objects and arrays in `data`. The protocol needs five; what is deeper would break whoever encodes it further down the stack."""

_Code = Annotated[int, msgspec.Meta(ge=-(1 << 31), le=(1 << 31) - 1)]

MOST_PARTS = 50_000
"""Values in a body, by the signs between them, counted before anything is made of them. A picture is one; a person's rules are a hundred."""


HASHED_END_BYTES = 2048
"""At either end of a body; the fields of a report, but for its pictures, take a few hundred."""


class Body(msgspec.Struct, frozen=True, gc=False):
    """What a body says. `data` is decoded JSON: an object, an array (get_configs), or {} for all the ways to say "nothing".

    `message` is None in a RESPONSE; `result` is None in anything else.
    """

    message: str | None
    result: int | None
    desc: str
    data: dict[str, Any] | list[Any]


class _Envelope(msgspec.Struct):
    message: str | None = None
    result: _Code | None = None
    desc: Any = None
    data: Any = None


_decode_envelope = msgspec.json.Decoder(_Envelope, strict=False).decode
_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def decode_body(body: bytes) -> Body:
    """Read a body. `data` may be absent, null, "", an object, an array, or a string that holds JSON; result may be a string.

    Raises TerminalFault when it is not JSON of that form. The error never quotes the body, which may hold people's data.
    """
    if has_too_many_parts(body):
        raise TerminalFault(f"unreadable body: more than {MOST_PARTS} values")
    try:
        envelope = _decode_envelope(body.rstrip(_PADDING))
        data = _plain_data(envelope.data) if envelope.result is None else _answered_data(envelope.data)
        return Body(envelope.message, envelope.result, _plain_desc(envelope.desc), data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise TerminalFault(f"unreadable body: {_reason(error)}") from None


def has_too_many_parts(body: bytes) -> bool:
    """Whether there are more than MOST_PARTS signs that part values. Looking for the next one is six times as fast as counting where there
    are few in many bytes, as in a message with a picture (8 µs of 47)."""
    if len(body) <= MOST_PARTS:
        return False
    parts = 0
    for sign in (b"[", b"{", b","):
        at = body.find(sign)
        while at >= 0 and parts <= MOST_PARTS:
            parts += 1
            at = body.find(sign, at + 1)
    return parts > MOST_PARTS


def digest_of(body: bytes) -> bytes:
    """What tells a body from others, in 32 bytes: its SHA-256. Of a large one it is that of both ends, where all is said but for the
    picture, with a checksum and the length of the whole: a picture is hashed once, for those who look at it, and not twice (11 µs instead
    of 33; 300 on a processor that has no instructions for it)."""
    if len(body) <= 2 * HASHED_END_BYTES:
        return hashlib.sha256(body).digest()
    middle = b"%d %d" % (len(body), zlib.crc32(body))
    return hashlib.sha256(body[:HASHED_END_BYTES] + middle + body[-HASHED_END_BYTES:]).digest()


def _plain_desc(desc: Any) -> str:
    if desc is None:
        return ""
    return str(desc) if isinstance(desc, str | int | float) and not isinstance(desc, bool) else ""


def _plain_data(data: Any) -> dict[str, Any] | list[Any]:
    if isinstance(data, str):
        data = _decode_any(data.rstrip("\0 \t\r\n")) if data.strip("\0 \t\r\n") else None
    if data is None:
        return {}
    if not isinstance(data, dict | list):
        raise msgspec.ValidationError("data is neither an object nor an array")
    if is_deeper(data, DEEPEST):
        raise msgspec.ValidationError(f"data has more than {DEEPEST} levels")
    return data


def _answered_data(data: Any) -> dict[str, Any] | list[Any]:
    """The data of an answer, whose result says that something was done: that must not be lost for a bare "OK" beside it."""
    try:
        return _plain_data(data)
    except (msgspec.ValidationError, msgspec.DecodeError):
        if isinstance(data, dict | list):
            raise
        return {"data": data}


def is_deeper(value: Any, levels: int) -> bool:
    """Whether objects and arrays are nested in more levels than that."""
    if not isinstance(value, (dict, list)):
        return False
    if levels == 0:
        return True
    for each in value.values() if isinstance(value, dict) else value:  # noqa: SIM110 - 0.7 µs of an event, and 3 as a generator
        if isinstance(each, (dict, list)) and is_deeper(each, levels - 1):
            return True
    return False


def _reason(error: Exception) -> str:
    """Why, without the input: msgspec names types and offsets only, Python's codecs would quote the bytes."""
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)[:100]


def request_body(message: str, data: Any) -> bytes:
    """The body of a REQUEST or NOTIFICATION; `data` is anything msgspec can encode."""
    return _encode({"message": message, "data": data})


def response_body(result: int, desc: str, data: Any, message: str | None = None) -> bytes:
    """The body of a RESPONSE (section 2.5). `message` is named in the intercom's answers alone (4.7)."""
    named = {} if message is None else {"message": message}
    return _encode({**named, "result": int(result), "desc": desc, "data": data})
