"""Processes that are killed in the middle of their work, and what the next one finds."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from bridge.outbox import Stored
from tests.outbox.site import Site
from tests.outbox.writer import entry_of, number_of

ROOT = Path(__file__).parent.parent.parent


def killed_writer(directory: Path, first: int, lines: int) -> dict[str, set[int]]:
    """What a process said that was killed after so many lines."""
    said: dict[str, set[int]] = defaultdict(set)
    with subprocess.Popen(
        [sys.executable, "-m", "tests.outbox.writer", str(directory), str(first)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        for count, line in enumerate(process.stdout):
            what, number = line.split()
            said[what].add(int(number))
            if count == lines:
                process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL, "it must not end by itself"
    return said


@pytest.mark.parametrize("seed", range(4))
def test_what_was_confirmed_is_there_after_a_kill(tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    asked: set[int] = set()
    promised: set[int] = set()
    gone: set[int] = set()
    found: list[int] = []
    for run in range(2):
        said = killed_writer(tmp_path / "state", run * 1_000_000, chance.randrange(100, 3000))
        asked |= said["adding"]
        promised = (promised | said["added"]) - said["delivering"]
        gone |= said["delivered"]

        site = Site(tmp_path / "state")
        found = [number_of(stored) for batch in iter(site.batch, []) for stored in batch if is_whole(stored)]
        assert site.reports == []
        site.end()
        assert len(found) == len(set(found)), "nothing is there twice"
        assert promised <= set(found), "what was confirmed, and not handed out, is there"
        assert not gone & set(found), "what was delivered is not there"
        assert set(found) <= asked
    assert len(promised) > 10
    assert gone


def is_whole(stored: Stored) -> bool:
    assert stored.entry == entry_of(number_of(stored))
    return True
