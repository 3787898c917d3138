"""The test vectors of `vectors.json`: the one true dump of the vendor's document, and what an independent encoder made of its rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bridge.wire import Frame

_VECTORS = json.loads((Path(__file__).parent / "vectors.json").read_text("utf-8"))
FRAMES: list[dict[str, Any]] = _VECTORS["frames"]
SIGNS: list[dict[str, str]] = _VECTORS["signs"]


def wire_bytes(name: str) -> bytes:
    """The bytes of the frame with this name."""
    return next(bytes.fromhex(vector["hex"]) for vector in FRAMES if vector["name"] == name)


def frame_of(vector: dict[str, Any]) -> Frame:
    """A vector's fields as a frame."""
    return Frame(vector["version"], vector["msgType"], 1, vector["timestamp"], vector["sequence"], vector["body"].encode())
