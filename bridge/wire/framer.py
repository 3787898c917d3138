"""Cuts a stream of bytes into frames, wherever TCP happened to split it.

As a parser should, it returns a frame, says "need more" (None), or raises; nothing else.
"""

from __future__ import annotations

from ..errors import FramingError
from .header import HEADER_BYTES, MAGIC, Frame, unpack_fields


class Framer:
    """Feed it bytes with `feed`, then take frames with `next_frame` until it returns None.

    `max_body_bytes` may be changed at any time (it is raised at login). It is checked from the header, before a byte of the
    body is waited for, so that no peer can make the buffer grow beyond one frame and one read.

    What comes while nothing waits is not copied before it is cut: a frame with a picture mostly comes whole.
    """

    __slots__ = ("_at", "_buffer", "_needed", "max_body_bytes")

    def __init__(self, max_body_bytes: int) -> None:
        self.max_body_bytes = max_body_bytes
        self._buffer: bytes | bytearray = b""
        self._at = 0
        """Where in the buffer the next frame begins."""
        self._needed = HEADER_BYTES
        """So many bytes are needed to go on: a header, or the whole frame of one that has been looked at."""

    @property
    def buffered_bytes(self) -> int:
        """How many bytes wait for the rest of their frame."""
        return len(self._buffer) - self._at

    def feed(self, data: bytes) -> None:
        """Add what came. Call `next_frame` afterwards, each time."""
        if not self._buffer:
            self._buffer = data
            return
        if self._at or isinstance(self._buffer, bytes):
            self._keep_rest()
        self._buffer += data

    def next_frame(self) -> Frame | None:
        """The next whole frame, or None when more bytes are needed.

        Raises FramingError for a wrong magic, as soon as its first wrong byte is there, and for a body over `max_body_bytes`:
        the stream cannot be resynchronised after either.
        """
        buffer, at = self._buffer, self._at
        if len(buffer) - at < self._needed:
            if buffer:
                self._wait()
            return None
        magic, version, message_type, data_type, _, timestamp, sequence, body_bytes = unpack_fields(buffer, at)
        start, end = at + HEADER_BYTES, at + HEADER_BYTES + body_bytes
        if self._needed == HEADER_BYTES:
            self._check_magic(magic)
            if body_bytes > self.max_body_bytes:
                raise FramingError(f"a frame of {body_bytes} bytes is over the limit of {self.max_body_bytes}")
        if len(buffer) < end:
            self._needed = end - at
            self._wait()
            return None
        body = buffer[start:end] if isinstance(buffer, bytes) else bytes(memoryview(buffer)[start:end])
        self._needed = HEADER_BYTES
        if end == len(buffer):
            self._buffer, self._at = b"", 0
        else:
            self._at = end
        return Frame(version, message_type, data_type, timestamp, sequence, body)

    def _wait(self) -> None:
        """For the rest of a frame, which is all that is kept."""
        if self._at:
            self._keep_rest()
        self._check_magic(bytes(self._buffer[: len(MAGIC)]))

    def _keep_rest(self) -> None:
        """Let go of what has been cut."""
        self._buffer, self._at = bytearray(memoryview(self._buffer)[self._at :]), 0

    def _check_magic(self, start: bytes) -> None:
        if start != MAGIC[: len(start)]:
            raise FramingError(f"not a QYZN frame: it starts with 0x{start.hex()}")
