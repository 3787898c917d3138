"""How many people a terminal knows, as far as that is sure: by its answer to a command, until anything may have changed it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from bridge.catalogue import Command, Result
from bridge.catalogue.leniency import lenient
from bridge.catalogue.person import SyncPersonAnswer
from bridge.errors import Invalid
from bridge.relay.sending import End
from bridge.session.happenings import Answered


class Headcount:
    """`tell` is told what is known of a terminal now, None where nothing is. Only what is under way is kept here.

    The number is forgotten when a command that may change it is sent, and again when that ends, however it does: a terminal may carry out
    what it does not answer. A count that was under way meanwhile is not believed, for nobody knows which of the two came first.
    """

    def __init__(self, tell: Callable[[str, int | None], None]) -> None:
        self._tell = tell
        self._counts: dict[str, object] = {}
        """By terminal, the last count that is under way and still to be believed."""

    async def watch(self, device: str, command: Command, sending: Awaitable[End]) -> End:
        """How a command that is being sent to a terminal ends. Raises what `sending` does."""
        if command.people is None:
            return await sending
        if command.people != "counts":
            self._forget(device)
        count = object()
        if command.people != "changes":
            self._counts[device] = count
        known: int | None = None
        try:
            end = await sending
            known = _people_after(command, end)
            return end
        finally:
            self._ended(device, command, count, known)

    def _ended(self, device: str, command: Command, count: object, known: int | None) -> None:
        is_to_be_believed = self._counts.get(device) is count
        if is_to_be_believed:
            del self._counts[device]
        if command.people != "counts":
            self._forget(device)
        if is_to_be_believed and known is not None:
            self._tell(device, known)

    def _forget(self, device: str) -> None:
        self._counts.pop(device, None)
        self._tell(device, None)


def _people_after(command: Command, end: End) -> int | None:
    """What the end of a command says of the number; None where it says nothing."""
    if not isinstance(end.outcome, Answered) or end.outcome.result != Result.SUCCESS or command.people == "changes":
        return None
    if command.people == "clears":
        return 0
    try:
        answer, _ = lenient(end.data if isinstance(end.data, dict) else {}, SyncPersonAnswer, {})
    except Invalid:
        return None
    return answer.person_num if answer.person_num >= 0 else None
