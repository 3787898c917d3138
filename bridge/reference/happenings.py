"""The bridge's own events: what each tells. Their tests find every place where the bridge tells one."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import UNSET, Struct, UnsetType

from bridge.mqtt.commands import Code, Transaction
from bridge.reference.shapes import means
from bridge.session.admission import RefusalKind
from bridge.terminal.limits import Full

Serial = Annotated[str, means("the terminal's serial")]
MaybeSerial = Annotated[str | None, means("the terminal's serial; null where it is not known, or cannot be one")]
Address = Annotated[str, means("where it connects from")]
FaultAddress = Annotated[str, means('where it connects from; "several addresses" where there were too many to tell apart')]
Count = Annotated[int, means("how many times; what is repeated is told once a minute (a refused login that was told before, once an hour)")]
Name = Annotated[str, means("what people call it")]


class DevicePending(Struct, forbid_unknown_fields=True):
    """An unknown terminal asks to join, and waits for approval."""

    id: Serial
    mac: Annotated[str, means("its MAC address")]
    model: Annotated[str | None, means("its model")]
    address: Address


class DeviceApproved(Struct, forbid_unknown_fields=True):
    """A terminal may join from now on."""

    id: Serial


class DeviceOnline(Struct, forbid_unknown_fields=True):
    """A terminal has joined."""

    id: Serial
    name: Name
    address: Address


class DeviceOffline(Struct, forbid_unknown_fields=True):
    """A terminal is gone, and did not come back within 5 s."""

    id: Serial
    name: Name
    reason: Annotated[str, means("why, in words")]


class DeviceReplaced(Struct, forbid_unknown_fields=True):
    """A terminal has a new connection in place of an older one."""

    id: Serial
    address: Address


class DeviceRemoved(Struct, forbid_unknown_fields=True):
    """A terminal is forgotten."""

    id: Serial


class AuthFailed(Struct, forbid_unknown_fields=True):
    """A terminal, or somebody who says to be one, was refused, or found no place."""

    id: MaybeSerial
    address: FaultAddress
    kind: Annotated[
        RefusalKind | Full, means("why, in one word; the names of limits are those of connections for which there was no place")
    ]
    reason: Annotated[str, means("why, and what to do about it")]
    count: Count


class ProtocolError(Struct, forbid_unknown_fields=True):
    """A terminal broke the protocol, or sends faster than it may."""

    id: MaybeSerial
    address: FaultAddress
    reason: Annotated[str, means("what it did, and where there is something to do about it, what")]
    count: Count


class CommandRefused(Struct, forbid_unknown_fields=True):
    """A command was not carried out, and nothing was asked of the terminal."""

    id: Annotated[str, means("the terminal that the command was for")]
    command: Annotated[str, means("the command's name")]
    code: Annotated[Code, means("why, as its response says it")]
    transaction: Annotated[Transaction | None, means("the command's own as it came, if it had one")]


class AnswerLate(Struct, forbid_unknown_fields=True):
    """An answer to an event did not count."""

    id: Annotated[str, means("the terminal whose event was to be answered")]
    kind: Annotated[str, means("the kind of event")]
    event_id: Annotated[str | None, means("the event that the answer named, if it named one")]
    reason: Annotated[
        Literal["answered", "late", "withdrawn", "unknown", "retained", "invalid"],
        means(
            "why: another came first, it came too late, the terminal has gone, nothing was asked, it was retained, or it is no such answer"
        ),
    ]
    error: Annotated[str | UnsetType, means("what is wrong with it, where it is invalid")] = UNSET


BRIDGE_EVENTS: dict[str, type[Struct]] = {
    "device_pending": DevicePending,
    "device_approved": DeviceApproved,
    "device_online": DeviceOnline,
    "device_offline": DeviceOffline,
    "device_replaced": DeviceReplaced,
    "device_removed": DeviceRemoved,
    "auth_failed": AuthFailed,
    "protocol_error": ProtocolError,
    "command_refused": CommandRefused,
    "answer_late": AnswerLate,
}

_SAMPLES: dict[str, Any] = {
    "id": "0a9310e7acc298d3",
    "name": "Front door",
    "mac": "0064871ECB01",
    "model": "HG02",
    "address": "192.168.1.20",
    "kind": "other_mac",
    "command": "open_door",
    "code": "device_offline",
    "transaction": "42",
    "count": 1,
    "event_id": "12ed7839be4bdc959774b03f9a5beb13",
}
_OF_KIND: dict[str, dict[str, Any]] = {
    "device_offline": {"reason": "the connection was lost"},
    "auth_failed": {"reason": "it has another MAC than the terminal of that serial"},
    "protocol_error": {"reason": "unreadable body: not UTF-8"},
    "answer_late": {"kind": "qrcode", "reason": "late"},
}


def sample_of(kind: str) -> dict[str, Any]:
    """An example of what such an event tells."""
    samples = _SAMPLES | _OF_KIND.get(kind, {})
    return {name: samples[name] for name in BRIDGE_EVENTS[kind].__struct_fields__ if name in samples}
