"""The bytes on the wire: header, framer, body (protocol sections 1 and 2). Nothing here knows what a message means."""

from .base64_text import decode_base64, encode_base64
from .body import Body, decode_body, request_body, response_body
from .digest import digest_of
from .framer import Framer
from .header import HEADER_BYTES, JSON_DATA, PROTOCOL_VERSION, Frame, MessageType, encode_frame

__all__ = [
    "HEADER_BYTES",
    "JSON_DATA",
    "PROTOCOL_VERSION",
    "Body",
    "Frame",
    "Framer",
    "MessageType",
    "decode_base64",
    "decode_body",
    "digest_of",
    "encode_base64",
    "encode_frame",
    "request_body",
    "response_body",
]
