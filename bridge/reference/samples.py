"""Examples, made by the code that makes the real thing, from the examples of the declarations. Always the same."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Mapping
from datetime import datetime, timedelta, timezone
from typing import Any

import msgspec

from bridge.catalogue import GROUPS, Command, Picture, Report, ReportData
from bridge.catalogue.jpeg import EXAMPLE_JPEG
from bridge.config import Config
from bridge.mqtt.commands import Response
from bridge.mqtt.events import Asking, EventRules, Subject, compose
from bridge.mqtt.message import Publication
from bridge.mqtt.pictures import PictureRules, depict
from bridge.mqtt.topics import RAW
from bridge.reference.channel import DEVICE, REAL, said
from bridge.reference.fields import rows_of, wire_names
from bridge.session.clock import parse_record_time
from bridge.session.happenings import Received
from bridge.wire import request_body

NAME = "Front door"
ZONE = timezone(timedelta(hours=8))
MOMENT = datetime(2026, 3, 2, 8, 30, 15, tzinfo=ZONE)
WALL = MOMENT.timestamp()
SUBJECT = Subject(DEVICE, NAME, ZONE)
TRANSACTION = "42"
_DELAY_S = 0.4


def published(report: Report) -> list[Publication]:
    """What is published for a report's example: its pictures, then its event."""
    data, extra = report.read(with_pictures(report.example, report))
    time = data.record_time()
    happened = parse_record_time(time, ZONE) if time else None
    at = (happened.timestamp() if happened else WALL) + _DELAY_S
    received = _received(report.name, report.example, at, extra, report, data)
    asking = _asking(report, at) if report.question else None
    return compose(received, SUBJECT, REAL, EventRules(), at + _DELAY_S, asking).publications


def passed_through() -> list[Publication]:
    """What is published for a message that the catalogue does not know."""
    said_by_terminal = {"cardNo": "123475", "reader": 2}
    received = _received("card_swiped", said_by_terminal, WALL, said_by_terminal)
    return compose(received, SUBJECT, REAL, EventRules(), WALL + _DELAY_S).publications


def _asking(report: Report, at: float) -> Asking:
    until = datetime.fromtimestamp(at + Config().answers.timeout_s, ZONE)
    return Asking(REAL.answer(DEVICE, str(report.event)), until.isoformat(timespec="milliseconds"))


def _received(
    name: str, body: Mapping[str, Any], at: float, extra: dict[str, Any], report: Report | None = None, data: ReportData | None = None
) -> Received:
    return Received(
        name=name,
        declaration=report,
        data=data,
        extra=extra,
        sequence=4711,
        version=report.version if report else 2,
        digest=hashlib.sha256(request_body(name, body)).digest(),
        received_at=at,
        clock=None,
        wants_answer=True,
        body_bytes=0,
    )


def with_pictures(example: Mapping[str, Any], report: Report) -> dict[str, Any]:
    """An example, with pictures where the document has placeholders."""
    shown: dict[str, Any] = copy.deepcopy(dict(example))
    wire = wire_names(report.data)
    for picture in report.pictures:
        holders = [shown] if picture.within is None else shown[wire[picture.within]]
        for holder in holders:
            name = _wire_name(report, picture)
            if name in holder:
                holder[name] = EXAMPLE_JPEG
    return shown


def _wire_name(report: Report, picture: Picture) -> str:
    """What the protocol calls a picture."""
    path = picture.attribute if picture.within is None else f"{picture.within}[].{picture.attribute}"
    (wire,) = (row.wire for row in rows_of(report.data) if row.name == path)
    return wire.rpartition(".")[2]


def command_payload(command: Command) -> Any:
    """What a caller publishes."""
    return msgspec.to_builtins(dict(command.example))


def envelope(command: Command) -> dict[str, Any]:
    """The same with all that can be said beside it."""
    return {
        "data": command_payload(command),
        "transaction": TRANSACTION,
        "issued_at": MOMENT.isoformat(timespec="seconds"),
        "ttl": 10,
        "timeout": 20,
        "source": "dashboard",
    }


def response(command: Command) -> Any:
    """What comes back when the terminal has done it."""
    answer = command.check(command_payload(command)).shown_answer(_answered(command))
    answer = _depicted(command, answer) if isinstance(answer, dict) else answer
    return _said(_response(command.name, data=answer or None, result=0, description="Success", sequence=4712, attempts=1, elapsed_ms=180))


def _answered(command: Command) -> Any:
    """The document's answer; for get_configs, the groups that its example asks for."""
    asked = command_payload(command).get("groupKey")
    return [{"groupKey": name, **_plain(GROUPS[name].example)} for name in asked] if asked else _plain(command.answer_example)


RAW_EXAMPLE = {"message": "beep", "data": {"times": 2}, "transaction": TRANSACTION}
"""A message that the catalogue does not know."""


def raw_response() -> Any:
    """What comes back when the terminal has done it."""
    return _said(_response(RAW, result=0, description="Success", sequence=4712, attempts=1, elapsed_ms=180))


def failed_response(name: str) -> Any:
    """What comes back when the terminal is not there."""
    reason = "the terminal is not connected; the command is not kept for it"
    return _said(_response(name, status="error", code="device_offline", error=reason))


def _depicted(command: Command, answer: dict[str, Any]) -> dict[str, Any]:
    """An answer's pictures, told of as the bridge tells of them."""
    wire = wire_names(command.answer)
    for picture in command.answer_pictures:
        topic = REAL.image(DEVICE, picture.kind)
        depiction = depict(EXAMPLE_JPEG, wire[picture.attribute], topic, PictureRules(), ())
        answer = {**answer, **depiction.fields}
    return answer


def _response(name: str, **fields: Any) -> Response:
    return Response(command=name, device_id=DEVICE, transaction=TRANSACTION, time=MOMENT.isoformat(timespec="milliseconds"), **fields)


def _said(response: Response) -> Any:
    return said(Publication("", response.payload()))


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(dict(value) if isinstance(value, Mapping) else value)
