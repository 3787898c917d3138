"""Pictures: from the base64 in which terminals send them to the bytes that are published."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from msgspec import Struct

from bridge.errors import Invalid
from bridge.mqtt.message import Publication
from bridge.wire import decode_base64, encode_base64

JPEG = "image/jpeg"
OVERHEAD_BYTES = 1024
"""What a publication takes on the wire beside its payload: topic, properties, lengths."""
_JPEG_START = b"\xff\xd8\xff"


@dataclass(frozen=True, slots=True)
class PictureRules:
    """What becomes of pictures: raw on a topic of their own, as base64 inside the message that names them, both, or neither; and the
    largest, in bytes, that is published at all."""

    on_topic: bool = True
    inline: bool = False
    retain: bool = False
    max_bytes: int = 4 * 1024 * 1024

    @property
    def published(self) -> bool:
        """Whether pictures go out at all."""
        return self.on_topic or self.inline

    def within(self, packet_bytes: int | None) -> PictureRules:
        """The same, for a broker that takes packets of at most so many bytes; None: of any size."""
        if packet_bytes is None:
            return self
        return replace(self, max_bytes=max(0, min(self.max_bytes, packet_bytes - OVERHEAD_BYTES)))


def decode_picture(text: str) -> bytes:
    """The JPEG in a base64 text that may hold line breaks, lack its padding, or wear a `data:` prefix (section 4.6.1).

    Raises Invalid, without a path, when it is not base64 or not a JPEG.
    """
    if text.startswith("data:"):
        text = text.partition(",")[2]
    try:
        picture = _decode(text)
    except ValueError:
        raise Invalid("", "base64") from None
    if not picture.startswith(_JPEG_START):
        raise Invalid("", "a JPEG", "something else in base64")
    return picture


def _decode(text: str) -> bytes:
    try:
        return decode_base64(text)
    except ValueError:
        tidy = "".join(text.split()).rstrip("=")
        return decode_base64(tidy + "=" * (-len(tidy) % 4))


class Depiction(Struct, frozen=True, gc=False):
    """A picture, ready: what the message that names it says about it, and the publication that goes before that message, if any."""

    fields: dict[str, object]
    publication: Publication | None


def depict(text: str | None, field: str, topic: str, rules: PictureRules, user_properties: tuple[tuple[str, str], ...]) -> Depiction:
    """A picture out of a message's base64 field, under the name `field`: its topic, size and hash, and why it is missing if it is."""
    absent: dict[str, object] = {field: None, f"{field}_bytes": None, f"{field}_sha256": None}
    if not text or not rules.published:
        return Depiction(absent, None)
    try:
        picture = decode_picture(text)
    except Invalid as error:
        return Depiction(absent | {f"{field}_error": f"not {error.expected}"}, None)
    if len(picture) > rules.max_bytes:
        return Depiction(absent | {f"{field}_error": f"{len(picture)} bytes are over the limit of {rules.max_bytes}"}, None)
    fields: dict[str, object] = {
        field: topic if rules.on_topic else None,
        f"{field}_bytes": len(picture),
        f"{field}_sha256": hashlib.sha256(picture).hexdigest(),
    }
    if rules.inline:
        fields[f"{field}_base64"] = encode_base64(picture)
    return Depiction(fields, _publication(topic, picture, rules, user_properties))


def _publication(topic: str, picture: bytes, rules: PictureRules, user_properties: tuple[tuple[str, str], ...]) -> Publication | None:
    if not rules.on_topic:
        return None
    return Publication(topic, picture, retain=rules.retain, content_type=JPEG, user_properties=user_properties)
