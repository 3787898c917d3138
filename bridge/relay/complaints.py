"""What strangers and terminals do that they should not: told in the log, with what to do about it, and on `<bridge>/event`; at once, and
then once in a while with how often. All of it is counted."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from math import inf
from typing import Any, Protocol

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

from bridge.relay.digest import Digest, Summary
from bridge.session.admission import RefusalKind, Refused
from bridge.terminal.limits import Full

EVERY_S = 60.0
REFUSALS_EVERY_S = 3600.0
"""A terminal that waits for approval asks every ten seconds, and was told of in full when it came first."""
SEVERAL = "several addresses"
FULL: dict[Full, str] = {
    "connections": (
        "there are as many connections as limits.connections allows: raise it if they are all terminals, otherwise find out who floods it"
    ),
    "connections_per_address": (
        "it has as many connections as limits.connections_per_address allows: raise it if so many terminals stand behind one address,"
        " or let the gateway tell theirs (a listener haproxy:…); otherwise it floods the bridge, or does not close its connections"
    ),
}
SLOWED = (
    "it sends faster than limits.frames_per_s or limits.bytes_per_s allows, and is read more slowly: raise them if it only catches up after"
    " it was away; otherwise it is defective, or not what it seems"
)


class Tell(Protocol):
    """Publishes an event of the bridge's own."""

    def __call__(self, kind: str, /, **data: Any) -> None: ...


@dataclass(frozen=True, slots=True)
class Complaint:
    """About whom, what it is in a few words, and why. `kind`: who was refused, and not let in; without one, the protocol was broken."""

    address: str
    serial: str | None
    what: str
    reason: str
    kind: RefusalKind | Full | None = None

    @property
    def sort(self) -> str:
        """The reason without what may be different each time, so that there are only so many of them."""
        return re.sub(r"\d+|:.*", "", self.reason)


class Complaints:
    """Keeps account of them and tells them. `counts`: how many there were since the start, by kind."""

    _log = Logger()

    def __init__(self, clock: IReactorTime, tell: Tell) -> None:
        self._clock = clock
        self._tell = tell
        self._news: Digest[Complaint] = Digest(EVERY_S)
        self._repetitions: Digest[Complaint] = Digest(REFUSALS_EVERY_S)
        self._timer: IDelayedCall | None = None
        self.counts: Counter[str] = Counter()

    def stop(self) -> None:
        """No more timers."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def turned_away(self, address: str, full: Full) -> None:
        """There was no place for a connection."""
        self._complain(full, Complaint(address, None, "turned away", FULL[full], full))

    def faulted(self, address: str, serial: str | None, reason: str) -> None:
        """The protocol was broken."""
        self._complain("faulted", Complaint(address, serial, "broke the protocol", reason))

    def slowed(self, address: str, serial: str | None, for_s: float) -> None:
        """A connection is not read for a while, since it is too fast."""
        self._complain("slowed", Complaint(address, serial, "is too fast", SLOWED), for_s)

    def rejected(self, address: str, refusal: Refused) -> None:
        """A register or login was refused."""
        self.counts[refusal.kind] += 1
        complaint = Complaint(address, refusal.serial, "refused", refusal.reason, refusal.kind)
        if refusal.repeated:
            self._repetitions.count(refusal.kind, (address, refusal.serial), complaint, self._clock.seconds())
            self._arm()
        else:
            self._say(complaint, 1)

    def _complain(self, group: str, complaint: Complaint, amount: float = 0.0) -> None:
        self.counts[group] += 1
        subject = (complaint.serial or complaint.address, complaint.sort)
        if self._news.note(group, subject, complaint, self._clock.seconds(), amount):
            self._say(complaint, 1)
        self._arm()

    def _arm(self) -> None:
        at = min(self._news.next_at(), self._repetitions.next_at())
        if self._timer is None and at < inf:
            self._timer = self._clock.callLater(max(0.0, at - self._clock.seconds()), self._sum_up)

    def _sum_up(self) -> None:
        self._timer = None
        for digest in (self._news, self._repetitions):
            for summary in digest.due(self._clock.seconds()):
                self._say_summary(summary, digest.every_s)
        self._arm()

    def _say_summary(self, summary: Summary[Complaint], every_s: float) -> None:
        about = replace(summary.last, address=SEVERAL, serial=None) if summary.is_several else summary.last
        often = f"for {summary.amount:.1f} s" if summary.amount else f"{summary.count} times more"
        self._say(about, summary.count, f", {often} in {every_s:g} s")

    def _say(self, about: Complaint, count: int, more: str = "") -> None:
        self._log.warn(
            "connection from {address} {what}{more}: {reason}"
            if about.kind in FULL
            else "terminal {device} at {address} {what}{more}: {reason}",
            device=about.serial or "not yet known",
            address=about.address,
            what=about.what,
            more=more,
            reason=about.reason,
        )
        if about.kind is None:
            self._tell("protocol_error", id=about.serial, address=about.address, reason=about.reason, count=count)
        elif about.kind != "pending":
            self._tell("auth_failed", id=about.serial, address=about.address, kind=about.kind, reason=about.reason, count=count)
