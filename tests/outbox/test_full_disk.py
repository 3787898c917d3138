"""A disk that is really full: a small tmpfs, which only root can mount."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from twisted.python.failure import Failure

from bridge.errors import StorageFault
from tests.outbox.site import Site, entry, fault_of, succeeds

SIZE_KB = 2048


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "disk"
    path.mkdir()
    try:
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE_KB}k", "tmpfs", path], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("a small disk cannot be mounted")
    yield path
    subprocess.run(["umount", "--lazy", path], check=True)


def fill(site: Site) -> list[int]:
    """Add until it fails; returns what was confirmed."""
    for number in range(10_000):
        added = site.outbox.add(entry(number, f"SN{number % 3}", pictures=5))
        if isinstance(added.result, Failure):
            assert fault_of(added).endswith("database or disk is full")
            return list(range(number))
    raise AssertionError("the disk is never full")


def drained(site: Site) -> list[int]:
    """What is handed out until there is no more, each whole, and deleted by then if not at once: even to delete takes space."""
    numbers = []
    deletions = []
    while batch := site.batch(20_000):
        numbers += [int(stored.entry.key.removeprefix("key-")) for stored in batch]
        assert all(stored.pictures_left == 5 for stored in batch)
        deletions.append(site.outbox.delivered(stored.id for stored in batch))
    assert succeeds(deletions.pop())
    for each in deletions:
        each.addErrback(lambda reason: reason.trap(StorageFault))
    assert site.outbox.size.events == 0
    return sorted(numbers)


def test_a_full_disk_is_survived_and_drained(small_disk: Path) -> None:
    site = Site(small_disk / "state")
    added = fill(site)
    assert len(added) > 30
    assert "full" in str(site.outbox.fault)
    assert site.outbox.size.events == len(added)
    assert drained(site) == added
    assert succeeds(site.outbox.add(entry(1, pictures=5)))
    assert site.outbox.fault is None
    site.reopen()
    assert site.keys() == ["1"]
    site.end()


def test_what_was_confirmed_before_the_disk_was_full_is_there_after_a_crash(small_disk: Path) -> None:
    site = Site(small_disk / "state")
    added = fill(site)
    site.crash()
    assert site.outbox.size.events == len(added)
    assert drained(site) == added
    site.end()


def test_it_works_again_when_there_is_space(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    ballast.write_bytes(bytes(1 << 20))
    site = Site(small_disk / "state")
    added = fill(site)
    assert fault_of(site.outbox.add(entry(len(added), pictures=5)))
    ballast.unlink()
    assert succeeds(site.outbox.add(entry(len(added), pictures=5)))
    assert site.outbox.fault is None
    site.reopen()
    assert drained(site) == [*added, len(added)]
    site.end()


def test_a_disk_that_is_full_before_there_is_an_outbox(small_disk: Path) -> None:
    ballast = small_disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            pass
    site = Site(small_disk / "state")
    assert "full" in str(site.outbox.fault) or "I/O" in str(site.outbox.fault)
    assert fault_of(site.outbox.add(entry(1)))
    ballast.unlink()
    assert succeeds(site.outbox.add(entry(1)))
    assert site.outbox.fault is None
    site.end()
