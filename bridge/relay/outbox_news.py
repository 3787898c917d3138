"""What the outbox tells, in words for the log; and how it does, for `<bridge>/health`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from typing import Any

from twisted.logger import Logger

from bridge.outbox import Dropped, Failing, Outbox, Report, SetAside, Working

_log = Logger()


def tell(report: Report) -> None:
    """One line for what the operator should know."""
    _LINES[type(report)](report)


def _dropped(report: Dropped) -> None:
    _log.error(
        "the outbox dropped {events} events and {pictures} pictures ({cause}): they will never be published",
        events=report.events,
        pictures=report.pictures,
        cause=report.cause,
    )


def _set_aside(report: SetAside) -> None:
    _log.error(
        "the outbox was damaged ({reason}) and begins anew; {events} events are in {file}",
        reason=report.reason,
        events="an unknown number of" if report.events is None else report.events,
        file=str(report.moved_to),
    )


def _failing(report: Failing) -> None:
    _log.error("the outbox cannot be written, so terminals are not answered and keep their records: {reason}", reason=report.reason)


def _working(_: Working) -> None:
    _log.info("the outbox can be written again")


_LINES: dict[type[Any], Callable[[Any], None]] = {Dropped: _dropped, SetAside: _set_aside, Failing: _failing, Working: _working}


def health(outbox: Outbox) -> dict[str, Any]:
    """How it does: what waits, what was lost, why nothing can be written if so, and what is kept of what the broker has acknowledged."""
    counters = outbox.counters
    return {
        **asdict(outbox.size),
        "events_dropped": dict(counters.events_dropped),
        "pictures_dropped": dict(counters.pictures_dropped),
        "files_set_aside": counters.files_set_aside,
        "fault": outbox.fault,
        "copies": asdict(outbox.copies),
    }
