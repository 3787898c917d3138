"""What a terminal does with persons and faces (protocol sections 4.3 and 4.4). The results are those of the roster."""

from __future__ import annotations

import msgspec
from msgspec import UNSET

from ..catalogue import Result
from ..catalogue.face import AddFace, DeleteFace
from ..catalogue.person import AddPerson, AddPersonFace, ClearPerson, DeletePerson, SyncPerson, UpdatePerson
from .acting import Act, Answer, Asked


def _add_person(asked: Asked) -> Answer:
    return asked.told(asked.terminal.roster.add(msgspec.to_builtins(asked.data)))


def _add_person_face(asked: Asked) -> Answer:
    """One whose picture shows no face is not added at all. The portrait is for the screen, and is not kept."""
    fields = msgspec.to_builtins(asked.data)
    fields.pop("portrait", None)
    return asked.told(asked.terminal.roster.add(fields, fields.pop("faces")))


def _update_person(asked: Asked) -> Answer:
    return asked.told(asked.terminal.roster.update(msgspec.to_builtins(asked.data)))


def _delete_person(asked: Asked) -> Answer:
    """One at a time, as the document says."""
    data: DeletePerson = asked.data
    if len(data.id_set) > 1:
        return asked.told(Result.BAD_PARAMETER)
    return asked.told(asked.terminal.roster.delete(str(data.id_set[0])))


def _clear_person(asked: Asked) -> Answer:
    return asked.told(asked.terminal.roster.clear())


def _sync_person(asked: Asked) -> Answer:
    """How many there are; then come the persons, one after the other."""
    to_send = asked.terminal.persons_to_sync()
    return asked.told(data={"person_num": len(to_send)}, to_send=to_send)


def _add_face(asked: Asked) -> Answer:
    data: AddFace = asked.data
    return asked.told(asked.terminal.roster.add_face(str(data.person_id), str(data.face_id), data.image))


def _delete_face(asked: Asked) -> Answer:
    data: DeleteFace = asked.data
    face_id = None if data.face_id is UNSET else str(data.face_id)
    person_id = None if data.person_id is UNSET else str(data.person_id)
    return asked.told(asked.terminal.roster.delete_face(face_id, person_id))


ACTS: dict[str, Act] = {
    AddPerson.declaration.name: _add_person,
    AddPersonFace.declaration.name: _add_person_face,
    UpdatePerson.declaration.name: _update_person,
    DeletePerson.declaration.name: _delete_person,
    ClearPerson.declaration.name: _clear_person,
    SyncPerson.declaration.name: _sync_person,
    AddFace.declaration.name: _add_face,
    DeleteFace.declaration.name: _delete_face,
}
