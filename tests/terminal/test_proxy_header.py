from __future__ import annotations

import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import FramingError
from bridge.terminal.proxy_header import LONGEST_V1, LONGEST_V2, ProxyHeader, read_proxy_header

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def v2(command: int, family: int, addresses: bytes, more: bytes = b"") -> bytes:
    return SIGNATURE + struct.pack("!BBH", command, family, len(addresses) + len(more)) + addresses + more


INET = socket.inet_aton("198.51.100.7") + socket.inet_aton("192.0.2.1") + struct.pack("!HH", 40000, 8899)
INET6 = (
    socket.inet_pton(socket.AF_INET6, "2001:db8::7") + socket.inet_pton(socket.AF_INET6, "2001:db8::1") + struct.pack("!HH", 40000, 8899)
)
MAPPED = socket.inet_pton(socket.AF_INET6, "::ffff:198.51.100.7") + INET6[16:]

GOOD = {
    b"PROXY TCP4 198.51.100.7 192.0.2.1 40000 8899\r\n": "198.51.100.7",
    b"PROXY TCP6 2001:db8::7 2001:db8::1 40000 8899\r\n": "2001:db8::7",
    b"PROXY TCP6 ::ffff:198.51.100.7 ::1 40000 8899\r\n": "198.51.100.7",
    b"PROXY UNKNOWN\r\n": None,
    b"PROXY UNKNOWN whatever it says\r\n": None,
    v2(0x21, 0x11, INET): "198.51.100.7",
    v2(0x21, 0x11, INET, b"\x04\x00\x01x" * 20): "198.51.100.7",
    v2(0x21, 0x21, INET6): "2001:db8::7",
    v2(0x21, 0x21, MAPPED): "198.51.100.7",
    v2(0x20, 0x00, b""): None,
    v2(0x20, 0x11, INET): None,
    v2(0x21, 0x31, bytes(216)): None,
    v2(0x21, 0x00, b""): None,
}


@pytest.mark.parametrize("header", GOOD)
def test_a_header_cut_anywhere_with_the_terminals_bytes_behind_it(header: bytes) -> None:
    found = ProxyHeader(GOOD[header], len(header))
    assert read_proxy_header(header + b"QYZN\r\n and more") == found
    assert [read_proxy_header(header[:end]) for end in range(len(header))] == [None] * len(header)


@pytest.mark.parametrize(
    "stream",
    [
        b"QYZN",
        b"GET / HTTP/1.1\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.1 40000\r\n",
        b"PROXY TCP4 198.51.100.777 192.0.2.1 40000 8899\r\n",
        b"PROXY TCP4 a\nb 192.0.2.1 40000 8899\r\n",
        b"PROXY TCP4 198.51.100.7 192.0.2.1 \xff\xfe 8899\r\n",
        b"PROXY TCP6 : : 1 2\r\n",
        b"PROXY SCTP 1.2.3.4 192.0.2.1 1 2\r\n",
        b"PROXY TCP4 " + b"1" * LONGEST_V1,
        v2(0x11, 0x11, INET),
        v2(0x22, 0x11, INET),
        v2(0x21, 0x11, b"123"),
        v2(0x21, 0x21, INET),
        v2(0x21, 0x11, INET, bytes(LONGEST_V2)),
    ],
)
def test_what_cannot_be_read_ends_it(stream: bytes) -> None:
    with pytest.raises(FramingError):
        read_proxy_header(stream)


@given(st.sampled_from([b"", b"PROXY ", b"PROXY TCP4 ", SIGNATURE]), st.binary(max_size=3000))
def test_no_bytes_do_anything_else(start: bytes, rest: bytes) -> None:
    try:
        header = read_proxy_header(start + rest)
    except FramingError:
        return
    assert header is not None or len(start + rest) < LONGEST_V2
