"""Changes of the terminals' configuration: parts made whole, one change of a terminal at a time, and what they led to read back.

config_system sets whole groups, so a part is completed from the last known values. Two changes of one terminal at once could undo each
other: the second would be completed from values without the first, and a re-send could carry old values to the terminal last. So each
waits until the one before it is over, and its values are known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import msgspec
from twisted.internet.defer import Deferred
from twisted.logger import Logger

from bridge.catalogue import CommandData, Result
from bridge.catalogue.configuration import GROUPS, MASK, SETTABLE, ConfigSystem, GetConfigs, system_of
from bridge.catalogue.group import Group
from bridge.catalogue.unknown import Unknown, set_aside
from bridge.errors import Invalid
from bridge.mqtt.commands import CommandRefused
from bridge.mqtt.topics import ConfigSetTopic
from bridge.relay.calls import Course, Exchange, Request, Wish
from bridge.relay.config_reading import ConfigReading, groups_in
from bridge.relay.configuration import Configuration, Fields, Mark
from bridge.relay.turns import Start, Turns, start
from bridge.session.happenings import Answered
from bridge.terminal.protocol import TerminalProtocol

MOST_WAITING = 256
"""Changes of one terminal that wait for their turn; more are `busy`, as with any command."""
CHANGE = ConfigSystem.declaration.name
READ = GetConfigs.declaration.name


class ConfigSetting:
    """The course of config_system. `find` gives a terminal's connection, `civil_time` what its clock should show."""

    def __init__(
        self,
        configuration: Configuration,
        reading: ConfigReading,
        find: Callable[[str], TerminalProtocol | None],
        civil_time: Callable[[str], str],
        *,
        unknown_fields: bool = False,
    ) -> None:
        self._configuration = configuration
        self._reading = reading
        self._find = find
        self._civil_time = civil_time
        self._unknown_fields = unknown_fields
        self._turns: dict[str, Turns[Start]] = {}

    def wish(self, topic: ConfigSetTopic) -> Wish:
        """What a message on `config/<group>/set` asks for, as a command config_system."""
        return Wish(f"config/{topic.group}/set", partial(self._completed, topic.group), look=partial(self._part, topic.group))

    def courses(self) -> Mapping[str, Course]:
        """What becomes of commands that set or read the configuration."""
        return {CHANGE: self, READ: _Asking(self._configuration)}

    def check(self, device: str, data: Any) -> CommandData:
        """Whole groups. A secret that is masked stays what it is."""
        if isinstance(data, dict):
            data = {name: self._unmasked(device, name, fields) for name, fields in data.items()}
        return ConfigSystem.declaration.check(data)

    def send(self, device: str, request: Request) -> None:
        """When the changes before it are over."""
        turns = self._turns.setdefault(device, Turns(1, start))
        if turns.waiting >= MOST_WAITING:
            raise CommandRefused("busy", f"{MOST_WAITING} changes of this terminal's configuration are waiting already")
        turns.take(lambda: Deferred.fromCoroutine(self._change(device, request)))

    async def _change(self, device: str, request: Request) -> None:
        """Send it; then read what was changed, for the terminal has the last word. If it does not say, what was sent is believed."""
        sent = request()
        exchange = None if sent is None else await sent
        if exchange is None or exchange.outcome.attempts == 0:
            return
        groups: dict[str, Fields] = msgspec.to_builtins(exchange.data)
        self._configuration.changed(device, groups)
        terminal = self._find(device)
        found = set() if terminal is None else (await self._reading.read(terminal, list(groups)))[1]
        if isinstance(exchange.outcome, Answered) and exchange.outcome.result == Result.SUCCESS:
            unread = {name: (self._configuration.values(device, name) or {}) | groups[name] for name in groups if name not in found}
            self._configuration.learn(device, unread)

    def _part(self, name: str, data: Any) -> tuple[Group, Fields, Unknown]:
        """The group, what was given of it, checked, and fields that are let pass. Raises Invalid."""
        group = GROUPS.get(name)
        if group is None:
            raise Invalid("group", f"one of {', '.join(SETTABLE)}", name[:64])
        given, unknown = set_aside(data, group.part) if self._unknown_fields else (data, {})
        if unknown and not given and not group.read_only:
            return group, {}, unknown
        return group, group.check_part(given), unknown

    def _completed(self, name: str, device: str, data: Any) -> tuple[CommandData, Unknown]:
        """A part of a group, as config_system with the group whole. What was given is checked strictly; what the terminal said itself is
        sent back as it said it; so are fields that nobody here knows, where such are let pass. Raises Invalid."""
        group, part, unknown = self._part(name, data)
        known = self._configuration.values(device, name)
        declared = {each.name for each in group.fields} | set(group.aliases)
        undeclared: Unknown = {field: value for field, value in (known or {}).items() if field not in declared}
        kept = undeclared | unknown if self._unknown_fields else {}
        try:
            return system_of({name: group.complete(known or {}, part, self._civil_time(device))}), {name: kept} if kept else {}
        except Invalid as error:
            if known is None and name in self._configuration.lacking(device):
                raise Invalid(
                    error.path, f"a value, as the terminal does not seem to have {name} and cannot tell its own", "nothing"
                ) from None
            raise

    def _unmasked(self, device: str, name: str, fields: Any) -> Any:
        """A group as a caller gave it, with the secrets that are known in the place of their masks."""
        group = GROUPS.get(name)
        if group is None or not isinstance(fields, dict):
            return fields
        known = self._configuration.values(device, name) or {}
        return fields | {secret: known[secret] for secret in group.secrets if fields.get(secret) == MASK and secret in known}


class _Asking:
    """The course of get_configs: sent at once; what comes is learnt."""

    log = Logger()

    def __init__(self, configuration: Configuration) -> None:
        self._configuration = configuration

    def check(self, device: str, data: Any) -> CommandData:
        """As declared."""
        return GetConfigs.declaration.check(data)

    def send(self, device: str, request: Request) -> None:
        """Now."""
        mark = self._configuration.mark(device)
        sent = request()
        if sent is not None:
            sent.addCallback(self._learn, device, mark)
            sent.addErrback(lambda failure: self.log.failure("defect after reading the configuration of {device}", failure, device=device))

    def _learn(self, exchange: Exchange | None, device: str, mark: Mark) -> None:
        if exchange is not None and isinstance(exchange.data, GetConfigs):
            self._configuration.learn(device, groups_in(exchange.outcome, exchange.data.group_key), mark)
