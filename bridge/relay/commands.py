"""Commands in: what comes on a command topic is checked, sent to the terminal, and answered exactly once, whatever happens.

The contract's six rules against stale commands, and where they stand: (1) a retained command is refused, here, and the subscription
asks the broker for none; (2) clean start and session expiry 0, in the link; (3) `issued_at`, ttl and message expiry are checked on
arrival, here, and before each send, in the session; (4) a door command is sent once, here and in the session; (5) transactions, here;
(6) nothing is kept for a terminal that is away, here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Any, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.catalogue import COMMANDS, Command, CommandData, Result, result_name
from bridge.catalogue.message import DOOR_TTL_S
from bridge.errors import Invalid
from bridge.mqtt.commands import CommandRefused, Order, Response, read_order, transaction_of
from bridge.mqtt.message import Message, Publication
from bridge.mqtt.pictures import OVERHEAD_BYTES, PictureRules, depict
from bridge.mqtt.topics import CommandTopic, Topics
from bridge.relay.outlet import Outlet
from bridge.relay.replies import Replies
from bridge.relay.transactions import Transactions
from bridge.session.happenings import Answered, Failed
from bridge.terminal.protocol import Outcome, TerminalProtocol
from bridge.wire import request_body

T = TypeVar("T")

_FAILURES = {
    "timeout": "the terminal did not answer in time",
    "expired": "the command became stale before it could be sent again",
    "busy": "the terminal is busy",
    "superseded": "the connection to the terminal was lost or replaced before it answered",
}


class Terminals(Protocol):
    """What commands need to know of terminals."""

    def is_known(self, device: str) -> bool:
        """Whether this is a terminal of this bridge."""

    def find(self, device: str) -> TerminalProtocol | None:
        """Its connection, if it is there."""


@dataclass(frozen=True, slots=True)
class CommandRules:
    """What the configuration says about commands: those that are denied, the largest payload, and what becomes of pictures. A bridge that
    `shares` its base topic with others leaves terminals it does not know to them."""

    deny: frozenset[str] = frozenset()
    max_bytes: int = 8 * 1024 * 1024
    pictures: PictureRules = field(default_factory=PictureRules)
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
    command's data of what the caller gave, just before it is sent, or raises Invalid."""

    name: str
    check: Callable[[Any], CommandData]


@dataclass(slots=True)
class _Call:
    """One command message on its way through. `concludes`: it is the first of its transaction, whose answer is the one that counts."""

    topic: CommandTopic
    message: Message
    arrived_at: float
    started: float
    wish: Wish | None = None
    transaction: str | None = None
    concludes: bool = False

    @property
    def device(self) -> str:
        return self.topic.device

    @property
    def name(self) -> str:
        """What was asked for."""
        return self.topic.command if self.wish is None else self.wish.name


