"""The header with which a proxy says for whom it connects: the PROXY protocol of HAProxy, versions 1 and 2, as its document specifies it.

As a parser should, it returns what it found, says "need more" (None), or raises.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from ipaddress import ip_address

from ..errors import FramingError
from ..session.addresses import plain_address

LONGEST_V1 = 107
LONGEST_V2 = 16 + 2048
"""Addresses take at most 216 bytes; behind them proxies may say more, which is skipped."""

_V1_START = b"PROXY "
_V1 = re.compile(rb"PROXY (?:UNKNOWN(?: [^\r\n]*)?|TCP4 ([0-9.]+) [0-9.]+ \d+ \d+|TCP6 ([0-9a-fA-F:.]+) [0-9a-fA-F:.]+ \d+ \d+)\r\n")
_V2_START = b"\r\n\r\n\0\r\nQUIT\n"
_V2 = struct.Struct("!12sBBH")
_V2_LOCAL, _V2_PROXY = 0x20, 0x21
_V2_ADDRESS_BYTES = {0x10: 4, 0x20: 16}
"""By address family. Of others, such as unix sockets, there is no address to tell."""


@dataclass(frozen=True, slots=True)
class ProxyHeader:
    """`address` is the peer's, None when the proxy speaks for itself or does not say; the header took `size` bytes."""

    address: str | None
    size: int


def read_proxy_header(buffer: bytes) -> ProxyHeader | None:
    """Read the header at the start of a stream; None when more bytes are needed. Raises FramingError."""
    if _starts(buffer, _V1_START):
        return _read_v1(buffer)
    if _starts(buffer, _V2_START):
        return _read_v2(buffer)
    raise FramingError("no PROXY header: only the proxy can connect here, and it must be told to send one")


def _starts(buffer: bytes, start: bytes) -> bool:
    return buffer[: len(start)] == start[: len(buffer)]


def _read_v1(buffer: bytes) -> ProxyHeader | None:
    end = buffer.find(b"\r\n", 0, LONGEST_V1)
    if end < 0 and len(buffer) < LONGEST_V1:
        return None
    match = _V1.match(buffer)
    if match is None:
        raise FramingError("a PROXY header that cannot be read")
    address = match[1] or match[2]
    return ProxyHeader(_checked(address.decode()) if address else None, match.end())


def _read_v2(buffer: bytes) -> ProxyHeader | None:
    if len(buffer) < _V2.size:
        return None
    _, version_command, family, length = _V2.unpack_from(buffer)
    end = _V2.size + length
    size = _V2_ADDRESS_BYTES.get(family & 0xF0, 0)
    if version_command not in (_V2_LOCAL, _V2_PROXY) or end > LONGEST_V2 or (version_command == _V2_PROXY and length < size):
        raise FramingError("a PROXY header that cannot be read")
    if len(buffer) < end:
        return None
    has_address = size and version_command == _V2_PROXY
    packed = buffer[_V2.size : _V2.size + size]
    return ProxyHeader(plain_address(str(ip_address(packed))) if has_address else None, end)


def _checked(address: str) -> str:
    try:
        return plain_address(address)
    except ValueError:
        raise FramingError("a PROXY header that cannot be read") from None
