"""Which command is meant, and whether the configuration lets it be carried out, now."""

from __future__ import annotations

import math
from collections.abc import Callable

from bridge.catalogue import COMMANDS, Command
from bridge.catalogue.raw import raw_command
from bridge.mqtt.commands import CommandRefused, Order
from bridge.mqtt.topics import RAW
from bridge.relay.calls import CommandRules
from bridge.relay.rate import Rate

DOOR_PERIOD_S = 10.0
"""`door_per_10_s` counts within this."""


class Permission:
    """`seconds` is a monotonic clock."""

    def __init__(self, rules: CommandRules, seconds: Callable[[], float]) -> None:
        self._rules = rules
        self._seconds = seconds
        self._denied = frozenset(spelling.casefold() for name in rules.deny for spelling in _names(name))
        self._doors = Rate(rules.door_per_10_s, DOOR_PERIOD_S)

    def command(self, name: str, order: Order) -> Command:
        """The command that was asked for on a topic of this name. Raises CommandRefused."""
        if name == RAW:
            return self._raw(order)
        command = COMMANDS.get(name)
        if command is None:
            raise CommandRefused("unknown_command", f"there is no command {name[:64]}; there are {', '.join(COMMANDS)}")
        self._see_whether_denied(name)
        return command

    def spend(self, device: str, command: Command) -> None:
        """A command is to be sent to this terminal now. Raises CommandRefused when there were too many that may open a door."""
        if not command.door:
            return
        wait_s = self._doors.take(device, self._seconds())
        if wait_s > 0:
            most, wait_s = self._rules.door_per_10_s, math.ceil(wait_s * 10) / 10
            reason = f"{most} door commands in {DOOR_PERIOD_S:g} s are the limit (commands.door_per_10_s); try again in {wait_s:g} s"
            raise CommandRefused("rate_limited", reason)

    def _raw(self, order: Order) -> Command:
        """The message that is named inside. A denied one is denied by each name, and in any case, that a terminal may know it by."""
        if not self._rules.raw:
            raise CommandRefused("forbidden", f"{RAW} is not allowed by the configuration (commands.raw)")
        assert order.message is not None
        self._see_whether_denied(order.message)
        return raw_command(order.message, COMMANDS)

    def _see_whether_denied(self, name: str) -> None:
        if name.casefold() in self._denied:
            raise CommandRefused("forbidden", f"{name} is denied by the configuration (commands.deny)")


def _names(name: str) -> set[str]:
    """All that a terminal may know a command by."""
    command = COMMANDS.get(name)
    return {name, command.other_name} if command is not None and command.other_name is not None else {name}
