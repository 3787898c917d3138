"""Commands as they come over MQTT, and what is said back. Pure functions."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from math import inf
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from bridge.catalogue.checking import kind_of, strict
from bridge.catalogue.fields import formatted
from bridge.errors import BridgeError, Invalid
from bridge.wire.body import DEEPEST, is_deeper

Code = Literal[
    "invalid",
    "device_unknown",
    "device_offline",
    "timeout",
    "expired",
    "retained",
    "busy",
    "duplicate",
    "forbidden",
    "rate_limited",
    "unknown_command",
    "device_error",
    "superseded",
    "too_large",
    "shutting_down",
]

Transaction = str | int
LONGEST_TTL_S = 86_400.0
LONGEST_TIMEOUT_S = 3_600.0
BESIDE = ("transaction", "issued_at", "ttl", "source")
"""What may also stand beside a message's bare fields: no message of the protocol has fields of these names."""


class CommandRefused(BridgeError):
    """A command that is not carried out, or was not: `code` is the contract's, the text says why."""

    def __init__(self, code: Code, reason: str) -> None:
        self.code = code
        super().__init__(reason)


class Envelope(Struct, forbid_unknown_fields=True):
    """The command and what its sender says about it."""

    data: Annotated[Any, Meta(description="the message's own fields")] = msgspec.field(default_factory=dict)
    transaction: Annotated[
        Annotated[str, Meta(min_length=1, max_length=128)] | int | UnsetType,
        Meta(description="told back in the response; the same one again within 10 minutes gets the same response and is not done twice"),
    ] = UNSET
    issued_at: Annotated[str | UnsetType, Meta(description="when it was asked for: a time as in ISO 8601, with its offset")] = UNSET
    ttl: Annotated[
        float | UnsetType, Meta(description="seconds from issued_at, or else from arrival, after which it is not carried out")
    ] = UNSET
    timeout: Annotated[float | UnsetType, Meta(description="seconds to wait for the terminal's answer")] = UNSET
    source: Annotated[Annotated[str, Meta(max_length=128)] | UnsetType, Meta(description="who asks, for whoever watches the topic")] = UNSET


class RawEnvelope(Envelope, kw_only=True):
    """A message that is named inside, and what its sender says about it."""

    message: Annotated[str, formatted("the message's name", "[A-Za-z][A-Za-z0-9_]{0,63}", "1 to 64 letters, digits and _, a letter first")]


@dataclass(frozen=True, slots=True)
class Order:
    """A command as asked for: `data` is still unchecked. None: the sender did not say. `message` is named where the topic does not.
    A number as `transaction` is the same as its digits."""

    data: Any
    transaction: str | None = None
    issued_at: float | None = None
    ttl_s: float | None = None
    timeout_s: float | None = None
    message: str | None = None

    def expires_at(self, arrived_at: float, default_ttl_s: float | None, expiry_s: int | None) -> float:
        """When the command becomes stale, in UNIX seconds; infinity for never.

        The ttl counts from `issued_at`, or else from arrival, and never from later than arrival: a sender whose clock is ahead gains
        nothing. `expiry_s` is what was left of the message expiry interval on arrival.
        """
        ttl_s = default_ttl_s if self.ttl_s is None else self.ttl_s
        start = arrived_at if self.issued_at is None else min(self.issued_at, arrived_at)
        return min(start + ttl_s if ttl_s is not None else inf, arrived_at + expiry_s if expiry_s is not None else inf)


def read_order(payload: bytes) -> Order:
    """The payload of a command: empty, the message's bare fields, or the envelope (which has a field `data`).

    Raises Invalid, which names the field.
    """
    value = _object(payload)
    if "data" not in value:
        beside = {name: value.pop(name) for name in BESIDE if name in value}
        value = {"data": value, **beside}
    return _order(strict(value, Envelope, ""))


