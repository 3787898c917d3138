"""Persons that a terminal reports when it is asked for them (protocol section 4.3.7)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import UNSET, field

from .access import NUMBER_BYTES, PASS_MODES, PASS_PERIOD_BYTES, PERSON_TYPES
from .asking import Answer, Asker, Question, Reply
from .fields import Id, Maybe, base64_image, choice, identifier, items, number, plain, text
from .forms import record_time
from .message import AnswerData, Data, Picture, ReportData, report
from .results import Result


class SyncedFace(Data):
    """A face of the person."""

    face_id: Annotated[str | None, text("the face's id", 32)] = None
    image: Annotated[str | None, base64_image("the face")] = None


class MappedFace(AnswerData):
    """What a face is called from now on."""

    ori_face_id: Annotated[str, text("the id it had", 32)]
    new_face_id: Annotated[str, text("the id it shall have", 32)]


class DeviceSyncPersonAnswer(AnswerData):
    """What the person and the faces are called from now on; the terminal renames them."""

    ori_person_id: Annotated[str, text("the id the person had", 32)]
    new_person_id: Annotated[str, text("the id the person shall have", 32)]
    faces: Annotated[list[MappedFace], items("the person's faces")]


class DeviceSyncPersonReply(Reply):
    """Other ids; those left out stay as they are."""

    person_id: Maybe[Annotated[Id, identifier("the id the person shall have")]] = UNSET
    faces: Maybe[Annotated[dict[str, Annotated[Id, identifier("the id the face shall have")]], plain("new ids of faces by old ones")]] = (
        UNSET
    )


@report(
    "device_sync_person",
    section="4.3.7",
    event="person",
    pictures=(Picture(attribute="image", within="faces", kind="person"),),
    example={
        "personId": "100001",
        "personCode": "100001",
        "name": "张三",
        "type": 1,
        "idNum": "420381200010013857",
        "icNum": "157342643",
        "passNum": 10,
        "passPeriod": "08:00~09:30,11:30~14:00,17:00~19:00",
        "passMonday": True,
        "passTuesday": True,
        "passWednesday": True,
        "passThursday": True,
        "passFriday": True,
        "passSaturday": False,
        "passSunday": False,
        "startTime": "2019-01-01 00:00:00",
        "expireTime": "2020-01-01 00:00:00",
        "faces": [{"faceId": "3000004", "image": "0aB1D98bsdDSBDDS23sdfisfs"}],
    },
    answer=DeviceSyncPersonAnswer,
    answer_example={
        "oriPersonId": "100001",
        "newPersonId": "100002",
        "faces": [{"oriFaceId": "3000004", "newFaceId": "3000004"}, {"oriFaceId": "3000005", "newFaceId": "3000006"}],
    },
    question=Question(
        reply=DeviceSyncPersonReply,
        always=False,
        otherwise="every id stays as it is",
        example={"person_id": "100002", "faces": {"3000004": "3000006"}},
    ),
)
class DeviceSyncPerson(ReportData):
    """A person that the terminal knows, one report for each after sync_person."""

    person_id: Annotated[str | None, text("the person's id", 32)] = None
    person_code: Annotated[str | None, text("the person's number", 16)] = None
    person_name: Annotated[str | None, text("the person's name", 24)] = field(name="name", default=None)
    person_type: Annotated[int | None, choice("the person's list", PERSON_TYPES)] = field(name="type", default=None)
    id_number: Annotated[str | None, text("number of the ID card", NUMBER_BYTES)] = field(name="idNum", default=None)
    card_number: Annotated[str | None, text("number of the IC card", NUMBER_BYTES)] = field(name="icNum", default=None)
    pass_num: Annotated[int | None, number("how often the person may pass")] = None
    pass_period: Annotated[str | None, text("when the person may pass, on the days allowed", PASS_PERIOD_BYTES)] = None
    pass_monday: Annotated[bool | None, plain("whether on Mondays")] = None
    pass_tuesday: Annotated[bool | None, plain("whether on Tuesdays")] = None
    pass_wednesday: Annotated[bool | None, plain("whether on Wednesdays")] = None
    pass_thursday: Annotated[bool | None, plain("whether on Thursdays")] = None
    pass_friday: Annotated[bool | None, plain("whether on Fridays")] = None
    pass_saturday: Annotated[bool | None, plain("whether on Saturdays")] = None
    pass_sunday: Annotated[bool | None, plain("whether on Sundays")] = None
    start_time: Annotated[str | None, record_time("from when on the person may pass")] = None
    expire_time: Annotated[str | None, record_time("until when the person may pass")] = None
    pass_mode: Annotated[int | None, choice("what the person must show", PASS_MODES)] = None
    faces: Annotated[list[SyncedFace] | None, items("the person's faces")] = None

    event_types: ClassVar[tuple[str, ...]] = ("synced",)

    def event_type(self) -> str:
        """synced."""
        return "synced"

    def default_answer(self, asker: Asker) -> Answer:
        """Every id stays as it is."""
        return self.answer_to(DeviceSyncPersonReply(), asker)

    def answer_to(self, reply: DeviceSyncPersonReply, asker: Asker) -> Answer:
        """The ids of the reply for those it names."""
        person = self.person_id or ""
        renamed = reply.faces if isinstance(reply.faces, dict) else {}
        old = [face.face_id for face in self.faces or () if face.face_id]
        answer = DeviceSyncPersonAnswer(
            ori_person_id=person,
            new_person_id=person if reply.person_id is UNSET else str(reply.person_id),
            faces=[MappedFace(ori_face_id=face, new_face_id=str(renamed.get(face, face))) for face in old],
        )
        return Answer(Result.SUCCESS, answer)
