"""A command message on its way through the bridge, and what decides its way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from twisted.internet.defer import Deferred

from bridge.catalogue import CommandData
from bridge.catalogue.unknown import Unknown
from bridge.mqtt.commands import Order, Transaction, read_order, read_raw_order
from bridge.mqtt.message import Message
from bridge.mqtt.pictures import PictureRules
from bridge.mqtt.topics import RAW, CommandTopic
from bridge.terminal.happenings import Outcome
from bridge.terminal.protocol import TerminalProtocol


class Terminals(Protocol):
    """What commands need to know of terminals."""

    def is_known(self, device: str) -> bool:
        """Whether this is a terminal of this bridge."""

    def find(self, device: str) -> TerminalProtocol | None:
        """Its connection, if it is there."""

    def online(self) -> list[str]:
        """Those that are there."""


@dataclass(frozen=True, slots=True)
class CommandRules:
    """What the configuration says about commands: those that are denied, whether `raw` ones and fields that the catalogue does not know are let
    pass, how many that may open a door a terminal is sent in ten seconds, the largest payload and the largest picture in it, what becomes of
    pictures in answers, and which fields of people are never published. A bridge that `shares` its base topic with others leaves terminals
    it does not know to them."""

    deny: frozenset[str] = frozenset()
    raw: bool = False
    door_per_10_s: int = 10
    unknown_fields: bool = False
    max_bytes: int = 8 * 1024 * 1024
    max_picture_bytes: int = 4 * 1024 * 1024
    pictures: PictureRules = field(default_factory=PictureRules)
    omit: frozenset[str] = frozenset()
    shares: bool = False


@dataclass(frozen=True, slots=True)
class Exchange:
    """A command that was sent, and how that ended."""

    data: CommandData
    outcome: Outcome


Request = Callable[[], "Deferred[Exchange | None] | None"]
"""Sends a command, or answers why not. None, at once or later: there is no exchange to speak of. Never fails."""


class Course(Protocol):
    """What becomes of the commands of one name, where that is more than sending them."""

    def check(self, device: str, data: Any) -> CommandData:
        """What a caller gave, as the command's data, just before it is sent. Raises Invalid."""

    def send(self, device: str, request: Request) -> None:
        """Call `request` once, now or when its turn comes. Raises CommandRefused if it is not to be called."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A command that was asked for on a topic of its own. `name` tells it from others of the same transaction; `check` makes the
    command's data for a terminal of what the caller gave, just before it is sent, with fields that are sent unchecked; `read` makes the order
    of the payload; `look` sees at once what is wrong with it whatever the terminal is like. All raise Invalid."""

    name: str
    check: Callable[[str, Any], tuple[CommandData, Unknown]]
    read: Callable[[bytes], Order] = read_order
    look: Callable[[Any], object] = lambda data: None


@dataclass(slots=True)
class Call:
    """One command message on its way through. It was read at `read_at` and arrived then or before; both are UNIX seconds, `started` is the
    moment of reading on the monotonic clock. `concludes`: it is the first of its transaction, whose answer is the one that counts."""

    topic: CommandTopic
    message: Message
    arrived_at: float
    read_at: float
    started: float
    wish: Wish | None = None
    transaction: Transaction | None = None
    concludes: bool = False

    @property
    def device(self) -> str:
        return self.topic.device

    @property
    def name(self) -> str:
        """What was asked for."""
        return self.topic.command if self.wish is None else self.wish.name

    def order(self) -> Order:
        """What the payload says, still unchecked. Raises Invalid."""
        if self.wish is not None:
            return self.wish.read(self.message.payload)
        return read_raw_order(self.message.payload) if self.topic.command == RAW else read_order(self.message.payload)
