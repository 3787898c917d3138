"""The page of what terminals report."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from bridge.catalogue import REPORTS, Picture, Report
from bridge.reference.channel import PLACES, said, shown
from bridge.reference.commands import answer_fields, meaning_of
from bridge.reference.events import PLACE, kinds
from bridge.reference.fields import Row, rows_of
from bridge.reference.markdown import anchor, code, fence, link, page, summary_of, table
from bridge.reference.pictures import image_channels
from bridge.reference.samples import passed_through, published
from bridge.reference.shapes import AnswerFields, EventHead, EventTail


def events_page() -> str:
    """docs/reference/events.md."""
    body = [*_index(), *_around(), *_pictures(), *_kinds(), *_other(), *_unpublished()]
    return page("Events", _INTRO, body)


_INTRO = (
    (
        "What terminals report, on `qyzn/<serial>/event/<kind>`, never retained. What is older than `events.replay_after_s` (30 s) comes on"
        " `qyzn/<serial>/event_replay/<kind>` instead, with `replay` true and its age, so that an automation on `event/…` never fires late."
    ),
    (
        "Events are flat, and in our own names; beside each stands the terminal's. A field that the terminal did not send is null. What a terminal says"
        " is never refused: the document's limits are told here, and not enforced. Fields named in `privacy.omit` are left out."
    ),
)


def _index() -> list[str]:
    rows = (
        (link(code(kind), anchor(report.name)), _types(report), report.name, "" if report.question is None else "yes", report.section)
        for kind, reports in kinds().items()
        for report in reports
    )
    return table(("kind", "event_type", "from the terminal's message", "may await an answer", "section"), rows)


def _types(report: Report) -> str:
    """What the event's type may be, as its declaration says."""
    return summary_of(report.data.event_type).rstrip(".")


def _around() -> Iterator[str]:
    yield from ["## What every event says", "", *_plain_table([*rows_of(EventHead), *rows_of(EventTail)])]
    yield from [
        "An event that awaits an answer says where and until when (`answers.timeout_s`, 3 s unless configured):",
        "",
        *_plain_table(rows_of(AnswerFields)),
    ]
    yield from [
        (
            "A picture of an event is told of in fields named after it: `image` is the topic on which it was published just before, or null;"
            " `image_bytes` and `image_sha256` its size and hash. `image_base64` is the picture itself, only where `images.publish` asks for it, and"
            " `image_error` says why there is none although the terminal sent one."
        ),
        "",
    ]


def _plain_table(rows: list[Row]) -> list[str]:
    return table(("field", "type", "unit", "meaning"), ((code(row.name), row.kind, row.unit, row.meaning) for row in rows))


def _pictures() -> list[str]:
    rows = ((code(shown(each.address)), each.summary) for each in image_channels())
    return ["## Pictures", "", *table(("topic", "what"), rows)]


def _kinds() -> Iterator[str]:
    for kind, reports in kinds().items():
        for report in reports:
            yield from _section(kind, report)


def _section(kind: str, report: Report) -> Iterator[str]:
    yield from [f"## {report.name}", "", report.summary, "", *_facts(kind, report)]
    yield from event_fields(_event_rows(report))
    yield from [f"For example, on `{shown(PLACES.event(PLACE, kind))}`:", "", *fence(said(published(report)[-1]))]
    yield from _question(kind, report)
    answer = rows_of(report.answer)
    if answer:
        yield from [_told(report), "", *answer_fields(answer)]


def _told(report: Report) -> str:
    return "What the bridge answers the terminal:" if report.question is None else "What the terminal is told in the end:"


def _facts(kind: str, report: Report) -> Iterator[str]:
    facts = [
        f"Published on `{shown(PLACES.event(PLACE, kind))}`, or `{shown(PLACES.event(PLACE, kind, replay=True))}`.",
        f"`event_type`: {_types(report)}.",
        f"Section {report.section} of the vendor's document; protocol version {report.version} or later.",
        f"{link('JSON Schema', f'../schemas/event/{kind}.json')}.",
    ]
    if report.time_field:
        facts.insert(2, f"`time` is the terminal's `{_wire(report, report.time_field)}`.")
    yield from (f"- {fact}" for fact in facts)
    yield ""


def _wire(report: Report, name: str) -> str:
    return next(row.wire for row in rows_of(report.data) if row.name == name)


def event_fields(rows: list[Row]) -> list[str]:
    """The fields of an event's kind."""
    return table(
        ("field", "from the terminal's", "type", "unit", "document's limit", "meaning"),
        ((code(row.name), code(row.wire), row.kind, row.unit, row.limit, meaning_of(row)) for row in rows),
    )


def _event_rows(report: Report) -> list[Row]:
    pictures = {_path(picture, picture.attribute): picture for picture in report.pictures}
    rows = []
    for row in rows_of(report.data):
        if row.name in pictures:
            picture = pictures[row.name]
            rows.append(
                replace(
                    row, name=_path(picture, picture.event_field), kind="topic, or null", limit="", meaning=_picture_words(row, picture)
                )
            )
        elif row.name != report.time_field:
            rows.append(row)
    return rows


def _path(picture: Picture, name: str) -> str:
    return name if picture.within is None else f"{picture.within}[].{name}"


def _picture_words(row: Row, picture: Picture) -> str:
    sometimes = "" if picture.expected else "; the field is there only where the terminal sent one"
    return f"{row.meaning}: on `{shown(PLACES.image(PLACE, picture.kind))}`{sometimes}"


def _question(kind: str, report: Report) -> Iterator[str]:
    question = report.question
    if question is None:
        return
    when = "It awaits an answer" if question.always else f'It awaits an answer where `answers.{kind}` is `"ask"`'
    topic = shown(PLACES.answer(PLACE, kind))
    schema = link("JSON Schema", f"../schemas/answer/{kind}.json")
    yield from [f"**Answer.** {when}, on `{topic}`; the first one in time counts. Without one: {question.otherwise}.", ""]
    yield from [f"{summary_of(question.reply)} {schema}.", ""]
    yield from table(
        ("field", "required", "type", "unit", "limits", "meaning"),
        (
            (code(row.name), "yes" if row.required else "", row.kind, row.unit, row.limit, meaning_of(row))
            for row in rows_of(question.reply)
        ),
    )
    yield from fence(dict(question.example))


def _other() -> Iterator[str]:
    yield from ["## Any other message", ""]
    yield from [
        (
            "A message that the catalogue does not know, from a firmware newer than this bridge, is published under its own name, with all its fields in"
            f" `extra`, and answered with success. {link('JSON Schema', '../schemas/event/other.json')}."
        ),
        "",
        *fence(said(passed_through()[-1])),
    ]


def _unpublished() -> Iterator[str]:
    yield from ["## Messages that are not published", "", "The session's own; the bridge answers them itself.", ""]
    for report in REPORTS.values():
        if report.event is None:
            yield from _unpublished_section(report)


def _unpublished_section(report: Report) -> Iterator[str]:
    yield from [f"### {report.name}", "", report.summary, ""]
    yield from [f"Section {report.section} of the vendor's document; protocol version {report.version} or later.", ""]
    yield from table(
        ("field", "required", "type", "document's limit", "meaning"),
        ((code(row.wire), "yes" if row.required else "", row.kind, row.limit, meaning_of(row)) for row in rows_of(report.data)),
    )
    yield from fence(dict(report.example)) if report.example else []
    answer = rows_of(report.answer)
    if answer:
        yield from ["The answer:", "", *answer_fields(answer), *fence(dict(report.answer_example))]
