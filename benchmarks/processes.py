"""What is measured, and what it needs: programs that run beside the load, each on its core, and what they have used. Linux only."""

from __future__ import annotations

import os
import re
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

ROOT = Path(__file__).parents[1]
START_S = 20.0
STOP_S = 10.0
LOOK_S = 0.01  # between two looks into a log
PAGE_BYTES = resource.getpagesize()


@dataclass(frozen=True, slots=True)
class Cores:
    """One core for what is measured, the others for the rest: the broker and the load. With a single core they share it."""

    measured: frozenset[int]
    others: frozenset[int]

    @classmethod
    def of_machine(cls) -> Self:
        """Of those that this process may use."""
        usable = sorted(os.sched_getaffinity(0))
        return cls(frozenset(usable[-1:]), frozenset(usable[:-1] or usable))

    @property
    def are_apart(self) -> bool:
        return not self.measured & self.others


class Program:
    """One run of a program in `directory`, on `cores`, from here to `stop`. Its output is kept in a file there."""

    def __init__(
        self, name: str, command: Sequence[str], directory: Path, cores: frozenset[int], environment: Mapping[str, str] | None = None
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.name = name
        self._log_file = directory / f"{name}.log"
        with self._log_file.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603 - programs of this project and its peers
                command,
                cwd=directory,
                env={**_clean_environment(), **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=lambda: os.sched_setaffinity(0, cores),  # noqa: PLW1509 - there are no threads here
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def log(self) -> str:
        return self._log_file.read_text(errors="replace")

    def wait_for_line(self, wanted: str) -> None:
        """Until its output has a line with this in it, a regular expression. Raises RuntimeError when it ends first, or takes too long."""
        deadline = time.monotonic() + START_S
        while not re.search(wanted, self.log):
            if not self.is_running or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self.log}")
            time.sleep(LOOK_S)  # noqa: TID251 - a file offers no event to wait for

    def wait_for_port(self, port: int) -> None:
        """Until it accepts connections. Raises RuntimeError as above."""
        deadline = time.monotonic() + START_S
        while True:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    return
            if not self.is_running or time.monotonic() > deadline:
                raise RuntimeError(f"{self.name} did not start:\n{self.log}")
            time.sleep(LOOK_S)  # noqa: TID251 - as above

    def stop(self) -> None:
        """As a supervisor does; killed when it does not end in time. Nothing happens when it has ended."""
        if self.is_running:
            self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def cpu_s(self) -> float:
        """What it has used of the processor, all its threads together; 0 when it has ended."""
        return 0.0 if not self.is_running else time.clock_gettime((~self.pid << 3) | _CPU_CLOCK_OF_PROCESS)

    def memory_bytes(self) -> int:
        """What it holds of the machine's memory."""
        return int(Path(f"/proc/{self.pid}/statm").read_text().split()[1]) * PAGE_BYTES


_CPU_CLOCK_OF_PROCESS = 2
"""As clock_getcpuclockid(3) makes it: Python has no name for it. It counts nanoseconds, /proc only hundredths of a second."""


def machine_cpu_s() -> float:
    """What all that runs here, and whoever else has the processor underneath, has used of it since the machine's start."""
    user, nice, system, _idle, _iowait, irq, softirq, stolen, *_ = Path("/proc/stat").read_text().splitlines()[0].split()[1:]
    return sum(map(int, (user, nice, system, irq, softirq, stolen))) / os.sysconf("SC_CLK_TCK")


def free_port() -> int:
    """A TCP port of the loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def allow_open_files(count: int) -> None:
    """For this process and those that it starts. Raises RuntimeError when the system does not allow so many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise RuntimeError(f"this takes {count} open files, and the system allows {hard}: see ulimit -Hn")
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def _clean_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QYZN_BRIDGE_") and name != "NOTIFY_SOCKET"}
    return kept | {"PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, [kept.get("PYTHONPATH")])])}
