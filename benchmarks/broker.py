"""The broker of a run: a mosquitto of its own, set as the bridge sets the one that it brings along."""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.processes import Program, free_port
from bridge.mqtt.mosquitto import Listener, config_text, find_mosquitto

PUBLISHED_BYTES = "$SYS/broker/publish/bytes/received"
"""How many bytes of payload were published to it since its start; told each second."""


class Broker:
    """On a free port. `start` and `stop` may be called again and again; sessions and their queues outlast that."""

    program: Program | None = None

    def __init__(self, directory: Path, cores: frozenset[int]) -> None:
        self.port = free_port()
        self._cores = cores
        self._directory = directory
        directory.mkdir(parents=True)
        self._config = directory / "mosquitto.conf"
        self._config.write_text("sys_interval 1\n" + config_text(Listener("127.0.0.1", self.port), as_root=os.geteuid() == 0))

    def start(self) -> None:
        """RuntimeError: it does not start."""
        self.program = Program("mosquitto", [find_mosquitto(), "-c", str(self._config)], self._directory, self._cores)
        self.program.wait_for_port(self.port)

    def stop(self) -> None:
        """Nothing happens when it was not started."""
        if self.program is not None:
            self.program.stop()

    def cpu_s(self) -> float:
        """What this run of it has used of the processor; 0 when it does not run."""
        return 0.0 if self.program is None else self.program.cpu_s()
