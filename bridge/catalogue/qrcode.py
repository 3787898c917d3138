"""Codes held before the camera (protocol section 4.6.3)."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from .asking import Answer, Asker, Question, Reply
from .fields import choice, plain, text
from .message import AnswerData, ReportData, report
from .recognition import DOOR
from .results import Result


class QrcodeAnswer(AnswerData):
    """What the door does. There must be an answer: the terminal does not decide."""

    opendoor: Annotated[int, choice("the door", DOOR)]


class QrcodeReply(Reply):
    """Whether to open the door; `1`, `0`, `true` or `false` alone will do as well."""

    open: Annotated[bool, plain("whether to open the door")]

    @classmethod
    def spelled_out(cls, payload: Any) -> Any:
        """1, 0, true and false as an object."""
        return {"open": bool(payload)} if isinstance(payload, int) and payload in {0, 1} else payload


@report(
    "qrcode_data",
    section="4.6.3",
    event="qrcode",
    example={"content": "adddfffsss"},
    answer=QrcodeAnswer,
    answer_example={"opendoor": 1},
    question=Question(
        reply=QrcodeReply, always=True, otherwise="the door stays shut, unless answers.qrcode_default_open", example={"open": True}
    ),
)
class QrcodeData(ReportData):
    """A code was scanned; the terminal asks whether to open."""

    content: Annotated[str | None, text("what the code says")] = None

    event_types: ClassVar[tuple[str, ...]] = ("scanned",)

    def event_type(self) -> str:
        """scanned."""
        return "scanned"

    def default_answer(self, asker: Asker) -> Answer:
        """Keep shut."""
        return Answer(Result.SUCCESS, QrcodeAnswer(opendoor=0))

    def answer_to(self, reply: QrcodeReply, asker: Asker) -> Answer:
        """As the reply says."""
        return Answer(Result.SUCCESS, QrcodeAnswer(opendoor=int(reply.open)))
