"""Commands in: what comes on a command topic is checked, sent to the terminal, and answered exactly once, whatever happens.

The contract's six rules against stale commands, and where they stand: (1) a retained command is refused, here, and the subscription
asks the broker for none; (2) clean start and session expiry 0, in the link; (3) `issued_at`, ttl and message expiry are checked on
arrival, here, and before each send, in the session; (4) a door command is sent once, here and in the session; (5) transactions, here;
(6) nothing is kept for a terminal that is away, here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.catalogue import COMMANDS, Command, CommandData, Result, result_name
from bridge.catalogue.checking import below
from bridge.catalogue.jpeg import check_picture_sizes
from bridge.catalogue.message import DOOR_TTL_S
from bridge.catalogue.raw import RawData
from bridge.catalogue.unknown import Unknown, set_aside
from bridge.errors import Invalid
from bridge.mqtt.commands import CommandRefused, Order, Response, transaction_of
from bridge.mqtt.message import Message
from bridge.mqtt.pictures import OVERHEAD_BYTES, depict
from bridge.mqtt.privacy import hidden_in_answers, without
from bridge.mqtt.topics import ALL, CommandTopic, Topics
from bridge.relay.calls import Call, CommandRules, Course, Exchange, Terminals, Wish
from bridge.relay.headcount import Headcount
from bridge.relay.outlet import Outlet
from bridge.relay.permission import Permission
from bridge.relay.replies import Replies
from bridge.relay.sending import End, Errand, Sending, is_one_request
from bridge.relay.transactions import Transactions
from bridge.relay.turns import Start, Turns, start
from bridge.session.happenings import Answered, Failed
from bridge.terminal.protocol import TerminalProtocol

T = TypeVar("T")
MOST_FOR_ALL = 64
"""Of a command for all terminals, how many are carried out at once."""

_FAILURES = {
    "timeout": "the terminal did not answer in time",
    "expired": "the command became stale before it could be sent again",
    "busy": "the terminal is busy",
    "superseded": "the connection to the terminal was lost or replaced before it answered",
}


def _stray(_: object) -> Any:
    raise Invalid("topic", "…/command/<name>, or …/command/add_face/<personId>/<faceId>", "other levels behind command")


STRAY = Wish("a topic that is no command's", lambda _, data: _stray(data), _stray)
"""What is asked for on a command topic with levels too many or too few: nothing that there is, which is to be said."""


class CommandRelay:
    """Carries out commands. `wall` gives UNIX seconds, `arrived_at` those at which what is read now may have arrived, `seconds` is a monotonic
    clock, `local` gives a moment in a terminal's zone; `refused` is told of what the bridge itself refused, `headcount` watches what
    may change how many people a terminal knows."""

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
        arrived_at: Callable[[], float],
        seconds: Callable[[], float],
        local: Callable[[float, str], datetime],
        refused: Callable[[Response], None],
        headcount: Headcount,
        courses: Mapping[str, Course] | None = None,
    ) -> None:
        self._outlet = outlet
        self._replies = replies
        self._topics = topics
        self._rules = rules
        self._terminals = terminals
        self._wall = wall
        self._arrived_at = arrived_at
        self._seconds = seconds
        self._local = local
        self._refused = refused
        self._headcount = headcount
        self._courses = courses or {}
        self._permission = Permission(rules, seconds)
        self._transactions = Transactions()
        self._sending = Sending(seconds)
        self._for_all_running: list[Turns[Start]] = []
        self.is_shutting_down = False

    def message(self, topic: CommandTopic, message: Message, wish: Wish | None = None) -> None:
        """A message on a command topic, or on the topic of a `wish` that becomes this command."""
        call = Call(topic, message, self._arrived_at(), self._wall(), self._seconds(), wish, transaction_of(message.payload))
        if topic.device == ALL:
            self._for_all(call)
        elif not self._rules.shares or self._terminals.is_known(topic.device):
            self._at_border(call, partial(self._carry_out, call))

    def _for_all(self, call: Call) -> None:
        """The same for every terminal online, a few at a time; each has its own response. Without any, there is one all the same, unless
        another bridge may have some. No such command waits for another, and none that opens doors waits at all: there may be a fire."""
        devices = self._terminals.online()
        self._for_all_running = [each for each in self._for_all_running if not each.is_idle]
        if not devices and not self._rules.shares:
            self._refuse(call, CommandRefused("device_offline", "no terminal is connected"))
        elif len(self._for_all_running) >= MOST_FOR_ALL:
            self._refuse(call, CommandRefused("busy", f"{MOST_FOR_ALL} commands for all terminals are under way already"))
        else:
            command = COMMANDS.get(call.topic.command)
            turns = Turns(len(devices) if command is not None and command.door else MOST_FOR_ALL, start)
            self._for_all_running.append(turns)
            for device in devices:
                each = replace(call, topic=replace(call.topic, device=device))
                turns.take(partial(self._at_border, each, partial(self._carry_out, each)))

    def _at_border(self, call: Call, act: Callable[[], T]) -> T | None:
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

    def _carry_out(self, call: Call) -> Deferred[Exchange | None] | None:
        """Send the command, or raise why not. Fires when it has its answer; None where that is not to be waited for."""
        if call.message.retain:
            raise CommandRefused("retained", "a retained command is never carried out: publish it without the retain flag")
        if len(call.message.payload) > self._rules.max_bytes:
            raise CommandRefused("too_large", f"{len(call.message.payload)} bytes are over the limit of {self._rules.max_bytes}")
        if not self._terminals.is_known(call.device):
            raise CommandRefused("device_unknown", f"there is no terminal {call.device}")
        order = call.order()
        return None if self._is_repeated(call, order) else self._send(call, order)

    def _is_repeated(self, call: Call, order: Order) -> bool:
        """The fifth rule: the same transaction gets the same answer, and is not carried out again."""
        if order.transaction is None:
            return False
        what = (call.device, order.transaction)
        asked = (call.name, [order.message, order.data])
        call.concludes = self._transactions.begin(*what, *asked, call.started)
        if call.concludes:
            return False
        if not self._transactions.is_same(*what, *asked):
            raise CommandRefused("duplicate", "the transaction was used for another command")
        self._transactions.repeat(
            *what, lambda response: self._publish(call, replace(response, duplicate=True, transaction=call.transaction))
        )
        return True

    def _send(self, call: Call, order: Order) -> Deferred[Exchange | None] | None:
        """Send it now, or on its course. What is wrong already is said at once."""
        command = self._command(call, order)
        self._terminal(call.device)
        self._left_s(call, order, command)
        self._see_whether_cleared(call, command)
        if call.wish is not None:
            call.wish.look(order.data)
        course = self._courses.get(call.topic.command)
        if course is None:
            return self._request(call, order)
        course.send(call.device, lambda: self._at_border(call, partial(self._request, call, order)))
        return None

    def _see_whether_cleared(self, call: Call, command: Command) -> None:
        """On MQTT 3.1.1 nobody can tell an empty command from the clearing of a retained one, which must open no door."""
        limits = self._outlet.limits
        if command.door and not call.message.payload.strip() and limits is not None and limits.protocol == "3.1.1":
            raise Invalid("payload", "{} or more, since on MQTT 3.1.1 an empty message may be the clearing of a retained one", "nothing")

    def _request(self, call: Call, order: Order) -> Deferred[Exchange | None]:
        """Put it to the terminal. It may have waited for its turn: everything is looked at as it is now."""
        command = self._command(call, order)
        terminal = self._terminal(call.device)
        left_s = self._left_s(call, order, command)
        data, unknown = self._check(call, order, command)
        waited_s = self._seconds() - call.started
        timeout_s = (order.timeout_s or command.timeout_s + data.answer_wait_s()) - waited_s
        if timeout_s <= 0:
            raise CommandRefused("timeout", f"its turn did not come within {waited_s:.1f} s")
        self._permission.spend(call.device, command)
        now = self._seconds()
        errand = Errand(command, data, unknown, now + timeout_s, now + left_s)
        sending = self._headcount.watch(call.device, command, self._sending.send(terminal, errand))
        end: Deferred[Any] = Deferred.fromCoroutine(sending)
        return end.addCallback(self._concluded, call, command, data).addErrback(self._defect, call)

    def _left_s(self, call: Call, order: Order, command: Command) -> float:
        """For how long it may still be sent."""
        default_ttl_s = DOOR_TTL_S if command.door else None
        left_s = order.expires_at(call.arrived_at, default_ttl_s, call.message.expiry_s) - call.read_at
        if left_s <= 0:
            raise CommandRefused("expired", f"the command was stale {abs(left_s):.1f} s before it was read; are the clocks in step?")
        left_s -= self._seconds() - call.started
        if left_s <= 0:
            raise CommandRefused("expired", "the command became stale before its turn came")
        return left_s

    def _check(self, call: Call, order: Order, command: Command) -> tuple[CommandData, Unknown]:
        """The command's data, checked, and the fields that are let pass unchecked."""
        given: Any = order.data
        if order.message is not None:
            return RawData(data=given), {}
        unknown: Unknown = {}
        if self._rules.unknown_fields and call.wish is None:
            given, unknown = set_aside(given, command.data)
        if call.wish is not None:
            data, unknown = call.wish.check(call.device, given)
        else:
            course = self._courses.get(call.topic.command)
            data = command.check(given) if course is None else course.check(call.device, given)
        if unknown and not is_one_request(data):
            raise Invalid(below("data", str(next(iter(unknown)))), "a field that is known, since this takes several requests")
        check_picture_sizes(data, self._rules.max_picture_bytes)
        return data, unknown

    def _command(self, call: Call, order: Order) -> Command:
        if self.is_shutting_down:
            raise CommandRefused("shutting_down", "the bridge is being stopped")
        return self._permission.command(call.topic.command, order)

    def _terminal(self, device: str) -> TerminalProtocol:
        terminal = self._terminals.find(device) if self._terminals.is_known(device) else None
        if terminal is None:
            raise CommandRefused("device_offline", "the terminal is not connected; the command is not kept for it")
        return terminal

    def _concluded(self, end: End, call: Call, command: Command, data: CommandData) -> Exchange:
        outcome = end.outcome
        response = replace(self._response(call, outcome), data=self._shown(call.device, command, data.shown_answer(end.data)) or None)
        if isinstance(outcome, Failed):
            response = replace(response, status="error", code=outcome.code, error=_FAILURES[outcome.code])
        elif outcome.result != Result.SUCCESS:
            response = replace(response, status="error", code="device_error", error=result_name(outcome.result))
        if isinstance(outcome, Answered):
            response = replace(response, result=outcome.result, description=outcome.desc or None)
        self._finish(call, response)
        return Exchange(data, outcome)

    def _shown(self, device: str, command: Command, data: Any) -> Any:
        """An answer as it is published: its pictures elsewhere, and without what is kept from the broker."""
        return without(self._pictures_out(device, command, data), hidden_in_answers(command.answer, self._rules.omit))

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

    def _response(self, call: Call, outcome: Answered | Failed | None = None) -> Response:
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

    def _refusal(self, call: Call, refused: CommandRefused) -> Response:
        return replace(self._response(call), status="error", code=refused.code, error=str(refused))

    def _refuse(self, call: Call, refused: CommandRefused) -> None:
        response = self._refusal(call, refused)
        self._refused(response)
        self._finish(call, response)

    def _defect(self, failure: Failure, call: Call) -> None:
        self.log.failure("defect after command {command} for {device}", failure, command=call.topic.command, device=call.device)
        unread = CommandRefused("device_error", "the bridge could not read the answer; its log says why")
        self._finish(call, self._refusal(call, unread))

    def _finish(self, call: Call, response: Response) -> None:
        self._publish(call, response)
        if call.concludes and call.transaction is not None:
            self._transactions.conclude(call.device, str(call.transaction), response)

    def _publish(self, call: Call, response: Response) -> None:
        """On the response topic, and on the caller's own if it named one (MQTT 5)."""
        usual = self._topics.response(call.device, call.topic.command)
        self._replies.respond(call.message, usual, self._payload(response), self._topics)

    def _payload(self, response: Response) -> bytes:
        """As JSON; without what the terminal said, where the broker would not take that."""
        payload = response.payload()
        packet_bytes = self._packet_bytes
        if packet_bytes is None or len(payload) <= packet_bytes - OVERHEAD_BYTES:
            return payload
        error = f"the answer, {len(payload)} bytes, is over what the broker takes, {packet_bytes}"
        return replace(response, status="error", code="too_large", error=error, description=None, data=None).payload()
