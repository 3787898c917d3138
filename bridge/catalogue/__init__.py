"""What can be said: every message of the protocol, declared once. A new message is a class in one of these files and nothing else."""

from __future__ import annotations

from . import (
    card,
    configuration,
    device,
    door,
    face,
    identity,
    intercom,
    pass_rule,
    person,
    picture,
    qrcode,
    recognition,
    synced_person,
)
from .asking import Answer, Asker, Question, Reply
from .configuration import GROUPS
from .group import Group, GroupData, GroupField
from .message import Command, CommandData, Declaration, Part, Picture, Report, ReportData, declared_in
from .results import Result, result_name

DECLARATIONS: tuple[Declaration, ...] = tuple(
    declared_in(
        identity,
        recognition,
        qrcode,
        synced_person,
        intercom,
        person,
        face,
        picture,
        card,
        door,
        pass_rule,
        device,
        configuration,
    )
)
COMMANDS: dict[str, Command] = {each.name: each for each in DECLARATIONS if isinstance(each, Command)}
"""To the terminal, by name."""
REPORTS: dict[str, Report] = {each.name: each for each in DECLARATIONS if isinstance(each, Report)}
"""From the terminal, by name."""
IMAGE_KINDS: frozenset[str] = frozenset(
    picture.kind
    for each in DECLARATIONS
    for picture in (each.answer_pictures if isinstance(each, Command) else each.pictures if isinstance(each, Report) else ())
)
"""Every kind of picture that there is."""

__all__ = [
    "COMMANDS",
    "DECLARATIONS",
    "GROUPS",
    "IMAGE_KINDS",
    "REPORTS",
    "Answer",
    "Asker",
    "Command",
    "CommandData",
    "Declaration",
    "Group",
    "GroupData",
    "GroupField",
    "Part",
    "Picture",
    "Question",
    "Reply",
    "Report",
    "ReportData",
    "Result",
    "result_name",
]
