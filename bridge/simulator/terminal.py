"""What a terminal keeps from one connection to the next: who it is, its clock, its sequence, its records, whom it knows, how it is set up."""

from __future__ import annotations

import base64
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from random import Random
from typing import Any, NamedTuple, Protocol

import msgspec

from ..catalogue import REPORTS
from ..catalogue.recognition import SnapshotFace
from ..catalogue.synced_person import DeviceSyncPerson
from ..wire import request_body
from .calls import Calls
from .identity import Credentials, Identity
from .people import MATCH, NO_MATCH, OUTSIDE_HOURS, Person, somebody
from .records import Key, Maker, Record, RecordStore
from .roster import MOST_PERSONS, Roster
from .settings import Settings
from .shelf import Shelf

_SEQUENCES = (1 << 32) - 1
"""1 to 2^32 - 1: zero is for heartbeats."""
_CENTURY = range(2000, 2100)
_MOST_SEEN = 200
"""Recognitions that can be reported again; without their pictures, which are drawn anew."""
_ALL = 2
_SYNCED = frozenset(each.encode_name for each in msgspec.structs.fields(DeviceSyncPerson))


class Camera(Protocol):
    """What the terminal sees with."""

    def take(self, person: Person | None, moment: datetime) -> bytes:
        """A JPEG of this person, or of whoever stands there, at a moment of the terminal's clock."""

    def has_face(self, jpeg: bytes) -> bool:
        """Whether somebody can be known by this picture."""


