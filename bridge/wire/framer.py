"""Cuts a stream of bytes into frames, wherever TCP happened to split it.

As a parser should, it returns a frame, says "need more" (None), or raises; nothing else.
"""

from __future__ import annotations

from ..errors import FramingError
from .header import HEADER_BYTES, MAGIC, Frame, Header, unpack_header


class Framer:
    """Feed it bytes with `feed`, then take frames with `next_frame` until it returns None.

    `max_body_bytes` may be changed at any time (it is raised at login). It is checked from the header, before a byte of the
    body is waited for, so that no peer can make the buffer grow beyond one frame and one read.
    """

    __slots__ = ("_buffer", "_header", "max_body_bytes")

    def __init__(self, max_body_bytes: int) -> None:
        self.max_body_bytes = max_body_bytes
        self._buffer = bytearray()
        self._header: Header | None = None

    @property
    def buffered_bytes(self) -> int:
        """How many bytes wait for the rest of their frame."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Add what came. Call `next_frame` afterwards, each time."""
        self._buffer += data

    def next_frame(self) -> Frame | None:
        """The next whole frame, or None when more bytes are needed.

        Raises FramingError for a wrong magic, as soon as its first wrong byte is there, and for a body over `max_body_bytes`:
        the stream cannot be resynchronised after either.
        """
        if not self._buffer:
            return None
        header = self._header or self._read_header()
        if header is None:
            return None
        end = HEADER_BYTES + header.body_bytes
        if len(self._buffer) < end:
            self._header = header
            return None
        body = bytes(memoryview(self._buffer)[HEADER_BYTES:end])
        del self._buffer[:end]
        self._header = None
        return Frame(header.version, header.message_type, header.data_type, header.timestamp, header.sequence, body)

    def _read_header(self) -> Header | None:
        start = bytes(self._buffer[: len(MAGIC)])
        if start != MAGIC[: len(start)]:
            raise FramingError(f"not a QYZN frame: it starts with 0x{start.hex()}")
        if len(self._buffer) < HEADER_BYTES:
            return None
        header = unpack_header(self._buffer)
        if header.body_bytes > self.max_body_bytes:
            raise FramingError(f"a frame of {header.body_bytes} bytes is over the limit of {self.max_body_bytes}")
        return header
