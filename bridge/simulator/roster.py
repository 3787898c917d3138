"""The persons that a terminal knows, with their faces (protocol sections 4.3 and 4.4).

What is done ends with a Result: 101 for a person or a face that is there already, 105 for a person and 102 for a face that is not, 108 when
there is no room, 110 when a picture shows no face. Then nothing has changed. Every change may raise OSError from the shelf: likewise.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec

from ..catalogue import Result
from ..catalogue.access import MOST_FACES
from .hours import result_for
from .people import WHITE_LIST, Person
from .shelf import Shelf

MOST_PERSONS = 1000
MOST_FACE_BYTES = 64 << 20
"""Of all pictures, in base64: three of 4 MB for each of a thousand persons would eat the machine."""
_PREFIX = "person/"
Faces = dict[str, str]
"""JPEGs in base64, by face id."""


class Known(msgspec.Struct):
    """A person: the fields it was added with, by their names on the wire, and its faces."""

    fields: dict[str, Any]
    faces: Faces

    @property
    def person_id(self) -> str:
        """By which all else refers to it."""
        return str(self.fields["personId"])

    def as_seen(self, shows: datetime) -> Person:
        """The person at the door, when the terminal's clock `shows` this."""
        return Person(
            self.person_id,
            self.fields.get("name", ""),
            self.fields.get("type", WHITE_LIST),
            result_for(self.fields, shows),
            next(iter(self.faces), ""),
            self.fields.get("idNum", ""),
            self.fields.get("icNum", ""),
        )


class Roster:
    """The persons by id. `has_face` says whether a JPEG shows a face that one can be known by."""

    def __init__(
        self, shelf: Shelf, has_face: Callable[[bytes], bool], most: int = MOST_PERSONS, most_bytes: int = MOST_FACE_BYTES
    ) -> None:
        self._shelf = shelf
        self._has_face = has_face
        self._most = most
        self._most_bytes = most_bytes
        self._persons = {known.person_id: known for key, value in shelf.load(_PREFIX) if (known := _read(key, value)) is not None}

    def __len__(self) -> int:
        return len(self._persons)

    def ids(self) -> list[str]:
        """Of every person."""
        return list(self._persons)

    def get(self, person_id: str) -> Known | None:
        """The person with this id."""
        return self._persons.get(person_id)

    def visitors(self, shows: datetime) -> list[Person]:
        """Those who can show a face or a card, as seen when the terminal's clock `shows` this."""
        return [each.as_seen(shows) for each in self._persons.values() if each.faces or each.fields.get("icNum")]

    def add(self, fields: Mapping[str, Any], faces: Sequence[Mapping[str, str]] = ()) -> Result:
        """A new person, with `faces` of faceId and image; those without an image are passed over, those without an id get one."""
        person = Known(dict(fields), {})
        if person.person_id in self._persons:
            return Result.OBJECT_EXISTS
        if len(self._persons) >= self._most:
            return Result.ADDING_USER_FAILED
        for index, face in enumerate(each for each in faces if "image" in each):
            face_id = face.get("faceId") or hashlib.md5(f"{person.person_id} {index}".encode(), usedforsecurity=False).hexdigest()
            result = self._show(person, face_id, face["image"])
            if result is not Result.SUCCESS:
                return result
        self._keep(person)
        return Result.SUCCESS

    def update(self, fields: Mapping[str, Any]) -> Result:
        """Other values for some of a person's fields."""
        person = self._persons.get(fields["personId"])
        if person is None:
            return Result.NO_SUCH_USER
        self._keep(Known({**person.fields, **fields}, person.faces))
        return Result.SUCCESS

    def delete(self, person_id: str) -> Result:
        """A person, with its faces."""
        if person_id not in self._persons:
            return Result.NO_SUCH_USER
        self._forget(person_id)
        return Result.SUCCESS

    def clear(self) -> Result:
        """Everybody."""
        for person_id in self.ids():
            self._forget(person_id)
        return Result.SUCCESS

    def add_face(self, person_id: str, face_id: str, image: str) -> Result:
        """One more face of a person; there is room for three."""
        person = self._persons.get(person_id)
        if person is None:
            return Result.NO_SUCH_USER
        changed = Known(person.fields, dict(person.faces))
        result = self._show(changed, face_id, image)
        if result is Result.SUCCESS:
            self._keep(changed)
        return result

    def delete_face(self, face_id: str | None, person_id: str | None) -> Result:
        """A face, whosever it is or of this person; or all of a person's faces."""
        person = self._owner(face_id) if person_id is None else self._persons.get(person_id)
        if person is None:
            return Result.NO_SUCH_OBJECT if person_id is None else Result.NO_SUCH_USER
        if face_id is not None and face_id not in person.faces:
            return Result.NO_SUCH_OBJECT
        self._keep(Known(person.fields, {} if face_id is None else {name: each for name, each in person.faces.items() if name != face_id}))
        return Result.SUCCESS

    def rename(self, person_id: str, new_id: str, new_faces: Mapping[str, str]) -> None:
        """Call a person and its faces something else, as an answer to device_sync_person tells; not by an id that another has."""
        person = self._persons.get(person_id)
        if person is None:
            return
        new_id = person_id if not new_id or new_id in self._persons else new_id
        faces: Faces = {}
        for face_id, image in person.faces.items():
            new = new_faces.get(face_id, face_id)
            is_free = new and new not in faces and self._owner(new) is None
            faces[new if is_free else face_id] = image
        self._keep(Known(person.fields | {"personId": new_id}, faces))
        if new_id != person_id:
            self._forget(person_id)

    def _owner(self, face_id: str | None) -> Known | None:
        return next((each for each in self._persons.values() if face_id in each.faces), None)

    def _show(self, person: Known, face_id: str, image: str) -> Result:
        """Add a face to a person who is not kept yet."""
        if face_id in person.faces or self._owner(face_id) is not None:
            return Result.OBJECT_EXISTS
        others = (each for each in self._persons.values() if each.person_id != person.person_id)
        held = sum(len(face) for each in (person, *others) for face in each.faces.values())
        if len(person.faces) >= MOST_FACES or held + len(image) > self._most_bytes:
            return Result.ADDING_USER_FAILED
        try:
            if not self._has_face(base64.b64decode(image)):
                return Result.NO_FACE_FEATURES
        except binascii.Error:
            return Result.NO_FACE_FEATURES
        person.faces[face_id] = image
        return Result.SUCCESS

    def _keep(self, person: Known) -> None:
        self._shelf.put(_PREFIX + person.person_id, person)
        self._persons[person.person_id] = person

    def _forget(self, person_id: str) -> None:
        self._shelf.drop(_PREFIX + person_id)
        del self._persons[person_id]


def _read(key: str, value: Any) -> Known | None:
    """A person as it was kept; None for anything else."""
    try:
        known = msgspec.convert(value, Known)
    except msgspec.ValidationError:
        return None
    return known if key == f"{_PREFIX}{known.fields.get('personId')}" else None
