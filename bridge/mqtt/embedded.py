"""The broker that starts inside: a real mosquitto as a child process, started again when it dies, and never left behind."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final

from twisted.application import service
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from bridge.errors import BridgeError, BrokerAway, ConfigError
from bridge.mqtt import embedded_child, mosquitto
from bridge.mqtt.mosquitto import Listener

FIRST_PAUSE_S: Final = 0.1  # before it is started again
LONGEST_PAUSE_S: Final = 10.0
GOOD_AFTER_S: Final = 10.0  # one that ran for so long is started again after FIRST_PAUSE_S
TERM_S: Final = 2.0  # between SIGTERM, on which it saves what it keeps, and SIGKILL
LINE_BYTES: Final = 8192  # of mosquitto's log; what is longer is cut

RUNNING: Final = re.compile(r"mosquitto version (\S+) running")  # written once it listens
# The bridge's secrets and NOTIFY_SOCKET (mosquitto would report readiness in the bridge's name) are not for it.
ENVIRONMENT: Final = ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TZ")


class EmbeddedBroker(service.Service):
    """mosquitto on one host and port, for MQTT 5 and 3.1.1. It keeps retained messages and sessions in `directory` (created, 0700).

    Stop it after everything that publishes: stopService ends it at once.
    """

    _log = Logger()

    def __init__(
        self,
        reactor: Any,
        host: str,
        port: int,
        directory: Path,
        *,
        random: Random,
        username: str | None = None,
        password: str | None = None,
        executable: str | None = None,
    ) -> None:
        """`reactor` spawns and is the clock (IReactorProcess, IReactorTime). `executable` replaces the mosquitto that is looked for.

        ConfigError: `host` is more than the loopback, and there is no user and password. With them, nobody else is let in, on any host.
        """
        self._reactor = reactor
        self._listener = Listener(host, port, username, password)
        self._directory = directory
        self._random = random
        self._executable = executable
        self._child: MosquittoProcess | None = None
        self._is_ready = False
        self._was_ready = False
        self._ready_since_s = 0.0
        self._pause_s = FIRST_PAUSE_S
        self._failure: BridgeError | None = BrokerAway("the embedded broker is not started")
        self._awaiting_ready: list[Deferred[None]] = []
        self._awaiting_end: list[Deferred[None]] = []
        self._restart: IDelayedCall | None = None
        self._kill: IDelayedCall | None = None

    @property
    def pid(self) -> int | None:
        """mosquitto's process id; None while it does not run."""
        return None if self._child is None or self._child.transport is None else self._child.transport.pid

    def ready(self) -> Deferred[None]:
        """Fires when it accepts connections: at once when it does now, else after the next start.

        Fails with ConfigError when it could not be started the first time (mosquitto is missing, the port in use, the directory not
        writable); such a broker is not tried again. Fails with BrokerAway when the service is stopped.
        """
        if self._failure is not None:
            return fail(self._failure)
        if self._is_ready:
            return succeed(None)
        waiting: Deferred[None] = Deferred(self._awaiting_ready.remove)
        self._awaiting_ready.append(waiting)
        return waiting

    def startService(self) -> None:
        super().startService()
        self._failure = None
        self._start()

    def stopService(self) -> Deferred[None]:
        """Fires when mosquitto has saved what it keeps and has ended; after TERM_S it is killed. Never fails."""
        super().stopService()
        _cancel(self._restart)
        self._fail(BrokerAway("the embedded broker was stopped"))
        if self._child is None:
            return succeed(None)
        if self._kill is None:
            self._child.signal("TERM")
            self._kill = self._reactor.callLater(TERM_S, self._child.signal, "KILL")
        ended: Deferred[None] = Deferred()
        self._awaiting_end.append(ended)
        return ended

    def _start(self) -> None:
        self._restart = None
        try:
            executable = self._executable or mosquitto.find_mosquitto()
            account = mosquitto.prepare(self._directory, self._listener)
            child = self._spawn(executable, account)
        except ConfigError as error:
            self._did_not_run(error)
        except OSError as error:
            self._did_not_run(
                ConfigError(mosquitto.WHERE, f"to write to {self._directory} and start mosquitto", error.strerror or str(error))
            )
        else:
            self._child = child

    def _spawn(self, executable: str, account: mosquitto.Account | None) -> MosquittoProcess:
        child = MosquittoProcess(self._line_received, self._ended)
        ids = ["-", "-"] if account is None else [str(account.uid), str(account.gid)]
        if account is None and os.geteuid() == 0:
            self._log.warn("embedded broker runs as root: there is no user {user} that its files can be given to", user=mosquitto.USER)
        arguments = [sys.executable, "-I", "-S", embedded_child.__file__, executable, str(self._directory), mosquitto.CONFIG_FILE, *ids]
        environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ} | {"LC_ALL": "C"}
        self._reactor.spawnProcess(child, sys.executable, arguments, environment)
        return child

    def _line_received(self, line: str) -> None:
        running = RUNNING.fullmatch(line)
        if line.startswith(("Error", "Warning")) and self._was_ready:  # before that, the last line goes into the ConfigError
            self._log.warn("mosquitto: {line}", line=line)
        if running is not None and not self._is_ready:
            self._became_ready(running[1])

    def _became_ready(self, version: str) -> None:
        self._is_ready = self._was_ready = True
        self._ready_since_s = self._reactor.seconds()
        where = {"host": self._listener.url_host, "port": self._listener.port}
        self._log.info("embedded broker listens on {host}:{port} (mosquitto {version})", version=version, **where)
        waiting, self._awaiting_ready = self._awaiting_ready, []
        for each in waiting:
            each.callback(None)

    def _ended(self, how: str, last_line: str) -> None:
        if self._is_ready and self._reactor.seconds() - self._ready_since_s >= GOOD_AFTER_S:
            self._pause_s = FIRST_PAUSE_S
        self._child, was_running, self._is_ready = None, self._is_ready, False
        _cancel(self._kill)
        self._kill = None
        if self.running:
            error = BrokerAway(how) if was_running else mosquitto.start_error(self._listener, last_line or how)
            self._did_not_run(error)
        ended, self._awaiting_end = self._awaiting_end, []
        for each in ended:
            each.callback(None)

    def _did_not_run(self, error: BridgeError) -> None:
        """For good when it never ran: the operator has to act. Later it is tried again for ever: terminals are served meanwhile."""
        if not self._was_ready:
            self._fail(error)
            return
        pause_s = self._pause_s if self._pause_s == FIRST_PAUSE_S else self._random.uniform(self._pause_s / 2, self._pause_s)
        self._pause_s = min(2 * self._pause_s, LONGEST_PAUSE_S)
        self._log.warn("embedded broker does not run ({reason}); started again in {pause_s:.1f} s", reason=str(error), pause_s=pause_s)
        self._restart = self._reactor.callLater(pause_s, self._start)

    def _fail(self, error: BridgeError) -> None:
        self._failure = error
        waiting, self._awaiting_ready = self._awaiting_ready, []
        for each in waiting:
            each.errback(error)


