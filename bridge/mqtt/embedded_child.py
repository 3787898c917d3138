"""What the embedded broker's process does before it becomes mosquitto. Run as a script of its own, with nothing but the standard library.

It leaves a watcher beside mosquitto: a process that reads the pipe whose other end only the bridge holds. However the bridge dies, `kill -9`
included, the pipe ends, and the watcher ends mosquitto. Unlike Linux's parent-death signal this also works on macOS, and survives a change of user.
"""

from __future__ import annotations

import fcntl
import os
import signal
import sys
import time
from collections.abc import Sequence
from types import FrameType
from typing import NoReturn

LOCK_S = 5.0  # for the broker of a bridge that was killed: until it has saved what it keeps, and is gone
TERM_S = 2.0  # between SIGTERM and SIGKILL
POLL_S = 0.05
PIPE, STDOUT, STDERR = 0, 1, 2


def main(arguments: Sequence[str]) -> NoReturn:
    """Arguments: mosquitto's path, the directory it works in, its configuration file, and the user and group id to become ("-": stay)."""
    executable, directory, config_file, uid, gid = arguments
    os.setsid()  # Ctrl-C in a terminal reaches the bridge alone: mosquitto ends after it
    os.umask(0o077)
    os.chdir(directory)  # before the change of user: only its own directory has to be open to that user, none above it
    lock = lock_directory()
    if uid != "-":
        os.setgroups([])
        os.setgid(int(gid))
        os.setuid(int(uid))
    mosquitto = os.getpid()
    if os.fork() == 0:
        os.close(lock)
        watch(mosquitto)
        os._exit(0)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, PIPE)
    os.dup2(STDERR, STDOUT)
    os.execv(executable, [executable, "-c", config_file])  # noqa: S606 - this is what it is for


def lock_directory() -> int:
    """Hold the working directory for as long as mosquitto lives: two of them would write the same files.

    It is waited for, because a bridge that is started right after one was killed finds that one's mosquitto still saving. Returns
    the descriptor that holds the lock, which mosquitto inherits. TimeoutError: it is still held after LOCK_S.
    """
    directory = os.open(".", os.O_RDONLY)
    os.set_inheritable(directory, True)
    signal.signal(signal.SIGALRM, _time_is_up)
    signal.setitimer(signal.ITIMER_REAL, LOCK_S)
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
    except TimeoutError:
        raise
    except OSError:  # a file system without locks: nothing is lost but this protection
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0.0)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    return directory


def watch(mosquitto: int) -> None:
    """Return when mosquitto is gone, which it is soon after the pipe has ended. `mosquitto` is this process's parent."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, STDOUT)
    os.dup2(null, STDERR)  # the bridge sees the end of mosquitto's output when mosquitto ends
    while os.read(PIPE, 1024):
        pass
    _end(mosquitto, signal.SIGTERM)
    deadline = time.monotonic() + TERM_S
    while os.getppid() == mosquitto and time.monotonic() < deadline:
        time.sleep(POLL_S)  # noqa: TID251 - a parent's end can only be looked for
    _end(mosquitto, signal.SIGKILL)


def _end(mosquitto: int, number: signal.Signals) -> None:
    if os.getppid() == mosquitto:  # else it is gone, and its number may be another process's by now
        os.kill(mosquitto, number)


def _time_is_up(_number: int, _frame: FrameType | None) -> None:
    raise TimeoutError("another bridge's broker works in the same directory")


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as error:
        sys.exit(f"Error: {error.strerror or error}")
