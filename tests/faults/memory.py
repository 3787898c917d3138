"""How much memory a process has, as it goes."""

from __future__ import annotations

import threading
from pathlib import Path

EVERY_S = 0.1
_PAGE_KB = "VmRSS:"


def resident_mb(pid: int) -> float:
    """What it has in memory now, in MB. Raises OSError when it is gone, or there is no /proc."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(_PAGE_KB):
            return int(line.split()[1]) / 1024
    raise OSError("it has ended")


class Gauge:
    """The most that a process had, from `start` to `stop`."""

    def __init__(self, pid: int) -> None:
        self.peak_mb = self.start_mb = resident_mb(pid)
        self._pid = pid
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> float:
        """Returns the peak, in MB."""
        self._stopping.set()
        self._thread.join()
        return self.peak_mb

    def _run(self) -> None:
        while not self._stopping.wait(EVERY_S):
            self.peak_mb = max(self.peak_mb, resident_mb(self._pid))
