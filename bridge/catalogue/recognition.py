"""What a terminal saw (protocol section 4.6.1)."""

from __future__ import annotations

from typing import Annotated, ClassVar

from msgspec import UNSET, field

from .access import BLACK_LIST, PERSON_TYPES
from .asking import Answer, Asker, Question, Reply
from .fields import Maybe, base64_image, choice, number, plain, text
from .forms import record_time
from .message import AnswerData, Picture, ReportData, report
from .results import Result

RESULTS = {0: "no match", 1: "match", 2: "match, but the authorisation has expired", 3: "match, but outside its hours"}
EVENT_TYPES = {0: "unmatched", 1: "matched", 2: "expired", 3: "outside_hours"}
DOOR = {0: "keep shut", 1: "open"}
SCREEN_BYTES = 20


class SnapshotFaceAnswer(AnswerData):
    """What the terminal is to do about it; a field left out leaves it to the terminal."""

    snaptime: Maybe[Annotated[str, text("the record's own time, yyyy-MM-dd HH:mm:ss", 20)]] = UNSET
    opendoor: Maybe[Annotated[int, choice("the door", DOOR)]] = UNSET
    screen_disp: Maybe[Annotated[str, text("what the screen shows", SCREEN_BYTES)]] = UNSET


class SnapshotFaceReply(Reply):
    """Whether to open the door, and what to show; what is left out is left to the terminal."""

    open: Maybe[Annotated[bool, plain("whether to open the door")]] = UNSET
    display: Maybe[Annotated[str, text("what the screen shows; cut to 20 bytes")]] = UNSET


def cut_to_bytes(words: str, most: int) -> str:
    """As much of the text as fits into `most` bytes of UTF-8, cut at a character."""
    return words.encode("utf-8", "ignore")[:most].decode("utf-8", "ignore")


@report(
    "snapshot_face",
    section="4.6.1",
    event="recognition",
    pictures=(
        Picture(attribute="picture", kind="recognition"),
        Picture(attribute="compare_picture", kind="recognition_compare", event_field="compare_image", expected=False),
    ),
    time_field="snap_time",
    aliases={"fullname": "fullName"},
    example={
        "personId": "5907d9b6bede435faf0828177e5bce07",
        "faceId": "cf78bfabb138474c8b2b3a0077c9bec1",
        "fullname": "韩梅梅",
        "type": 1,
        "idNum": "430726199801042312",
        "icNum": "123475",
        "snapPic": "/9j/2wBDABQODxIPDRQSEBIXFRQYHjIhHhwcHj0sLiQy",
        "score": 92,
        "result": 1,
        "snaptime": "2019-08-02 15:42:48",
    },
    answer=SnapshotFaceAnswer,
    answer_example={"snaptime": "2018-11-16 16:10:00"},
    question=Question(
        reply=SnapshotFaceReply,
        always=False,
        otherwise="the terminal decides about the door itself",
        example={"open": True, "display": "Welcome"},
    ),
)
class SnapshotFace(ReportData):
    """A face, a card or an ID card was recognised, or was not."""

    person_id: Annotated[str | None, text("the id the person was added with", 32)] = None
    person_name: Annotated[str | None, text("the person's name", 24)] = field(name="fullName", default=None)
    person_type: Annotated[int | None, choice("the person's list", PERSON_TYPES)] = field(name="type", default=None)
    face_id: Annotated[str | None, text("the id the matching face was added with", 32)] = None
    id_number: Annotated[str | None, text("number of the ID card", 20)] = field(name="idNum", default=None)
    card_number: Annotated[str | None, text("number of the IC card", 20)] = field(name="icNum", default=None)
    score: Annotated[float | None, number("how alike the faces are", 0, 100)] = None
    body_temperature: Annotated[float | None, number("body temperature", unit="°C")] = field(name="bodyTemp", default=None)
    result: Annotated[int | None, choice("how the comparison ended", RESULTS)] = None
    gender: Annotated[str | None, text("on the ID card", 32)] = None
    ethnicity: Annotated[str | None, text("on the ID card", 32)] = field(name="ethnic", default=None)
    birthday: Annotated[str | None, text("on the ID card", 32)] = None
    address: Annotated[str | None, text("on the ID card", 256)] = None
    id_expiry: Annotated[str | None, text("when the ID card expires", 32)] = field(name="expiredate", default=None)
    snap_time: Annotated[str | None, record_time("local civil time of the terminal, yyyy-MM-dd HH:mm:ss")] = field(
        name="snaptime", default=None
    )
    picture: Annotated[str | None, base64_image("the picture taken")] = field(name="snapPic", default=None)
    compare_picture: Annotated[str | None, base64_image("the picture compared with, where the face has no id")] = field(
        name="comparePic", default=None
    )

    event_types: ClassVar[tuple[str, ...]] = ("matched", "blacklisted", "unmatched", "expired", "outside_hours")

    def event_type(self) -> str:
        """matched, blacklisted (a match from the black list), unmatched, expired or outside_hours; unmatched for a result unheard of."""
        if self.result == 1 and self.person_type == BLACK_LIST:
            return "blacklisted"
        return EVENT_TYPES.get(self.result if self.result is not None else 0, "unmatched")

    def default_answer(self, asker: Asker) -> Answer:
        """The record's own time, by which a terminal finds what it may forget; the door is left to the terminal."""
        return Answer(Result.SUCCESS, SnapshotFaceAnswer(snaptime=self.snap_time or UNSET))

    def answer_to(self, reply: SnapshotFaceReply, asker: Asker) -> Answer:
        """The door and the screen as the reply says."""
        answer = SnapshotFaceAnswer(snaptime=self.snap_time or UNSET)
        if isinstance(reply.open, bool):
            answer.opendoor = int(reply.open)
        if isinstance(reply.display, str):
            answer.screen_disp = cut_to_bytes(reply.display, SCREEN_BYTES)
        return Answer(Result.SUCCESS, answer)
