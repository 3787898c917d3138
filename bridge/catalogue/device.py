"""The terminal itself: its start, its firmware and what it has recorded (protocol sections 4.5.1, 4.5.2, 4.5.5 and 4.5.11)."""

from __future__ import annotations

from typing import Annotated

from .access import check_order
from .checking import below
from .fields import choice, text
from .forms import date_time, md5, url
from .message import CommandData, command

URL_BYTES = 128
RECORD_TYPES = {0: "failures", 1: "successes", 2: "all"}


@command("device_restart", section="4.5.1", example={})
class DeviceRestart(CommandData):
    """Start the terminal anew."""


@command(
    "device_upgrade",
    section="4.5.2",
    example={
        "url": "http://192.0.2.10:8080/file.bin",
        "version": "V1.0.2_2018-11-10_12:20 xxx",
        "check": "e10adc3949ba59abbe56e057f20f883e",
    },
)
class DeviceUpgrade(CommandData):
    """Fetch and install other firmware."""

    url: Annotated[str, url("where the firmware is to be fetched", URL_BYTES)]
    version: Annotated[str, text("the firmware's version", 64)]
    check: Annotated[str, md5("the md5 of the file")]


@command("record_clear", section="4.5.5", example={})
class RecordClear(CommandData):
    """Forget every record, such as those of faces compared."""


@command(
    "reSend_record_set",
    section="4.5.11",
    example={"recordType": 1, "snapStartTime": "2021-01-01 08:30:20", "snapEndTime": "2021-01-02 08:30:20"},
)
class ReSendRecordSet(CommandData):
    """Have the terminal report again what it recognised in a span of time."""

    record_type: Annotated[int, choice("which records", RECORD_TYPES)]
    snap_start_time: Annotated[str, date_time("from when on, local civil time")]
    snap_end_time: Annotated[str, date_time("until when, local civil time")]

    def check_rules(self, path: str) -> None:
        """The span ends after it starts."""
        check_order(self.snap_start_time, self.snap_end_time, below(path, "snapEndTime"), "snapStartTime")
