"""The JSON body of a frame (protocol sections 2.3 to 2.5), read liberally and written strictly."""

from __future__ import annotations

from typing import Any

import msgspec

from ..errors import TerminalFault
from ..values import Value
from .envelope import read_envelope

DEEPEST = 32
"""Levels of objects and arrays in `data`. The protocol needs five; what is deeper would break whoever encodes it further down the stack."""
_NESTING = frozenset({dict, list})


class Body(Value, frozen=True):
    """What a body says. `data` is decoded JSON: an object, an array (get_configs), or {} for all the ways to say "nothing".

    `message` is None in a RESPONSE; `result` is None in anything else.
    """

    message: str | None
    result: int | None
    desc: str
    data: dict[str, Any] | list[Any]


_decode_any = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


def decode_body(body: bytes) -> Body:
    """Read a body. `data` may be absent, null, "", an object, an array, or a string that holds JSON; result may be a string.

    Raises TerminalFault when it is not JSON of that form. The error never quotes the body, which may hold people's data.
    """
    try:
        envelope = read_envelope(body)
        data = _plain_data(envelope.data) if envelope.result is None else _answered_data(envelope.data)
        return Body(envelope.message, envelope.result, _plain_desc(envelope.desc), data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        fault = TerminalFault(f"unreadable body: {_reason(error)}")
    raise fault  # not in there, or what Python's codecs raise, which holds the body, would go along as its context


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
    """Whether objects and arrays, as decoded, are nested in more levels than that."""
    if not isinstance(value, (dict, list)):
        return False
    if levels == 0:
        return True
    values = value.values() if isinstance(value, dict) else value
    return not _NESTING.isdisjoint(map(type, values)) and any(is_deeper(each, levels - 1) for each in values)


def _reason(error: Exception) -> str:
    """Why, without the input: msgspec names types and offsets only, Python's codecs would quote the bytes."""
    return "not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)[:100]


def request_body(message: str, data: Any) -> bytes:
    """The body of a REQUEST or NOTIFICATION; `data` is anything msgspec can encode."""
    return _encode({"message": message, "data": data})


def response_body(result: int, desc: str, data: Any, message: str | None = None) -> bytes:
    """The body of a RESPONSE (section 2.5). `message` is named in the intercom's answers alone (4.7)."""
    body = {"result": int(result), "desc": desc, "data": data}
    return _encode(body if message is None else {"message": message, **body})