class MosquittoProcess(ProcessProtocol):
    """One run of mosquitto: tells each line that it writes, and once how it ended, with its last line."""

    def __init__(self, line_received: Callable[[str], None], ended: Callable[[str, str], None]) -> None:
        self._line_received = line_received
        self._ended = ended
        self._rest = b""
        self._last_line = ""

    def signal(self, name: str) -> None:
        """Send the signal, as in "TERM", unless it has ended already."""
        assert self.transport is not None
        with suppress(ProcessExitedAlready):
            self.transport.signalProcess(name)

    def errReceived(self, data: bytes) -> None:
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest[:LINE_BYTES]
        for line in lines:
            self._tell(line)

    def errConnectionLost(self) -> None:
        """mosquitto is going; the pipe to its watcher has to be closed before the process counts as ended."""
        assert self.transport is not None
        self._tell(self._rest)
        self.transport.closeStdin()

    def processEnded(self, reason: Failure) -> None:
        signal, code = getattr(reason.value, "signal", None), getattr(reason.value, "exitCode", None)
        self._ended(f"mosquitto ended with code {code}" if signal is None else f"mosquitto was ended by signal {signal}", self._last_line)

    def _tell(self, line: bytes) -> None:
        text = line[:LINE_BYTES].decode(errors="replace").strip()
        if text:
            self._last_line = text
            self._line_received(text)


def _cancel(timer: IDelayedCall | None) -> None:
    if timer is not None and timer.active():
        timer.cancel()