class Seen(NamedTuple):
    """A recognition, and the sequence of its record."""

    sequence: int
    person: Person
    moment: datetime
    said: dict[str, Any]


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
        shelf: Shelf | None = None,
        most_persons: int = MOST_PERSONS,
    ) -> None:
        self.identity = identity
        self.credentials = credentials
        self.records = RecordStore()
        self._shelf = shelf or Shelf()
        self.roster = Roster(self._shelf, camera.has_face, most_persons)
        self.settings = Settings.of(identity, self._shelf)
        self.calls = Calls(random)
        self.tries: Counter[str] = Counter()
        """How often each command was refused as busy."""
        self.wall = wall
        self._seen: deque[Seen] = deque(maxlen=_MOST_SEEN)
        self._camera = camera
        self.random = random
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
        """Somebody told it the time. The chip knows this century only."""
        if shows.year in _CENTURY:
            self._clock_offset_s += (shows - self.civil_time()).total_seconds()

    def config(self, group: str) -> dict[str, Any] | None:
        """The values of a configuration group; None when there is no such group."""
        values = self.settings.configs.get(group)
        if values is not None and "currenttime" in values:
            return values | {"currenttime": f"{self.civil_time():%Y-%m-%d %H:%M:%S}"}
        return values

    def set_config(self, group: str, values: dict[str, Any]) -> None:
        """Somebody set a group that it has. To set its time sets its clock."""
        self.settings.configs[group] = {**self.settings.configs[group], **values}
        if "currenttime" in values:
            self.set_clock(datetime.strptime(values["currenttime"], "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC))

    def keep_settings(self) -> None:
        """It shall survive a restart as it is now. Raises OSError."""
        self.settings.keep(self._shelf)

    def take_picture(self, person: Person | None = None, moment: datetime | None = None) -> str:
        """A fresh JPEG, in base64, as of now or of a `moment` of its clock."""
        return base64.b64encode(self._camera.take(person, moment or self.civil_time())).decode("ascii")

    # What it reports.

    def recognise(self) -> tuple[Person, int]:
        """Somebody comes to the door: it becomes a record, to be sent. Returns who, and how many old records were dropped for it."""
        shows = self.civil_time()
        person = somebody(self.random, self.roster.visitors(shows))
        if person.result == MATCH and not self.settings.admits(shows):
            person = replace(person, result=OUTSIDE_HOURS)
        seen = Seen(self.next_sequence(), person, shows, self._said_of(person, shows))
        self._seen.append(seen)
        return person, self.records.add(self._record_of(seen, seen.sequence))

    def report(self, name: str, data: dict[str, Any]) -> None:
        """Something else that is kept until it is acknowledged."""
        self.records.add(Record(self.next_sequence(), name, REPORTS[name].version, request_body(name, data)))

    def ring(self, flat: str) -> dict[str, Any] | None:
        """Somebody presses a flat's button: the data of device_call_param; None while there is a call."""
        asked = self.calls.ring(flat)
        return None if asked is None else asked | {"picture": self.take_picture()}

    def scan(self) -> dict[str, Any]:
        """Somebody shows a code: the data of qrcode_data."""
        return {"content": f"VISIT-{self.random.getrandbits(32):08X}"}

    # What it is asked to report again.

    def persons_to_sync(self) -> dict[Key, Maker]:
        """A record for each person, made when its turn has come."""
        return {("person", person_id): partial(self._synced, person_id) for person_id in self.roster.ids()}

    def records_to_resend(self, kind: int, start: str, end: str) -> dict[Key, Maker]:
        """Records of a span of time (both ends belong to it) that were acknowledged: `kind` 0 failures, 1 successes, 2 all. They are
        sent as new REQUESTs, with the time they were made at."""
        waiting = self.records.sequences()
        return {
            ("record", seen.sequence): partial(self._again, seen)
            for seen in self._seen
            if start <= seen.said["snaptime"] <= end
            and kind in (_ALL, int(seen.person.result != NO_MATCH))
            and seen.sequence not in waiting
        }

    def clear_records(self) -> None:
        """Forget what it recognised."""
        self.records.clear()
        self._seen.clear()

    def acknowledged(self, record: Record, data: Mapping[str, Any]) -> None:
        """A record was answered with success. Raises OSError."""
        if record.name == DeviceSyncPerson.declaration.name:
            self._rename(data)

    def _rename(self, data: Mapping[str, Any]) -> None:
        faces = data.get("faces")
        mapped = [each for each in faces if isinstance(each, dict)] if isinstance(faces, list) else []
        new_faces = {str(each.get("oriFaceId")): str(each.get("newFaceId") or "") for each in mapped}
        self.roster.rename(str(data.get("oriPersonId")), str(data.get("newPersonId") or ""), new_faces)

    def _synced(self, person_id: str) -> Record | None:
        person = self.roster.get(person_id)
        if person is None:
            return None
        faces = [{"faceId": face_id, "image": image} for face_id, image in person.faces.items()]
        said = {name: value for name, value in person.fields.items() if name in _SYNCED} | {"faces": faces}
        declaration = DeviceSyncPerson.declaration
        return Record(self.next_sequence(), declaration.name, declaration.version, request_body(declaration.name, said))

    def _again(self, seen: Seen) -> Record | None:
        return self._record_of(seen, self.next_sequence()) if seen in self._seen else None

    def _record_of(self, seen: Seen, sequence: int) -> Record:
        declaration = SnapshotFace.declaration
        picture = {"snapPic": self.take_picture(seen.person, seen.moment)} if self.settings.sends_pictures else {}
        return Record(sequence, declaration.name, declaration.version, request_body(declaration.name, seen.said | picture))

    def _said_of(self, person: Person, shows: datetime) -> dict[str, Any]:
        face = SnapshotFace(
            person_id=person.person_id,
            person_name=person.name,
            person_type=person.kind,
            face_id=person.face_id,
            id_number=person.id_number,
            card_number=person.card_number,
            score=self.random.randint(85, 99) if person.result else self.random.randint(10, 60),
            result=person.result,
            snap_time=f"{shows:%Y-%m-%d %H:%M:%S}",
        )
        said = {name: value for name, value in msgspec.to_builtins(face).items() if value is not None}
        return said | {"bodyTemp": f"{self.random.gauss(36.5, 0.25):.1f}"}  # text, as terminals send it