def read_raw_order(payload: bytes) -> Order:
    """The payload of a raw command: the message's name and `data`, and beside them what may stand in any envelope.

    Raises Invalid, which names the field.
    """
    envelope = strict(_object(payload), RawEnvelope, "")
    if is_deeper(envelope.data, DEEPEST):
        raise Invalid("data", f"at most {DEEPEST} levels", "more")
    return replace(_order(envelope), message=envelope.message)


def _object(payload: bytes) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(payload) if payload.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("payload", "JSON, or nothing", "something else") from None
    if not isinstance(value, dict):
        raise Invalid("payload", "a JSON object, or nothing", kind_of(value))
    return value


def _order(envelope: Envelope) -> Order:
    return Order(
        data=envelope.data,
        transaction=None if envelope.transaction is UNSET else str(envelope.transaction),
        issued_at=_moment(envelope.issued_at),
        ttl_s=_seconds("ttl", envelope.ttl, LONGEST_TTL_S),
        timeout_s=_seconds("timeout", envelope.timeout, LONGEST_TIMEOUT_S),
    )


def transaction_of(payload: bytes) -> Transaction | None:
    """The transaction of a payload as it came, so that the answer can be told by it, even if the payload is otherwise wrong."""
    try:
        value = msgspec.json.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    transaction = value.get("transaction") if isinstance(value, dict) else None
    if isinstance(transaction, str):
        return transaction[:128]
    return transaction if isinstance(transaction, int) and not isinstance(transaction, bool) else None


def _moment(text: str | UnsetType) -> float | None:
    if text is UNSET:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise Invalid("issued_at", "a time as in ISO 8601, with its offset", str(text)[:40])
    return moment.timestamp()


def _seconds(name: str, value: float | UnsetType, longest: float) -> float | None:
    if isinstance(value, UnsetType):
        return None
    if not 0 < value <= longest:
        raise Invalid(name, f"seconds, more than 0 and at most {longest:g}", f"{value:g}")
    return float(value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Response:
    """The one response to a command."""

    command: Annotated[str, Meta(description="the command's name")]
    device_id: Annotated[str, Meta(description="the terminal's serial")]
    transaction: Annotated[Transaction | None, Meta(description="the command's own as it came, if it had one")]
    time: Annotated[str, Meta(description="when the response was made")]
    status: Annotated[Literal["ok", "error"], Meta(description="whether the terminal has done it")] = "ok"
    code: Annotated[Code | None, Meta(description="why not, when status is error")] = None
    error: Annotated[str | None, Meta(description="the same in words")] = None
    result: Annotated[int | None, Meta(description="the terminal's result code")] = None
    description: Annotated[str | None, Meta(description="what the terminal said about it")] = None
    data: Annotated[Any, Meta(description="the terminal's answer, if it carried any")] = None
    sequence: Annotated[int | None, Meta(description="the number under which the terminal was asked; null if it was not")] = None
    attempts: Annotated[int, Meta(description="how often the terminal was asked")] = 0
    elapsed_ms: Annotated[int, Meta(description="from the command's arrival, in milliseconds")] = 0
    duplicate: Annotated[bool, Meta(description="true where an earlier response is repeated; left out otherwise")] = False

    def payload(self) -> bytes:
        """As JSON. What stands only where it says something is left out otherwise; sequence, attempts, elapsed_ms and time never are."""
        fields = {name: getattr(self, name) for name in _ORDER}
        shown = {name: value for name, value in fields.items() if not (name in LEFT_OUT and value is None)}
        if not self.duplicate:
            del shown["duplicate"]
        return msgspec.json.encode(shown)


LEFT_OUT = frozenset({"transaction", "code", "error", "result", "description", "data"})
"""Fields of a response that are left out where they say nothing."""
_ORDER = (
    "status",
    "command",
    "device_id",
    "transaction",
    "result",
    "description",
    "data",
    "code",
    "error",
    "sequence",
    "attempts",
    "elapsed_ms",
    "time",
    "duplicate",
)
