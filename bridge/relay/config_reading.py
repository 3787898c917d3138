"""Reads the terminals' configuration: all of it when a terminal has joined, and a part after that part was changed."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from heapq import heappop, heappush
from math import inf
from random import Random

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from bridge.catalogue import Result
from bridge.catalogue.configuration import GROUPS, GetConfigs, group_key
from bridge.relay.configuration import Configuration, Fields
from bridge.relay.outlet import Outlet
from bridge.relay.turns import Turns
from bridge.session.happenings import Answered, Failed
from bridge.terminal.happenings import Outcome
from bridge.terminal.protocol import TerminalProtocol
from bridge.wire import request_body

JITTER_S = 1.0
"""A terminal is read about within this after it joined: it often has more to say of itself first, and is rarely alone after a power cut."""
LOOK_S = 0.05
"""How often it is seen whose moment has come: a timer for each, where thousands join within a second, would cost more."""
MOST_AT_ONCE = 64
"""How many terminals are read at the same time, over the whole bridge."""
READ_S = 10.0
"""How long an answer may take. Less than for a command: nobody waits for it, and others wait for their turn."""
MOST_SILENCES = 3
"""After so many groups in a row without an answer the terminal is left in peace until it joins again."""

_LACKING = {Result.SUCCESS, Result.NO_SUCH_COMMAND, Result.NO_SUCH_OBJECT, Result.BAD_PARAMETER}
"""Answers, without the group that was asked for, of a terminal that does not have it."""


class ConfigReading:
    """Asks terminals for their groups, and has `configuration` learn them. `find` gives a terminal's connection."""

    def __init__(
        self,
        configuration: Configuration,
        outlet: Outlet,
        find: Callable[[str], TerminalProtocol | None],
        clock: IReactorTime,
        random: Random,
    ) -> None:
        self._configuration = configuration
        self._outlet = outlet
        self._find = find
        self._clock = clock
        self._random = random
        self._turns = Turns(MOST_AT_ONCE, self._begin)
        self._due: dict[str, float] = {}
        """When each that is to be read begins to wait for its turn; -inf once it does, as nearly all do when thousands have joined."""
        self._moments: list[tuple[float, str]] = []
        self._timer: IDelayedCall | None = None

    def joined(self, terminal: TerminalProtocol) -> None:
        """It is there: read all of it, soon."""
        serial = terminal.serial
        if serial not in self._due:
            moment = self._due[serial] = self._clock.seconds() + self._random.uniform(0.0, JITTER_S)
            heappush(self._moments, (moment, serial))
            self._look_later()

    def updated(self, terminal: TerminalProtocol) -> None:
        """It said more of itself. If it has been read as something else, it is read again."""
        assert terminal.identity is not None
        if self._configuration.firmware(terminal.serial) != terminal.identity.firmware:
            self.joined(terminal)

    def left(self, serial: str) -> None:
        """It is gone."""
        if self._due.get(serial, -inf) > -inf:
            del self._due[serial]
        if not self._due:
            self._look_no_more()

    def stop(self) -> None:
        """No more timers."""
        for serial in list(self._due):
            self.left(serial)
        self._look_no_more()

    async def read(self, terminal: TerminalProtocol, names: list[str]) -> tuple[Outcome, set[str]]:
        """Ask for these groups, and learn what comes. Returns how that ended, and which groups came. Never fails."""
        mark = self._configuration.mark(terminal.serial)
        declaration = GetConfigs.declaration
        body = request_body(declaration.name, GetConfigs(group_key=list(names)))
        outcome = await terminal.request(declaration.name, body, version=declaration.version, timeout_s=READ_S)
        found = groups_in(outcome, names)
        self._configuration.learn(terminal.serial, found, mark)
        return outcome, set(found)

    def _look_later(self) -> None:
        if self._timer is None and self._moments:
            self._timer = self._clock.callLater(LOOK_S, self._look)

    def _look(self) -> None:
        """Have those wait for their turn whose moment has come."""
        self._timer, now = None, self._clock.seconds()
        while self._moments and self._moments[0][0] <= now:
            moment, serial = heappop(self._moments)
            if self._due.get(serial) == moment:
                self._due[serial] = -inf
                self._turns.take(serial)
        self._look_later()

    def _look_no_more(self) -> None:
        self._moments.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin(self, serial: str) -> Deferred[None] | None:
        del self._due[serial]
        terminal = self._find(serial)
        return None if terminal is None else Deferred.fromCoroutine(self._read_all(terminal))

    async def _read_all(self, terminal: TerminalProtocol) -> None:
        """All groups in one request; those that do not come, one by one."""
        if self._outlet.congested:
            await self._outlet.when_drained()
        await self._configuration.when_told()
        assert terminal.identity is not None
        self._configuration.reading(terminal.serial, terminal.identity.firmware)
        lacking = self._configuration.lacking(terminal.serial)
        names = [name for name in GROUPS if name not in lacking]
        if not names:
            return
        outcome, found = await self.read(terminal, names)
        if not _is_gone(outcome):
            await self._read_singly(terminal, [name for name in names if name not in found])

    async def _read_singly(self, terminal: TerminalProtocol, names: Iterable[str]) -> None:
        """Find out which of these the terminal has."""
        silent: list[str] = []
        in_a_row = 0
        for name in names:
            outcome, found = await self.read(terminal, [name])
            if _is_gone(outcome):
                return
            if isinstance(outcome, Answered):
                in_a_row = 0
                if name not in found and outcome.result in _LACKING:
                    self._configuration.lacks(terminal.serial, [name])
                continue
            silent.append(name)
            in_a_row += 1
            if in_a_row == MOST_SILENCES:
                break
        await self._judge(terminal, silent)

    async def _judge(self, terminal: TerminalProtocol, silent: list[str]) -> None:
        """To have been silent about a group says something of a terminal that does answer otherwise, even now."""
        others = [name for name in GROUPS if name not in silent]
        if silent and isinstance((await self.read(terminal, others[:1]))[0], Answered):
            unknown = [name for name in silent if self._configuration.values(terminal.serial, name) is None]
            self._configuration.lacks(terminal.serial, unknown)


def _is_gone(outcome: Outcome) -> bool:
    """Whether it makes no sense to ask on: the connection is lost, or the terminal is too busy."""
    return isinstance(outcome, Failed) and outcome.code != "timeout"


def groups_in(outcome: Outcome, asked: list[str]) -> dict[str, Fields]:
    """The groups that a get_configs brought, in the catalogue's spelling. Each names itself; one that was asked for alone need not."""
    if not isinstance(outcome, Answered) or outcome.result != Result.SUCCESS:
        return {}
    said = outcome.data if isinstance(outcome.data, list) else [outcome.data]
    found: dict[str, Fields] = {}
    for each in said:
        if isinstance(each, dict) and each:
            name = group_key(each) or (asked[0] if len(asked) == len(said) == 1 else "")
            if name in GROUPS:
                values, extra = GROUPS[name].read(each)
                found[name] = extra | values
    return found
