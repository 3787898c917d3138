"""What can be said: every message of the protocol, declared once. A new message is a class in one of these files and nothing else."""

from __future__ import annotations

from . import configuration, door, identity, picture, recognition
from .message import Command, CommandData, Declaration, Picture, Report, ReportData, declared_in
from .results import Result, result_name

DECLARATIONS: tuple[Declaration, ...] = tuple(declared_in(identity, recognition, door, picture, configuration))
COMMANDS: dict[str, Command] = {each.name: each for each in DECLARATIONS if isinstance(each, Command)}
"""To the terminal, by name."""
REPORTS: dict[str, Report] = {each.name: each for each in DECLARATIONS if isinstance(each, Report)}
"""From the terminal, by name."""

__all__ = [
    "COMMANDS",
    "DECLARATIONS",
    "REPORTS",
    "Command",
    "CommandData",
    "Declaration",
    "Picture",
    "Report",
    "ReportData",
    "Result",
    "result_name",
]
