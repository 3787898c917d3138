"""Puts a command to a terminal: as one request or several, under the name that the terminal knows it by."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from msgspec.structs import replace

from bridge.catalogue import Command, CommandData, Result
from bridge.catalogue.message import Part
from bridge.catalogue.unknown import Unknown, put_back
from bridge.session.happenings import Answered, Failed
from bridge.terminal.happenings import Outcome
from bridge.terminal.protocol import TerminalProtocol
from bridge.wire import request_body


@dataclass(frozen=True, slots=True)
class Errand:
    """A checked command, on its way. `unknown` are fields that were let pass unchecked; the times are those of the monotonic clock."""

    command: Command
    data: CommandData
    unknown: Unknown
    over_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class End:
    """How an errand ended, and what the terminal said: the `data` of the response, before it is made fit to be shown."""

    outcome: Outcome
    data: Any = None


class Sending:
    """`seconds` is a monotonic clock."""

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._known_names: dict[tuple[str, str], str] = {}
        """Of commands that have two, by terminal and declared name: the one that it knew."""

    async def send(self, terminal: TerminalProtocol, errand: Errand) -> End:
        """How it ended. Of several requests the first that failed says how, and the data tells of all.

        A request to which nothing is answered ends the errand: what is left of it is not asked for.
        """
        requests = errand.data.requests()
        if is_one_request(errand.data):
            outcome = await self._ask(terminal, errand, put_back(errand.data.request_data(), errand.unknown))
            return End(outcome, outcome.data if isinstance(outcome, Answered) else None)
        parts, outcomes = [Part(each, None) for each in requests], list[Outcome]()
        for index, each in enumerate(requests):
            outcome = await self._ask(terminal, errand, each)
            outcomes.append(outcome)
            if isinstance(outcome, Failed):
                break
            parts[index] = Part(each, outcome.result, outcome.data)
        return End(_together(outcomes, _deciding(outcomes)), errand.data.combined(parts))

    async def _ask(self, terminal: TerminalProtocol, errand: Errand, data: Any) -> Outcome:
        """One request. A terminal that does not know its name (103) has done nothing, and is asked by the other name, if there is one."""
        key = (terminal.serial, errand.command.name)
        first, *others = self._names(errand.command, self._known_names.get(key))
        outcome = await self._request(terminal, errand, first, data)
        for name in others:
            if not (isinstance(outcome, Answered) and outcome.result == Result.NO_SUCH_COMMAND) or self._seconds() >= errand.expires_at:
                return outcome
            again = await self._request(terminal, errand, name, data)
            outcome = _together([outcome, again], again)
            if isinstance(outcome, Answered) and outcome.result != Result.NO_SUCH_COMMAND:
                self._known_names[key] = name
        return outcome

    @staticmethod
    def _names(command: Command, known: str | None) -> list[str]:
        names = [command.name] if command.other_name is None else [command.name, command.other_name]
        return sorted(names, key=lambda name: name != known)

    async def _request(self, terminal: TerminalProtocol, errand: Errand, name: str, data: Any) -> Outcome:
        now = self._seconds()
        return await terminal.request(
            name,
            request_body(name, data),
            version=errand.command.version,
            timeout_s=errand.over_at - now,
            answer_wait_s=errand.data.answer_wait_s(),
            expires_in_s=errand.expires_at - now,
            resend=not errand.command.door,
        )


def is_one_request(data: CommandData) -> bool:
    """Whether a command is one request, as most are."""
    return type(data).requests is CommandData.requests


def _deciding(outcomes: list[Outcome]) -> Outcome:
    """Of several requests, the first that failed, else the last."""
    return next((each for each in outcomes if isinstance(each, Failed) or each.result != Result.SUCCESS), outcomes[-1])


def _together(outcomes: list[Outcome], deciding: Outcome) -> Outcome:
    """The one that decides, with all of them counted."""
    attempts, elapsed_s = sum(each.attempts for each in outcomes), sum(each.elapsed_s for each in outcomes)
    return replace(deciding, attempts=attempts, elapsed_s=elapsed_s)
