"""Runs a simulated terminal: it connects, recognises people, rings and scans at its intervals, and connects again when it was lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IDelayedCall, IReactorTime, IStreamClientEndpoint
from twisted.internet.protocol import Factory
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..catalogue.intercom import DeviceCallParam
from ..catalogue.qrcode import QrcodeData
from .backoff import Backoff
from .conversation import Conversation
from .happenings import Ended, Happening, LoggedIn, Registered, ToldToWait
from .identity import Credentials
from .manners import Manners
from .people import RESULT_WORDS
from .protocol import TerminalProtocol
from .rhythm import Rhythm
from .terminal import Terminal

_log = Logger("qyzn-terminal")
GOODBYE_S = 1.0
"""How long a logout may take before the connection is closed without."""


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the terminals of one run share. The reactor's seconds are monotonic; `save` keeps a terminal's credentials, by serial, and raises
    OSError; `every_s` is the time between two recognitions, `ring_s` between two calls of `flat`, `scan_s` between two codes, 0 for none."""

    reactor: IReactorTime
    endpoint: IStreamClientEndpoint
    save: Callable[[str, Credentials], None]
    manners: Manners
    every_s: float
    ring_s: float = 0.0
    scan_s: float = 0.0
    flat: str = "304"


class _QuietFactory(Factory):
    noisy = False


class TerminalService(Service):
    """One terminal, from start to stop. `start_after_s` lets many come one after the other."""

    def __init__(self, surroundings: Surroundings, terminal: Terminal, random: Random, start_after_s: float = 0.0) -> None:
        self._around = surroundings
        self._terminal = terminal
        self._random = random
        self._start_after_s = start_after_s
        self._backoff = Backoff(random)
        self._connecting: Deferred[Any] | None = None
        self._protocol: TerminalProtocol | None = None
        self._dial: IDelayedCall | None = None
        self._rhythms = [
            Rhythm(surroundings.reactor, every_s, act, random)
            for every_s, act in (
                (surroundings.every_s, self._somebody_comes),
                (surroundings.ring_s, self._somebody_rings),
                (surroundings.scan_s, self._somebody_scans),
            )
        ]
        self._gone: Deferred[None] | None = None
        self._said_away = False

    def startService(self) -> None:
        super().startService()
        self._connect_after(self._start_after_s)
        for rhythm in self._rhythms:
            rhythm.start()

    def stopService(self) -> Deferred[None]:
        """Log out and close, within GOODBYE_S. Never fails."""
        super().stopService()
        for rhythm in self._rhythms:
            rhythm.stop()
        if self._dial is not None and self._dial.active():
            self._dial.cancel()
        if self._connecting is not None:
            self._connecting.cancel()
        if self._protocol is None:
            return succeed(None)
        gone = self._gone = Deferred()
        too_late = self._around.reactor.callLater(GOODBYE_S, self._protocol.abort)
        gone.addCallback(lambda _: too_late.cancel() if too_late.active() else None)
        self._protocol.leave()
        return gone

    # The connection.

    def _connect_after(self, wait_s: float) -> None:
        self._dial = self._around.reactor.callLater(wait_s, self._connect)

    def _connect(self) -> None:
        self._connecting = connecting = self._around.endpoint.connect(_QuietFactory.forProtocol(self._new_protocol))
        connecting.addCallbacks(self._connected, self._failed)

    def _new_protocol(self) -> TerminalProtocol:
        return TerminalProtocol(self._around.reactor, self._opened, self._told, self._lost)

    def _opened(self, protocol: TerminalProtocol) -> Conversation:
        self._protocol = protocol
        self._said_away = False
        return Conversation(self._terminal, self._around.manners, self._around.reactor.seconds())

    def _connected(self, protocol: object) -> None:
        self._connecting = None

    def _failed(self, failure: Failure) -> None:
        """Nobody listens, perhaps. Said once, until a connection comes about."""
        self._connecting = None
        if not self.running:
            return
        if not self._said_away:
            self._said_away = True
            self._say("{serial} cannot connect, and keeps trying: {reason}", reason=failure.getErrorMessage())
        self._connect_after(self._backoff.next_s())

    def _lost(self, ended: Ended) -> None:
        self._protocol = None
        if not self.running:
            self._say("{serial} is gone: {reason}", reason=ended.reason)
            if self._gone is not None:
                self._gone.callback(None)
            return
        wait_s = max(self._backoff.next_s(), ended.wait_s)
        self._say("{serial} is disconnected ({reason}), connects again in {wait_s:.1f} s", reason=ended.reason, wait_s=wait_s)
        self._connect_after(wait_s)

    # What happens.

    def _told(self, happening: Happening) -> None:
        self._say(happening.words, **happening.shown)
        if isinstance(happening, Registered):
            self._keep(happening.credentials)
        elif isinstance(happening, LoggedIn | ToldToWait):
            self._backoff.reset()

    def _keep(self, credentials: Credentials) -> None:
        try:
            self._around.save(self._terminal.identity.serial, credentials)
        except OSError as error:
            self._say("{serial} cannot keep its credentials: {reason}", reason=error.strerror)

    def _somebody_comes(self) -> None:
        """A terminal that was never let in knows nobody, and keeps no records."""
        if self._terminal.credentials is None:
            return
        person, dropped = self._terminal.recognise()
        text = "{serial} recognises {person_id}: {result}"
        text += "" if self._terminal.settings.opens_itself else ", and leaves the door to the bridge"
        text += ", its store is full: {dropped} old record is dropped" if dropped else ""
        self._say(text, person_id=person.person_id or "nobody it knows", result=RESULT_WORDS[person.result], dropped=dropped)
        if self._protocol is not None:
            self._protocol.send_records()

    def _somebody_rings(self) -> None:
        if self._protocol is None or not self._protocol.may_ask:
            return
        asked = self._terminal.ring(self._around.flat)
        if asked is not None:
            self._say("{serial} rings at flat {flat}", flat=self._around.flat)
            self._protocol.ask(DeviceCallParam.declaration.name, asked)

    def _somebody_scans(self) -> None:
        if self._protocol is not None and self._protocol.may_ask:
            self._say("{serial} scans a code")
            self._protocol.ask(QrcodeData.declaration.name, self._terminal.scan())

    def _say(self, text: str, **fields: Any) -> None:
        _log.info(text, serial=self._terminal.identity.serial, **fields)
