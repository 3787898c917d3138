"""The bridge's own requests: what an operator, a dashboard or Home Assistant asks of the bridge itself over MQTT."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType
from twisted.logger import Logger

from bridge.catalogue.checking import kind_of, strict
from bridge.catalogue.fields import plain
from bridge.errors import BridgeError, Invalid
from bridge.mqtt.commands import transaction_of
from bridge.mqtt.message import Message
from bridge.mqtt.topics import RequestTopic, Topics
from bridge.registry import RegistryAdmission
from bridge.registry.window import MAX_WINDOW_S
from bridge.relay.replies import Replies

_TRANSACTION = Meta(description="told back in the response; at most 128 characters")
Transaction = Annotated[Annotated[str, Meta(max_length=128)] | int | UnsetType, _TRANSACTION]

_REMOVE = (
    "Forget a terminal; if it comes back, it is a stranger. Nothing retained is left of it. What it reported before, and was told is safe, is"
    " published all the same."
)
_WINDOW = {"minimum": 0, "maximum": MAX_WINDOW_S}


class _Request(Struct, forbid_unknown_fields=True, kw_only=True):
    transaction: Transaction = UNSET


class PermitJoin(_Request):
    """Let in whoever registers within `time` seconds, 0 to 3600; 0 closes the window."""

    time: Annotated[int | float, Meta(description="seconds that the window stays open; 0 closes it", extra_json_schema=_WINDOW)]


class OfDevice(_Request):
    """What is asked about one terminal, by its serial."""

    id: Annotated[str, plain("the terminal's serial")]


class Approve(OfDevice):
    """Let a pending or blocked terminal in. `mac` says which is meant when it has come with more than one lately."""

    name: Annotated[str | UnsetType, plain("what to call it from now on")] = UNSET
    mac: Annotated[str | UnsetType, plain("which device is meant, where several have come with this serial")] = UNSET


class Rename(OfDevice):
    """Call a terminal something."""

    name: Annotated[str, plain("what to call it")]


class OfNothing(_Request):
    """A request that needs to say nothing more."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request the bridge understands: its fields, what it does in words, and what does it. `act` returns the response's data, or raises
    a BridgeError."""

    fields: type[_Request]
    summary: str
    act: Callable[[Any], Any]


class RequestRelay:
    """Answers requests, each exactly once."""

    log = Logger()

    def __init__(self, replies: Replies, topics: Topics, requests: dict[str, Request]) -> None:
        self._replies = replies
        self._topics = topics
        self._requests = requests

    def message(self, topic: RequestTopic, message: Message) -> None:
        """A message on a request topic. A border, like the commands': it is answered even if the bridge has a defect."""
        try:
            response = {"status": "ok", "data": self._answer(topic.name, _read(message))}
        except BridgeError as error:
            response = {"status": "error", "error": str(error)}
        except Exception:  # noqa: BLE001 - a border: see above
            self.log.failure("defect in request {name}", name=topic.name)
            response = {"status": "error", "error": "the bridge could not do it; its log says why"}
        transaction = transaction_of(message.payload)
        if transaction is not None:
            response["transaction"] = transaction
        self._replies.respond(message, self._topics.bridge_response(topic.name), msgspec.json.encode(response), self._topics)

    def _answer(self, name: str, value: dict[str, Any]) -> Any:
        request = self._requests.get(name)
        if request is None:
            raise Invalid("request", f"one of {', '.join(self._requests)}", name[:64])
        return request.act(strict(value, request.fields, ""))


def _read(message: Message) -> dict[str, Any]:
    if message.retain:
        raise Invalid("request", "a message without the retain flag", "a retained one")
    try:
        value = msgspec.json.decode(message.payload) if message.payload.strip() else {}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Invalid("payload", "JSON, or nothing", "something else") from None
    if not isinstance(value, dict):
        raise Invalid("payload", "a JSON object, or nothing", kind_of(value))
    return value


def rediscover_request(again: Callable[[], Any]) -> Request:
    """The request for discovery. `again` announces everything once more, and tells how much that is."""
    return Request(OfNothing, "Announce the bridge and its terminals to Home Assistant once more.", lambda _: again())


def admission_requests(
    admission: RegistryAdmission, permit_join_shown: Callable[[], Any], permit_join_changed: Callable[[], None]
) -> dict[str, Request]:
    """The requests about who may join. `permit_join_shown` gives the window as `<bridge>/info` shows it."""

    def permit_join(request: PermitJoin) -> Any:
        admission.permit_join(request.time)
        permit_join_changed()
        return permit_join_shown()

    def approve(request: Approve) -> Any:
        known = admission.approve(request.id, request.name or None, request.mac or None)
        return {"id": known.serial, "status": known.status}

    def block(request: OfDevice) -> Any:
        known = admission.block(request.id)
        return {"id": known.serial, "status": known.status}

    def remove(request: OfDevice) -> Any:
        return {"id": admission.remove(request.id).serial}

    def rename(request: Rename) -> Any:
        known = admission.rename(request.id, request.name)
        return {"id": known.serial, "name": known.name}

    return {
        "permit_join": Request(PermitJoin, "Let in whoever registers for a while, or close the window.", permit_join),
        "device/approve": Request(Approve, "Let a pending or blocked terminal in.", approve),
        "device/block": Request(OfDevice, "Keep a terminal out, and end its connection.", block),
        "device/remove": Request(OfDevice, _REMOVE, remove),
        "device/rename": Request(Rename, "Call a terminal something.", rename),
    }
