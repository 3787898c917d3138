"""The programs themselves, as an operator runs them: `twistd -n qyzn-bridge …` in a process of its own, with its output and its end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

from tests.integration.broker import LOOPBACK, free_port

ROOT = Path(__file__).parents[2]
TWISTD = "from twisted.scripts.twistd import run; run()"
READY = "qyzn-bridge ready"
PATIENCE_S = 15.0  # for a line that comes in a fraction of a second, on a busy machine
STOP_S = 8.0  # promised for SIGTERM


class Run:
    """One run of a program, in `directory` as its working directory, with its output line by line. It has to end with 0 when it is told to."""

    def __init__(self, directory: Path, command: Sequence[str], environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            command,
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
        )
        assert self._process.stdout is not None
        assert self._process.stderr is not None
        self._news = threading.Condition()
        self._lines: dict[str, list[str]] = {"out": [], "err": []}
        streams = {"out": self._process.stdout, "err": self._process.stderr}
        self._readers = [threading.Thread(target=self._read, args=(name, stream), daemon=True) for name, stream in streams.items()]
        for reader in self._readers:
            reader.start()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    @property
    def log(self) -> str:
        """What went to stdout so far."""
        return self._text("out")

    @property
    def errors(self) -> str:
        """What went to stderr so far."""
        return self._text("err")

    def line_with(self, part: str, nth: int = 1) -> str:
        """The `nth` line of the log with this in it, logged already or not. Fails when the program ends without one."""
        deadline = time.monotonic() + PATIENCE_S
        with self._news:
            while True:
                found = [line for line in self._lines["out"] if part in line]
                if len(found) >= nth:
                    return found[nth - 1]
                left_s = deadline - time.monotonic()
                is_over = not any(reader.is_alive() for reader in self._readers)
                assert left_s > 0, f"no line with {part!r} in:\n{self.log}{self.errors}"
                assert not is_over, f"it ended, without a line with {part!r}:\n{self.log}{self.errors}"
                self._news.wait(min(left_s, 0.5))

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def exit_code(self, within_s: float = PATIENCE_S) -> int:
        """Wait for the end, and for the last of the output."""
        code = self._process.wait(within_s)
        for reader in self._readers:
            reader.join(PATIENCE_S)
        return code

    def stop(self) -> None:
        """End it as a supervisor does; it has to exit with 0 in time. Nothing happens when it has ended."""
        if self.is_running:
            self.signal(signal.SIGTERM)
            code = self.exit_code(STOP_S)
            assert code == 0, f"exit code {code}:\n{self.log}{self.errors}"

    def kill(self) -> None:
        """End it at once, as the kernel does when memory is short."""
        self._process.kill()
        self.exit_code()

    def _read(self, name: str, stream: IO[str]) -> None:
        with stream:
            for line in stream:
                with self._news:
                    self._lines[name].append(line)
                    self._news.notify_all()

    def _text(self, name: str) -> str:
        return "".join(self._lines[name])


class Program(Run):
    """One run of a twistd plugin. `prelude` is Python that runs before twistd."""

    def __init__(
        self, directory: Path, plugin: str, options: Sequence[str], environment: Mapping[str, str] | None = None, prelude: str = ""
    ) -> None:
        command = [sys.executable, "-c", prelude + TWISTD, "-n", "--pidfile=", plugin, *options]
        super().__init__(directory, command, _clean_environment() | dict(environment or {}))


class Bridge(Program):
    """A bridge on a port of its own unless told otherwise; terminals connect to `terminal_port`. `toml` is its configuration file, if it is to have one."""

    def __init__(
        self,
        directory: Path,
        mqtt_url: str | None,
        options: Sequence[str] = ("--registration", "open"),
        *,
        toml: str = "",
        environment: Mapping[str, str] | None = None,
        prelude: str = "",
        terminal_port: int | None = None,
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.terminal_port = terminal_port or free_port()
        all_options = ["--listen", f"tcp:{self.terminal_port}:interface={LOOPBACK}", "--state-dir", str(directory / "state"), *options]
        if mqtt_url is not None:
            all_options += ["--mqtt", mqtt_url]
        if toml:
            (directory / "bridge.toml").write_text(toml)
            all_options += ["--config", str(directory / "bridge.toml")]
        super().__init__(directory, "qyzn-bridge", all_options, environment, prelude)

    def ready(self) -> str:
        """The line that says so; terminals can connect from then on."""
        return self.line_with(READY)


def messages(log: str) -> list[str]:
    """The log without its times and systems: what a person reads."""
    return [re.sub(r"^\S+ \[[^]]*\] ", "", line) for line in log.splitlines()]


def _clean_environment() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("QYZN_BRIDGE_") and name != "NOTIFY_SOCKET"}
    paths = [str(ROOT), *filter(None, [kept.get("PYTHONPATH")])]
    return kept | {"PYTHONPATH": os.pathsep.join(paths)}
