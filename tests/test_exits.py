"""How a program ends: what it says, and with which exit code."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from twisted.internet.error import ReactorNotRunning

from bridge import __version__
from bridge.errors import AddressUnavailable, BridgeError, ConfigError, StorageFault
from bridge.exits import end_well_on_signals, or_exit, say, stop_reactor, tell_version

FAILED_LATER = "from bridge.exits import fail_at_exit; fail_at_exit(7); print('the last of the log')"


class Reactor:
    """As much of a reactor as can be stopped."""

    def __init__(self) -> None:
        self.stopped = 0
        self.calls: list[tuple[Any, ...]] = []

    def stop(self) -> None:
        if self.stopped:
            raise ReactorNotRunning
        self.stopped += 1

    def callFromThread(self, *call: Any) -> None:
        self.calls.append(call)

    def turn(self) -> None:
        calls, self.calls = self.calls, []
        for act, *arguments in calls:
            act(*arguments)


@pytest.fixture
def handlers() -> Iterator[None]:
    """What the test sets is taken back."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.getsignal(number) for number in numbers]
    yield
    for number, handler in zip(numbers, before, strict=True):
        signal.signal(number, handler)


def test_what_goes_well_is_returned(capfd: pytest.CaptureFixture[str]) -> None:
    assert or_exit("a-program", lambda: 7) == 7
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("error", "line", "code"),
    [
        (ConfigError("listen", "an endpoint", "nonsense"), "a-program: listen: expected an endpoint, got nonsense\n", 78),
        (AddressUnavailable("listen", "a free port"), "a-program: listen: expected a free port\n", 1),
        (StorageFault("the disk\nis\r\nfull"), "a-program: the disk is full\n", 1),
    ],
)
def test_our_errors_are_one_line_and_an_exit_code(error: BridgeError, line: str, code: int, capfd: pytest.CaptureFixture[str]) -> None:
    def act() -> None:
        raise error

    with pytest.raises(SystemExit) as ended:
        or_exit("a-program", act)
    assert ended.value.code == code
    assert capfd.readouterr() == ("", line)


def test_a_defect_is_none_of_ours(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(ZeroDivisionError):
        or_exit("a-program", lambda: 1 // 0)
    assert capfd.readouterr().err == ""


def test_the_version_is_the_projects(capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        tell_version("a-program")
    assert ended.value.code == 0
    assert capfd.readouterr().out.startswith(f"a-program {__version__}, Twisted ")


def test_say(capfd: pytest.CaptureFixture[str]) -> None:
    say("a-program", BridgeError("no  luck\n"))
    assert capfd.readouterr().err == "a-program: no luck\n"


@pytest.mark.usefixtures("handlers")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_stops_the_reactor_from_its_own_thread_and_once(number: signal.Signals) -> None:
    reactor = Reactor()
    end_well_on_signals(reactor)
    signal.raise_signal(number)
    assert reactor.stopped == 0, "not inside the signal's handler"
    signal.raise_signal(signal.SIGINT)
    signal.raise_signal(signal.SIGTERM)
    reactor.turn()
    assert reactor.stopped == 1


def test_a_reactor_that_has_stopped_may_be_stopped_again() -> None:
    reactor = Reactor()
    stop_reactor(reactor)
    stop_reactor(reactor)
    assert reactor.stopped == 1


def test_fail_at_exit_loses_nothing_that_was_printed() -> None:
    root = Path(__file__).parents[1]
    ended = subprocess.run([sys.executable, "-c", FAILED_LATER], capture_output=True, text=True, cwd=root, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "the last of the log\n", "")
