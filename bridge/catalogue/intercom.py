"""The video intercom: who is called for a flat, and how the call went (protocol section 4.7)."""

from __future__ import annotations

from datetime import tzinfo
from typing import Annotated, Any, ClassVar

from msgspec import UNSET, Struct, field

from ..errors import Invalid
from .asking import Answer, Asker, Question, Reply
from .checking import below
from .fields import Id, Maybe, base64_image, choice, formatted, identifier, items, number, text
from .forms import CALL_TIME, RECORD_TIME, call_time
from .message import AnswerData, Data, Picture, ReportData, report
from .results import Result
from .telling import local_moment

CALL_S = 60
"""How long a call may take when nobody says: the document's example."""
LONGEST_CALL_S = 3600
MOST_CALLED = 64
CALL_RESULTS = {
    0: "unknown",
    1: "hung up at the terminal before anybody answered",
    2: "calling is out of order",
    3: "answered in the app",
    4: "nobody is online in the app",
    5: "not answered, or declined, in the app",
    6: "the app call went wrong",
    7: "answered by telephone",
    8: "not answered, or declined, by telephone",
    9: "the telephone call went wrong",
}
CALL_TYPES = {0: "not connected", 1: "app", 2: "telephone"}
OPEN_STATUSES = {0: "not opened", 1: "opened", 2: "failed to open"}
_EVENT_TYPES = {
    "answered": {3, 7},
    "missed": {5, 8},
    "hung_up": {1},
    "unreachable": {4},
    "failed": {2, 6, 9},
}
"""The most telling first: a flat that was tried in vain in the app and then answered by telephone has answered."""


class Called(AnswerData):
    """Somebody to call."""

    user_id: Annotated[str, text("the user's id at the calling service")]
    token: Annotated[str, text("the user's token; empty for one who never signed in, and can be telephoned alone")]
    phone_no: Annotated[str, text("the user's telephone number")]


class DeviceCallParamAnswer(AnswerData):
    """How to make the call. The result is 104 when there is no such flat, 105 when nobody answers."""

    call_request_id: Annotated[str, text("the call's id, as it was asked with")]
    call_no: Annotated[str, text("the flat")]
    device_id: Annotated[str, text("the terminal's serial")]
    device_token: Annotated[str, text("the terminal's token at the calling service")]
    device_name: Annotated[str, text("what the called are shown as the place")]
    call_max_seconds: Annotated[int, number("how long the call may take", 1, LONGEST_CALL_S, unit="s")]
    calleds: Annotated[list[Called], items("whom to call")]


class CalledReply(Struct, kw_only=True, forbid_unknown_fields=True):
    """Somebody to call."""

    user_id: Annotated[Id, identifier("the user's id at the calling service", 128)]
    token: Maybe[Annotated[str, text("the user's token there", 1024)]] = UNSET
    phone: Maybe[Annotated[Id, identifier("the user's telephone number", 32)]] = UNSET


class DeviceCallParamReply(Reply):
    """Whom to call, or why nobody can be called."""

    called: Maybe[Annotated[list[CalledReply], items("whom to call", MOST_CALLED, min_items=1)]] = UNSET
    device_token: Maybe[Annotated[str, text("the terminal's token at the calling service", 1024)]] = UNSET
    device_name: Maybe[Annotated[str, text("what the called are shown as the place; the terminal's name when left out", 128)]] = UNSET
    max_seconds: Maybe[Annotated[int, number("how long the call may take", 1, LONGEST_CALL_S, unit="s")]] = UNSET
    error: Maybe[Annotated[str, formatted("why nobody can be called", "no_such_flat|no_answer", "no_such_flat or no_answer")]] = UNSET

    def check_rules(self, path: str) -> None:
        """Somebody to call, or an error."""
        if (self.called is UNSET) == (self.error is UNSET):
            raise Invalid(below(path, "called"), "either called or error", "neither" if self.called is UNSET else "both")


_ERRORS = {"no_such_flat": Result.BAD_PARAMETER, "no_answer": Result.NO_SUCH_USER}
"""Both results have a meaning of their own here (section 4.7.1)."""


