"""What is told of a picture in the message that names it, and the topics of the pictures themselves."""

from __future__ import annotations

from collections.abc import Iterator

from bridge.catalogue import COMMANDS, REPORTS, Picture
from bridge.reference.channel import PLACES, Channel, key_of
from bridge.reference.schema import Schema


def picture_fields(name: str) -> dict[str, Schema]:
    """The fields that stand for the picture `name`."""
    return {
        name: {"description": "the topic on which the picture was published just before; null if it was not", "type": ["string", "null"]},
        f"{name}_bytes": {"description": "its size; null if there is none", "type": ["integer", "null"], "x-unit": "bytes"},
        f"{name}_sha256": {"description": "its SHA-256, in hexadecimal; null if there is none", "type": ["string", "null"]},
        f"{name}_base64": {
            "description": 'the picture itself, where the configuration asks for it (`images.publish` is "inline" or "both")',
            "type": "string",
            "contentEncoding": "base64",
            "contentMediaType": "image/jpeg",
        },
        f"{name}_error": {"description": "why there is none, where the terminal sent one that cannot be published", "type": "string"},
    }


def image_channels() -> Iterator[Channel]:
    """The topics of pictures, each kind once."""
    reported: list[tuple[Picture, str]] = [(picture, report.name) for report in REPORTS.values() for picture in report.pictures]
    answered = [(picture, command.name) for command in COMMANDS.values() for picture in command.answer_pictures]
    sources: dict[str, list[str]] = {}
    for picture, name in reported + answered:
        sources.setdefault(picture.kind, []).append(name)
    for kind, names in sources.items():
        yield _channel(kind, names)


def _channel(kind: str, names: list[str]) -> Channel:
    address = PLACES.image("{device}", kind)
    return Channel(
        key=key_of(address),
        address=address,
        direction="out",
        title=f"picture {kind}",
        summary=f"The picture of {' and '.join(dict.fromkeys(names))}, as JPEG, just before the message that names it."
        " Retained only where the configuration says so (`images.retain`).",
        content_type="image/jpeg",
    )
