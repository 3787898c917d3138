"""`python -m benchmarks run` measures, `python -m benchmarks compare A B` shows two results side by side."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from benchmarks.processes import Cores, allow_open_files
from benchmarks.scenarios import SCENARIOS
from benchmarks.systems import SYSTEMS


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--only", default="")
    parser.add_argument("--systems", default=",".join(SYSTEMS))
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--rounds", type=int, default=1)
    options = parser.parse_args()
    allow_open_files(4096)
    cores = Cores.of_machine()
    os.sched_setaffinity(0, cores.others)
    for scenario in SCENARIOS.values():
        if options.only and not scenario.name.startswith(options.only):
            continue
        for _ in range(options.rounds):
            for name in options.systems.split(","):
                with tempfile.TemporaryDirectory(prefix="qyzn-bench-") as directory:
                    metrics = scenario.run(SYSTEMS[name], Path(directory), cores, options.seconds)
                print(f"{scenario.name:16} {name:8}", *(f"{key}={value:.3f}" for key, value in metrics.items()), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
