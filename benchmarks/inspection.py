"""Looks at all that comes of some events: the picture as the terminal took it, once, and then its event, which says what the terminal said."""

from __future__ import annotations

import hashlib
import itertools
from typing import Any

import msgspec

from benchmarks.frames import Recognition

FIELDS = {
    "person_id": "personId",
    "person_name": "fullName",
    "person_type": "type",
    "face_id": "faceId",
    "id_number": "idNum",
    "card_number": "icNum",
    "score": "score",
    "body_temperature": "bodyTemp",
    "result": "result",
}
"""The contract's names, and the protocol's."""

_event = msgspec.json.Decoder(dict[str, Any]).decode


class Inspection:
    """Every report of it has a picture and persons of its own, so that one terminal's are not taken for another's. A terminal reports one thing at a
    time. `faults` are in words; `looked_at` counts events."""

    def __init__(self, picture_bytes: int) -> None:
        self.faults: list[str] = []
        self.looked_at = 0
        self._picture_bytes = picture_bytes
        self._numbers = itertools.count(1)
        self._said: dict[str, Recognition] = {}
        self._pictures: dict[str, list[bytes]] = {}

    def body(self, serial: str) -> bytes:
        """What this terminal is to report now."""
        said = self._said[serial] = Recognition(self._picture_bytes, next(self._numbers))
        return said.body()

    def picture_seen(self, serial: str, payload: bytes) -> None:
        """It was published."""
        if serial in self._said:
            self._pictures.setdefault(serial, []).append(payload)
        else:
            self._complain(serial, "a picture came after its event")

    def event_seen(self, serial: str, payload: bytes) -> None:
        """It was published."""
        self.looked_at += 1
        said, pictures = self._said.pop(serial, None), self._pictures.pop(serial, [])
        if said is None:
            self._complain(serial, "an event that nobody reported")
            return
        if pictures != [said.jpeg] * bool(said.jpeg):
            self._complain(serial, f"{len(pictures)} pictures came before the event, and it was to be the one that was taken")
        self._compare(serial, _event(payload), said)

    def _compare(self, serial: str, event: dict[str, Any], said: Recognition) -> None:
        data = said.data()
        for name, theirs in FIELDS.items():
            if not _is_same(event.get(name), data[theirs]):
                self._complain(serial, f"{name} is {event.get(name)!r}, and was {data[theirs]!r}")
        if (event.get("image_bytes") or 0) != len(said.jpeg):
            self._complain(serial, f"image_bytes is {event.get('image_bytes')!r}, and was {len(said.jpeg)}")
        digest = event.get("image_sha256")  # the peers leave it out
        if digest is not None and digest != hashlib.sha256(said.jpeg).hexdigest():
            self._complain(serial, "image_sha256 is another picture's")

    def _complain(self, serial: str, what: str) -> None:
        self.faults.append(f"{serial}: {what}")


def _is_same(published: Any, said: Any) -> bool:
    """Terminals write some numbers as words, and so do some of the systems."""
    return published == float(said) if isinstance(published, float) else str(published) == str(said)
