"""The faces by which a terminal knows persons (protocol section 4.4)."""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET

from ..errors import Invalid
from .fields import Id, Maybe, identifier
from .jpeg import EXAMPLE_JPEG, jpeg
from .message import CommandData, command


@command("add_face", section="4.4.1", example={"personId": "100004", "faceId": "3000004", "image": EXAMPLE_JPEG})
class AddFace(CommandData):
    """Add a face to a person."""

    person_id: Annotated[Id, identifier("the person's id")]
    face_id: Annotated[Id, identifier("the face's id")]
    image: Annotated[str, jpeg("the face")]


@command("delete_face", section="4.4.2", example={"faceId": "3000004", "personId": "1000004"})
class DeleteFace(CommandData):
    """Delete a face, or every face of a person."""

    face_id: Maybe[Annotated[Id, identifier("the face to delete")]] = UNSET
    person_id: Maybe[Annotated[Id, identifier("the person; without a faceId, all of this person's faces go")]] = UNSET

    def check_rules(self, path: str) -> None:
        """At least one of the two."""
        if self.face_id is UNSET and self.person_id is UNSET:
            raise Invalid(path, "faceId, personId or both", "neither")