class CommandRelay:
    """Carries out commands. `wall` gives UNIX seconds, `seconds` is a monotonic clock, `local` gives a moment in a terminal's zone;
    `refused` is told of what the bridge itself refused."""

    log = Logger()

    def __init__(
        self,
        outlet: Outlet,
        replies: Replies,
        topics: Topics,
        rules: CommandRules,
        terminals: Terminals,
        *,
        wall: Callable[[], float],
        seconds: Callable[[], float],
        local: Callable[[float, str], datetime],
        refused: Callable[[Response], None],
        courses: Mapping[str, Course] | None = None,
    ) -> None:
        self._outlet = outlet
        self._replies = replies
        self._topics = topics
        self._rules = rules
        self._terminals = terminals
        self._wall = wall
        self._seconds = seconds
        self._local = local
        self._refused = refused
        self._courses = courses or {}
        self._transactions = Transactions()
        self.is_shutting_down = False

    def message(self, topic: CommandTopic, message: Message, wish: Wish | None = None) -> None:
        """A message on a command topic, or on the topic of a `wish` that becomes this command."""
        call = _Call(topic, message, self._wall(), self._seconds(), wish, transaction_of(message.payload))
        if self._rules.shares and not self._terminals.is_known(topic.device):
            return
        self._at_border(call, partial(self._carry_out, call))

    def _at_border(self, call: _Call, act: Callable[[], T]) -> T | None:
        """One of the two borders: a command is answered even if the bridge has a defect."""
        try:
            return act()
        except CommandRefused as refused:
            self._refuse(call, refused)
        except Invalid as error:
            self._refuse(call, CommandRefused("invalid", str(error)))
        except Exception:  # noqa: BLE001 - a border: see above
            self.log.failure("defect in command {command} for {device}", command=call.topic.command, device=call.device)
            self._refuse(call, CommandRefused("invalid", "the bridge could not make sense of it; its log says why"))
        return None

    def _carry_out(self, call: _Call) -> None:
        """Send the command, or raise why not."""
        if call.message.retain:
            raise CommandRefused("retained", "a retained command is never carried out: publish it without the retain flag")
        if len(call.message.payload) > self._rules.max_bytes:
            raise CommandRefused("too_large", f"{len(call.message.payload)} bytes are over the limit of {self._rules.max_bytes}")
        order = read_order(call.message.payload)
        if self._is_repeated(call, order):
            return
        self._send(call, order)

    def _is_repeated(self, call: _Call, order: Order) -> bool:
        """The fifth rule: the same transaction gets the same answer, and is not carried out again."""
        if order.transaction is None:
            return False
        what = (call.device, order.transaction)
        call.concludes = self._transactions.begin(*what, call.name, call.message.payload, call.started)
        if call.concludes:
            return False
        if not self._transactions.is_same(*what, call.name, call.message.payload):
            raise CommandRefused("duplicate", "the transaction was used for another command")
        self._transactions.repeat(*what, lambda response: self._publish(call, replace(response, duplicate=True)))
        return True

    def _send(self, call: _Call, order: Order) -> None:
        """Send it now, or on its course. What is wrong already is said at once."""
        command = self._command(call.topic.command)
        self._terminal(call.device)
        self._left_s(call, order, command)
        course = self._courses.get(command.name)
        if course is None:
            self._request(call, order)
        else:
            course.send(call.device, lambda: self._at_border(call, partial(self._request, call, order)))

    def _request(self, call: _Call, order: Order) -> Deferred[Exchange | None]:
        """Put it to the terminal. It may have waited for its turn: everything is looked at as it is now."""
        command = self._command(call.topic.command)
        terminal = self._terminal(call.device)
        left_s = self._left_s(call, order, command)
        data = self._check(call, order, command)
        waited_s = self._seconds() - call.started
        timeout_s = (order.timeout_s or command.timeout_s + data.answer_wait_s()) - waited_s
        if timeout_s <= 0:
            raise CommandRefused("timeout", f"its turn did not come within {waited_s:.1f} s")
        outcome = terminal.request(
            command.name,
            request_body(command.name, data),
            version=command.version,
            timeout_s=timeout_s,
            answer_wait_s=data.answer_wait_s(),
            expires_in_s=left_s,
            resend=not command.door,
        )
        return outcome.addCallback(self._concluded, call, command, data).addErrback(self._defect, call)

    def _left_s(self, call: _Call, order: Order, command: Command) -> float:
        """For how long it may still be sent."""
        default_ttl_s = DOOR_TTL_S if command.door else None
        left_s = order.expires_at(call.arrived_at, default_ttl_s, call.message.expiry_s) - call.arrived_at
        if left_s <= 0:
            raise CommandRefused("expired", f"the command was stale {-left_s:.1f} s before it arrived; are the clocks in step?")
        left_s -= self._seconds() - call.started
        if left_s <= 0:
            raise CommandRefused("expired", "the command became stale before its turn came")
        return left_s

    def _check(self, call: _Call, order: Order, command: Command) -> CommandData:
        if call.wish is not None:
            return call.wish.check(order.data)
        course = self._courses.get(command.name)
        return command.check(order.data) if course is None else course.check(call.device, order.data)

    def _command(self, name: str) -> Command:
        if self.is_shutting_down:
            raise CommandRefused("shutting_down", "the bridge is being stopped")
        command = COMMANDS.get(name)
        if command is None:
            raise CommandRefused("unknown_command", f"there is no command {name[:64]}; there are {', '.join(COMMANDS)}")
        if name in self._rules.deny:
            raise CommandRefused("forbidden", f"{name} is denied by the configuration (commands.deny)")
        return command

    def _terminal(self, device: str) -> TerminalProtocol:
        if not self._terminals.is_known(device):
            raise CommandRefused("device_unknown", f"there is no terminal {device}")
        terminal = self._terminals.find(device)
        if terminal is None:
            raise CommandRefused("device_offline", "the terminal is not connected; the command is not kept for it")
        return terminal

    def _concluded(self, outcome: Outcome, call: _Call, command: Command, data: CommandData) -> Exchange:
        response = self._response(call, outcome)
        if isinstance(outcome, Failed):
            response = replace(response, status="error", code=outcome.code, error=_FAILURES[outcome.code])
        elif outcome.result != Result.SUCCESS:
            response = replace(response, status="error", code="device_error", error=result_name(outcome.result))
        if isinstance(outcome, Answered):
            shown = self._pictures_out(call.device, command, data.shown_answer(outcome.data))
            response = replace(response, result=outcome.result, description=outcome.desc or None, data=shown or None)
        self._finish(call, response)
        return Exchange(data, outcome)

    def _pictures_out(self, device: str, command: Command, data: Any) -> Any:
        """Publish an answer's pictures; in its data, what is said of them takes their place."""
        if not isinstance(data, dict):
            return data
        for picture in command.answer_pictures:
            text = data.get(picture.attribute)
            if isinstance(text, str):
                topic = self._topics.image(device, picture.kind)
                depiction = depict(
                    text, picture.attribute, topic, self._rules.pictures.within(self._packet_bytes), (("device_id", device),)
                )
                data = {**data, **depiction.fields}
                if depiction.publication is not None:
                    self._replies.send(depiction.publication)
        return data

    @property
    def _packet_bytes(self) -> int | None:
        """The largest packet that the broker takes; None for any size."""
        limits = self._outlet.limits
        return limits.maximum_packet_bytes if limits else None

    def _response(self, call: _Call, outcome: Answered | Failed | None = None) -> Response:
        elapsed_s = self._seconds() - call.started
        return Response(
            command=call.topic.command,
            device_id=call.device,
            transaction=call.transaction,
            time=self._local(self._wall(), call.device).isoformat(timespec="milliseconds"),
            sequence=outcome.sequence or None if outcome else None,
            attempts=outcome.attempts if outcome else 0,
            elapsed_ms=round(elapsed_s * 1000),
        )

    def _refusal(self, call: _Call, refused: CommandRefused) -> Response:
        return replace(self._response(call), status="error", code=refused.code, error=str(refused))

    def _refuse(self, call: _Call, refused: CommandRefused) -> None:
        response = self._refusal(call, refused)
        self._refused(response)
        self._finish(call, response)

    def _defect(self, failure: Failure, call: _Call) -> None:
        self.log.failure("defect after command {command} for {device}", failure, command=call.topic.command, device=call.device)
        unread = CommandRefused("device_error", "the bridge could not read the answer; its log says why")
        self._finish(call, self._refusal(call, unread))

    def _finish(self, call: _Call, response: Response) -> None:
        self._publish(call, response)
        if call.concludes and call.transaction is not None:
            self._transactions.conclude(call.device, call.transaction, response)

    def _publish(self, call: _Call, response: Response) -> None:
        """On the response topic, and on the caller's own if it named one (MQTT 5)."""
        payload = self._payload(response)
        usual = self._topics.response(call.device, call.topic.command)
        correlation = call.message.correlation_data
        self._replies.send(Publication(usual, payload, content_type="application/json", correlation_data=correlation))
        wanted = call.message.response_topic
        if wanted and wanted != usual and self._topics.may_respond_on(wanted):
            self._replies.send(Publication(wanted, payload, content_type="application/json", correlation_data=correlation))

    def _payload(self, response: Response) -> bytes:
        """As JSON; without what the terminal said, where the broker would not take that."""
        payload = response.payload()
        packet_bytes = self._packet_bytes
        if packet_bytes is None or len(payload) <= packet_bytes - OVERHEAD_BYTES:
            return payload
        error = f"the answer, {len(payload)} bytes, is over what the broker takes, {packet_bytes}"
        return replace(response, status="error", code="too_large", error=error, description=None, data=None).payload()
