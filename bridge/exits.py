"""How the programs end: one line on stderr and a non-zero exit for what the operator can mend, zero after an ordered end."""

from __future__ import annotations

import atexit
import os
import signal
import sys
from collections.abc import Callable
from typing import Any, Final, NoReturn, TypeVar

from twisted.internet.error import ReactorNotRunning

import twisted
from bridge import __version__
from bridge.errors import AddressUnavailable, BridgeError, ConfigError

T = TypeVar("T")

FAILED: Final = 1
"""A supervisor does well to start the program again."""
MISCONFIGURED: Final = 78
"""EX_CONFIG of sysexits(3): starting it again is of no use before somebody has changed something."""


def or_exit(program: str, act: Callable[[], T]) -> T:
    """What `act` returns. A BridgeError becomes one line on stderr, and SystemExit with its exit code."""
    try:
        return act()
    except BridgeError as error:
        say(program, error)
        raise SystemExit(exit_code(error)) from None


def exit_code(error: BridgeError) -> int:
    """What a program that ends for this exits with."""
    return MISCONFIGURED if isinstance(error, ConfigError) and not isinstance(error, AddressUnavailable) else FAILED


def say(program: str, error: BridgeError) -> None:
    """One line on stderr, whatever the error's text holds. twistd has put a file-like logger in the place of sys.stderr."""
    stderr = sys.__stderr__ or sys.stderr
    stderr.write(f"{program}: {' '.join(str(error).split())}\n")
    stderr.flush()


def tell_version(program: str) -> NoReturn:
    """Print the version of the project, and of Twisted, and exit: what `--version` of a twistd plugin would not tell."""
    sys.stdout.write(f"{program} {__version__}, Twisted {twisted.__version__}\n")
    raise SystemExit(0)


def is_stderr_seen() -> bool:
    """Whether anybody may read what is written to stderr: not of a process that went into the background."""
    try:
        return not os.path.samestat(os.fstat((sys.__stderr__ or sys.stderr).fileno()), os.stat(os.devnull))  # noqa: PTH116 - of a number
    except (OSError, ValueError):
        return False


def end_well_on_signals(reactor: Any) -> None:
    """Let SIGINT and SIGTERM stop the reactor, and the process exit with 0. Twisted's own handlers let it die of the signal once all is
    stopped, which a supervisor takes for a crash. To be called once the reactor has installed its own."""

    stopping = False

    def stop(*_: object) -> None:
        nonlocal stopping
        if not stopping:
            stopping = True
            reactor.callFromThread(stop_reactor, reactor)

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)


def fail_at_exit(code: int) -> None:
    """The process is to exit with this code once it has run down: twistd itself always exits with 0."""

    def leave() -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)

    atexit.register(leave)


def stop_reactor(reactor: Any) -> None:
    """Stop it, unless it has been stopped."""
    try:
        reactor.stop()
    except ReactorNotRunning:
        return
