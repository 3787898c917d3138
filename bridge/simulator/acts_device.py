"""What a terminal does with its door, ports, card reader, records and firmware (protocol section 4.5)."""

from __future__ import annotations

from pathlib import PurePosixPath
from urllib.parse import urlsplit

from ..catalogue import Result
from ..catalogue.card import SwipingCard
from ..catalogue.device import DeviceRestart, DeviceUpgrade, RecordClear, ReSendRecordSet
from ..catalogue.door import OpenDoor, SerialOutput, WeigandOutput
from .acting import MOMENT_S, RESTART_S, Act, Answer, Asked
from .cards import some_card
from .happenings import DoorOpened, Ended, SentOut

_WIEGAND_DIGITS = {0: 6, 1: 8}
"""By the type that the group weigand is set to: 26 bits, 34 bits."""


def _open_door(asked: Asked) -> Answer:
    return asked.told(happening=DoorOpened("as commanded"))


def _serial_output(asked: Asked) -> Answer:
    data: SerialOutput = asked.data
    return asked.told(happening=SentOut("serial", len(data.content)))


def _weigand_output(asked: Asked) -> Answer:
    """A number of another format than the one that is set is refused."""
    data: WeigandOutput = asked.data
    group = asked.terminal.config("weigand") or {}
    if len(data.content) != _WIEGAND_DIGITS.get(group.get("type", 0), len(data.content)):
        return asked.told(Result.BAD_PARAMETER)
    return asked.told(happening=SentOut("Wiegand", len(data.content)))


def _swiping_card(asked: Asked) -> Answer:
    data: SwipingCard = asked.data
    if asked.manners.no_card:
        return asked.told(Result.TIMEOUT, after_s=data.timeout_s)
    return asked.told(data=some_card(asked.terminal.random), after_s=min(MOMENT_S, data.timeout_s))


def _device_restart(asked: Asked) -> Answer:
    return asked.told(ends=Ended("restarts", RESTART_S))


def _device_upgrade(asked: Asked) -> Answer:
    """It fetches nothing. What goes wrong is in the URL: no file named there, a host that cannot be, a file called missing or corrupt."""
    data: DeviceUpgrade = asked.data
    result = _fetched(data.url)
    if result is not Result.SUCCESS:
        return asked.told(result, after_s=MOMENT_S)
    asked.terminal.set_config("version", {"appVer": data.version})
    asked.terminal.keep_settings()
    return asked.told(after_s=MOMENT_S, ends=Ended("restarts with other firmware", RESTART_S))


def _fetched(url: str) -> Result:
    parts = urlsplit(url)
    name = "" if parts.path.endswith("/") else PurePosixPath(parts.path).name
    if not name:
        return Result.INVALID_URL
    if (parts.hostname or "").endswith(".invalid"):
        return Result.URL_UNREACHABLE
    if name.startswith("missing"):
        return Result.UPGRADE_DOWNLOAD_FAILED
    return Result.UPGRADE_CHECK_FAILED if name.startswith("corrupt") else Result.SUCCESS


def _record_clear(asked: Asked) -> Answer:
    asked.terminal.clear_records()
    return asked.told()


def _resend_record_set(asked: Asked) -> Answer:
    data: ReSendRecordSet = asked.data
    return asked.told(to_send=asked.terminal.records_to_resend(data.record_type, data.snap_start_time, data.snap_end_time))


ACTS: dict[str, Act] = {
    OpenDoor.declaration.name: _open_door,
    SerialOutput.declaration.name: _serial_output,
    WeigandOutput.declaration.name: _weigand_output,
    SwipingCard.declaration.name: _swiping_card,
    DeviceRestart.declaration.name: _device_restart,
    DeviceUpgrade.declaration.name: _device_upgrade,
    RecordClear.declaration.name: _record_clear,
    ReSendRecordSet.declaration.name: _resend_record_set,
}
