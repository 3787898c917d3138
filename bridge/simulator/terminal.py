"""What a terminal keeps from one connection to the next: who it is, its clock, its records, its sequence, its configuration."""

from __future__ import annotations

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from random import Random
from typing import Any

import msgspec

from ..catalogue.recognition import SnapshotFace
from ..wire import request_body
from .configs import factory_settings
from .identity import Credentials, Identity
from .people import Person, somebody
from .records import Record, RecordStore

Camera = Callable[[Person | None, datetime], bytes]
"""Takes a JPEG of this person, or of whoever stands there, at a moment of the terminal's clock."""
_SEQUENCES = (1 << 32) - 1
"""1 to 2^32 - 1: zero is for heartbeats."""


class Terminal:
    """One terminal, without its connection. `wall` gives UNIX seconds; `clock_offset_s` is how far its clock is from UTC before
    anybody has told it the time."""

    def __init__(
        self,
        identity: Identity,
        credentials: Credentials | None,
        camera: Camera,
        wall: Callable[[], float],
        random: Random,
        clock_offset_s: float = 0.0,
    ) -> None:
        self.identity = identity
        self.credentials = credentials
        self.records = RecordStore()
        self._configs = factory_settings(identity)
        self.wall = wall
        self._camera = camera
        self._random = random
        self._clock_offset_s = clock_offset_s
        self._sequence = random.randint(1, _SEQUENCES)

    def next_sequence(self) -> int:
        """For a new REQUEST: the start is random, and it wraps."""
        self._sequence = self._sequence % _SEQUENCES + 1
        return self._sequence

    def civil_time(self) -> datetime:
        """What the terminal's clock shows; the zone of the value says nothing, since terminals know none."""
        return datetime.fromtimestamp(self.wall() + self._clock_offset_s, UTC)

    def set_clock(self, shows: datetime) -> None:
        """Somebody told it the time."""
        self._clock_offset_s += (shows - self.civil_time()).total_seconds()

    def config(self, group: str) -> dict[str, Any] | None:
        """The values of a configuration group; None when there is no such group."""
        values = self._configs.get(group)
        if values is not None and "currenttime" in values:
            return values | {"currenttime": f"{self.civil_time():%Y-%m-%d %H:%M:%S}"}
        return values

    def set_config(self, group: str, values: dict[str, Any]) -> None:
        """Somebody set a group that it has. To set its time sets its clock."""
        self._configs[group] = {**self._configs[group], **values}
        if "currenttime" in values:
            self.set_clock(datetime.strptime(values["currenttime"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC))

    def take_picture(self, person: Person | None = None) -> str:
        """A fresh JPEG, in base64."""
        return base64.b64encode(self._camera(person, self.civil_time())).decode("ascii")

    def recognise(self) -> tuple[Person, int]:
        """Somebody comes to the door: it becomes a record, to be sent. Returns who, and how many old records were dropped for it."""
        person = somebody(self._random)
        declaration = SnapshotFace.declaration
        body = request_body(declaration.name, self._said_of(person))
        dropped = self.records.add(Record(self.next_sequence(), declaration.name, declaration.version, body))
        return person, dropped

    def _said_of(self, person: Person) -> dict[str, Any]:
        face = SnapshotFace(
            person_id=person.person_id,
            person_name=person.name,
            person_type=person.kind,
            face_id=person.face_id,
            id_number="",
            card_number="",
            score=self._random.randint(85, 99) if person.result else self._random.randint(10, 60),
            result=person.result,
            snap_time=f"{self.civil_time():%Y-%m-%d %H:%M:%S}",
            picture=self.take_picture(person),
        )
        said = {name: value for name, value in msgspec.to_builtins(face).items() if value is not None}
        return said | {"bodyTemp": f"{self._random.gauss(36.5, 0.25):.1f}"}  # text, as terminals send it