@report(
    "device_call_param",
    section="4.7.1",
    version=5,
    event="call",
    pictures=(Picture(attribute="picture", kind="call"),),
    example={"callNo": "304", "callRequestId": "", "picture": ""},
    answer=DeviceCallParamAnswer,
    answer_example={
        "callRequestId": "",
        "callNo": "",
        "deviceId": "",
        "deviceToken": "",
        "deviceName": "",
        "callMaxSeconds": 60,
        "calleds": [{"userId": "", "token": "", "phoneNo": ""}],
    },
    answer_named=True,
    question=Question(
        reply=DeviceCallParamReply,
        always=True,
        otherwise="the flat's entry under intercom.flats in the configuration, else no_such_flat",
        example={"called": [{"user_id": "1001", "token": "a1b2", "phone": "13800138000"}], "max_seconds": 60},
    ),
)
class DeviceCallParam(ReportData):
    """Somebody rings at a flat; the terminal asks whom to call."""

    call_number: Annotated[str | None, text("the flat that is called")] = field(name="callNo", default=None)
    call_id: Annotated[str | None, text("the call's id, which its result names again")] = field(name="callRequestId", default=None)
    picture: Annotated[str | None, base64_image("who rings")] = None

    event_types: ClassVar[tuple[str, ...]] = ("ring",)

    def event_type(self) -> str:
        """ring."""
        return "ring"

    def default_answer(self, asker: Asker) -> Answer:
        """There is no such flat."""
        return self.answer_to(DeviceCallParamReply(error="no_such_flat"), asker)

    def answer_to(self, reply: DeviceCallParamReply, asker: Asker) -> Answer:
        """The people of the reply, or its error."""
        answer = DeviceCallParamAnswer(
            call_request_id=self.call_id or "",
            call_no=self.call_number or "",
            device_id=asker.device_id,
            device_token=reply.device_token or "",
            device_name=reply.device_name or asker.name,
            call_max_seconds=reply.max_seconds or CALL_S,
            calleds=[
                Called(user_id=str(each.user_id), token=each.token or "", phone_no=str(each.phone or "")) for each in reply.called or ()
            ],
        )
        return Answer(_ERRORS[reply.error] if isinstance(reply.error, str) else Result.SUCCESS, answer)


class CallRecord(Data):
    """One attempt to reach somebody."""

    user_id: Annotated[str | None, text("who was called, where the terminal knows")] = None
    call_result: Annotated[int | None, choice("how it ended", CALL_RESULTS)] = None
    call_type: Annotated[int | None, choice("how it was called", CALL_TYPES)] = None
    open_status: Annotated[int | None, choice("the door", OPEN_STATUSES)] = None
    start_time: Annotated[str | None, call_time("when it was answered, local civil time, yyyyMMddHHmmss")] = None
    end_time: Annotated[str | None, call_time("when it ended, local civil time, yyyyMMddHHmmss")] = None


@report(
    "device_call_result",
    section="4.7.2",
    version=5,
    event="call",
    example={
        "callNo": "304",
        "callRequestId": "",
        "callRecords": [
            {"userId": "", "callResult": 3, "callType": 1, "openStatus": 1, "startTime": "20210616083020", "endTime": "20210616083105"}
        ],
    },
    answer_named=True,
)
class DeviceCallResult(ReportData):
    """How a call went; one call may have several results, in one report or in several."""

    call_number: Annotated[str | None, text("the flat that was called")] = field(name="callNo", default=None)
    call_id: Annotated[str | None, text("the call's id, as when it rang")] = field(name="callRequestId", default=None)
    records: Annotated[list[CallRecord] | None, items("the attempts")] = field(name="callRecords", default=None)

    event_types: ClassVar[tuple[str, ...]] = (*_EVENT_TYPES, "unknown")

    def event_type(self) -> str:
        """answered, missed, hung_up, unreachable, failed or unknown: the first of these that one of the attempts was."""
        results = {record.call_result for record in self.records or ()}
        return next((name for name, codes in _EVENT_TYPES.items() if codes & results), "unknown")

    def event_fields(self, zone: tzinfo) -> dict[str, Any]:
        """With an empty list for no attempts."""
        return {**super().event_fields(zone), "records": []} if self.records is None else super().event_fields(zone)

    def record_time(self) -> str | None:
        """When the last attempt ended."""
        ends = [moment for record in self.records or () if (moment := local_moment(record.end_time or "", CALL_TIME))]
        return max(ends).strftime(RECORD_TIME) if ends else None
