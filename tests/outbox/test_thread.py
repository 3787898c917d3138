"""The outbox on its real thread, under a real reactor."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

import pytest
import pytest_twisted
from twisted.internet import reactor as global_reactor
from twisted.internet.defer import gatherResults

from bridge.errors import StorageFault
from bridge.outbox import Limits, Outbox, WorkerThread
from tests.outbox.site import entry

REACTOR: Any = global_reactor


def opened(directory: Path, thread: WorkerThread) -> Outbox:
    return Outbox.open(directory, Limits(), REACTOR, time.time, thread, lambda _: None)


@pytest_twisted.ensureDeferred
async def test_a_day_on_the_real_thread(tmp_path: Path) -> None:
    outbox = opened(tmp_path, WorkerThread(REACTOR))
    ids = await gatherResults([outbox.add(entry(number, f"SN{number % 3}", pictures=1)) for number in range(300)])
    assert ids == list(range(1, 301))
    seen = []
    while batch := await outbox.next_batch():
        seen += [stored.entry for stored in batch]
        await outbox.delivered(stored.id for stored in batch)
    assert sorted(int(each.key.removeprefix("key-")) for each in seen) == list(range(300))
    last = outbox.add(entry(301))
    await outbox.close()
    assert await last == 301
    again = opened(tmp_path, WorkerThread(REACTOR))
    assert again.size.events == 1
    await again.close()


@pytest_twisted.ensureDeferred
async def test_results_come_where_the_reactor_runs(tmp_path: Path) -> None:
    outbox = opened(tmp_path, WorkerThread(REACTOR))
    where = []
    await outbox.add(entry(1)).addCallback(lambda _: where.append(threading.current_thread()))
    assert where == [threading.current_thread()]
    await outbox.close()


@pytest_twisted.ensureDeferred
async def test_what_the_thread_raises_comes_back() -> None:
    thread = WorkerThread(REACTOR)
    ran_in = await thread.call(threading.current_thread)
    assert ran_in is not threading.current_thread()
    assert ran_in.daemon, "a disk that never answers must not keep the process from ending"
    with pytest.raises(ZeroDivisionError):
        await thread.call(lambda: 1 // 0)
    thread.stop()
    assert not ran_in.is_alive()


@pytest_twisted.ensureDeferred
async def test_nobody_waits_for_a_disk_that_hangs(tmp_path: Path) -> None:
    thread = WorkerThread(REACTOR)
    outbox = opened(tmp_path, thread)
    disk = threading.Event()
    hanging = thread.call(disk.wait)
    began = time.monotonic()
    added = outbox.add(entry(1))
    assert time.monotonic() - began < 0.5, "adding does not wait for the thread"
    await outbox.close(bound_s=0.05)
    with pytest.raises(StorageFault, match="closed before this was committed"):
        await added
    disk.set()
    await hanging
    thread.stop()
