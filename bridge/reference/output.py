"""Every file of the reference, and how they are written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from bridge.reference.asyncapi import asyncapi_document
from bridge.reference.channel import Channel
from bridge.reference.commands import command_channels, commands_page
from bridge.reference.configuration import configuration_schema
from bridge.reference.events import event_channels
from bridge.reference.events_page import events_page
from bridge.reference.groups import group_channels, groups_page
from bridge.reference.markdown import link, page, table
from bridge.reference.own import bridge_page, own_channels
from bridge.reference.pictures import image_channels
from bridge.reference.results import results_page

ASYNCAPI = "asyncapi.json"
FOLDERS = ("reference", "schemas")
"""Below docs/: all that is in them is written from here."""


@cache
def all_channels() -> tuple[Channel, ...]:
    """Every topic."""
    return (*command_channels(), *group_channels(), *event_channels(), *image_channels(), *own_channels())


def files() -> dict[str, str]:
    """What is to stand in docs/, by path."""
    pages = {
        "README.md": index_page(),
        "reference/commands.md": commands_page(),
        "reference/events.md": events_page(),
        "reference/groups.md": groups_page(),
        "reference/bridge.md": bridge_page(),
        "reference/results.md": results_page(),
    }
    return {**pages, **dict(_schemas()), ASYNCAPI: _json(asyncapi_document(all_channels()))}


def _schemas() -> Iterator[tuple[str, str]]:
    for channel in all_channels():
        if channel.schema is not None:
            yield channel.schema_path, _json(channel.schema)
    yield "schemas/configuration.json", _json(configuration_schema())


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2) + "\n"


def index_page() -> str:
    """docs/README.md."""
    pages = (
        (link("Commands", "reference/commands.md"), "What terminals can be asked to do, and what they answer"),
        (link("Events", "reference/events.md"), "What terminals report, the pictures, and the answers that some events await"),
        (link("Configuration groups", "reference/groups.md"), "What is set in a terminal, and how it is changed"),
        (
            link("The bridge's own topics", "reference/bridge.md"),
            "What the bridge says of itself and of its terminals, and what it may be asked",
        ),
        (link("Results", "reference/results.md"), "What can go wrong, in codes"),
        (link("The bridge's configuration", "../etc/qyzn-bridge.toml"), "Every key of the configuration file, with its default"),
        (link("JSON Schemas", "schemas"), "One for each topic, under the topic's own path; JSON Schema 2020-12, each with examples"),
        (link("AsyncAPI 3.0", ASYNCAPI), "All topics in one document, for tools"),
    )
    return page("Reference", _INTRO, table(("page", "what is in it"), pages))


_INTRO = (
    "Every topic and message of qyzn-bridge. In topics, `qyzn` stands for the base topic (`base_topic`) and `<serial>` for a terminal's serial.",
    (
        "Beside it, written by hand: [Home Assistant](home-assistant.md), [security of the broker](broker-security.md), "
        "[how fast it is](performance.md)."
    ),
)


def write(docs: Path) -> list[Path]:
    """Write every file below `docs`, and remove what is left over; returns what was changed or removed."""
    changed = stale(docs)
    for path, text in files().items():
        target = docs / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    for superfluous in left_over(docs):
        (docs / superfluous).unlink()
    return changed


def stale(docs: Path) -> list[Path]:
    """The files that are missing, differ from what the declarations say, or are left over; below `docs`."""
    differing = [Path(path) for path, text in files().items() if not _is(docs / path, text)]
    return differing + left_over(docs)


def _is(path: Path, text: str) -> bool:
    return path.is_file() and path.read_text(encoding="utf-8") == text


def left_over(docs: Path) -> list[Path]:
    """Files in the folders that are the reference's alone, which nothing declares any more."""
    wanted = files()
    found = (path for folder in FOLDERS for path in sorted((docs / folder).rglob("*")) if path.is_file())
    return [each for path in found if (each := path.relative_to(docs)).as_posix() not in wanted]
