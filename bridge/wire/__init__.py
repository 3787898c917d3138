"""The bytes on the wire: header, framer, body (protocol sections 1 and 2). Nothing here knows what a message means."""

from .body import Body, decode_body, request_body, response_body
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
    "decode_body",
    "encode_frame",
    "request_body",
    "response_body",
]
