"""`python -m benchmarks run` measures, `… compare A B` shows two results side by side, `… show A` one, `… inside` looks into one process."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import msgspec

from benchmarks import results
from benchmarks.crowd import Refused
from benchmarks.expectations import disappointments
from benchmarks.inside import functions, inside
from benchmarks.inside import report as report_inside
from benchmarks.processes import Cores
from benchmarks.running import run
from benchmarks.scenarios import FORMS
from benchmarks.site import Mismatch
from benchmarks.systems import BRIDGE, SYSTEMS, System
from benchmarks.table import comparison, noise, report

ATTEMPTS = 2
"""A run that is judged may have been disturbed by something else on the machine, but not twice."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns the exit code: 1 when a run failed, or did not come up to what the smoke run expects."""
    options = _parser().parse_args(arguments)
    try:
        code: int = options.do(options)
    except Mismatch as error:
        print(f"FAILED, what was answered is not what was published: {error}", *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return 1
    except (Refused, TimeoutError, ConnectionError, RuntimeError) as error:
        print(f"FAILED: {error}", *getattr(error, "__notes__", ()), sep="\n", file=sys.stderr)
        return 1
    except (OSError, msgspec.DecodeError, ValueError) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 2
    return code


def _run(options: argparse.Namespace) -> int:
    form = FORMS[options.form]
    scenarios = form.scenarios(options.only.split())
    systems = _systems(options.systems.split() or [BRIDGE, *(form.peers or SYSTEMS)])
    cores = Cores.of_machine()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was started is stopped on the way out
    os.sched_setaffinity(0, cores.others)
    for _ in range(ATTEMPTS if form.is_judged else 1):
        started = time.monotonic()
        rows = run(scenarios, systems, options.rounds or form.rounds, cores, lambda line: print(line, file=sys.stderr, flush=True))
        found = results.of(rows, options.form, cores, {system.name: system.version() for system in systems if system.name != BRIDGE})
        print(*report(found), sep="\n")
        print(f"{time.monotonic() - started:.0f} s; {noise(found)}; what was answered was published, once. {results.write(found)}")
        unmet = disappointments(found) if form.is_judged else []
        if not unmet:
            return 0
        print(*unmet, sep="\n", file=sys.stderr)
    return 1


def _systems(names: Sequence[str]) -> list[System]:
    """Those of them that this machine has; says what is left out, and why."""
    found = []
    for name in dict.fromkeys(names):
        if name not in SYSTEMS:
            raise ValueError(f"no system is named {name}; there are {', '.join(SYSTEMS)}")
        lacking = SYSTEMS[name].missing()
        if lacking is None:
            found.append(SYSTEMS[name])
        else:
            print(f"left out: {SYSTEMS[name].title}. {lacking}", file=sys.stderr)
    return found


def _compare(options: argparse.Namespace) -> int:
    paths = [Path(each) for each in options.results] or results.latest(2)
    if len(paths) != 2:
        raise ValueError("two results are compared: name them, or run the benchmark twice")
    print(*comparison(*map(results.read, paths)), sep="\n")
    return 0


def _show(options: argparse.Namespace) -> int:
    for path in [Path(each) for each in options.results] or results.latest(1):
        print(*report(results.read(path)), sep="\n")
    return 0


def _inside(options: argparse.Namespace) -> int:
    for kb in options.kb.split() or ("0", "50"):
        found = inside(1000 * int(kb))
        print(f"An event with {kb} KB of picture", "", *report_inside(found), *(functions(found) if options.profile else ()), "", sep="\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="run | compare | show | inside")
    running = commands.add_parser("run", help="measure")
    running.add_argument("--form", choices=list(FORMS), default="full")
    running.add_argument("--only", default="", help="what the names of scenarios begin with, as in 'closed-100 idle'")
    running.add_argument("--systems", default="", help="as in 'bridge aiomqtt'")
    running.add_argument("--rounds", type=int, default=0)
    running.set_defaults(do=_run)
    for name, do, text in (("compare", _compare, "two results side by side"), ("show", _show, "a result as a table")):
        command = commands.add_parser(name, help=f"{text}; the last ones unless told otherwise")
        command.add_argument("results", nargs="*")
        command.set_defaults(do=do)
    looking = commands.add_parser("inside", help="what an event costs in the bridge's process alone, without sockets")
    looking.add_argument("--kb", default="", help="sizes of pictures, as in '0 50'")
    looking.add_argument("--profile", action="store_true", help="which functions are called, and how often")
    looking.set_defaults(do=_inside)
    return parser


if __name__ == "__main__":
    sys.exit(main())
