"""Many terminals, in a thread of their own."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from tests.faults.terminal import Habits, LoadTerminal, Record

LOOK_S = 0.1  # between two looks at whether all is answered


class Fleet:
    """So many terminals against one port, from `start` to `stop`. What is left to chance follows from the seed."""

    def __init__(self, port: int, count: int, seed: str, habits: Habits | None = None) -> None:
        self.terminals = [
            LoadTerminal(port, f"F{number:05d}", Random(f"{seed}/{number}"), habits or Habits()) for number in range(1, count + 1)
        ]
        self._thread = threading.Thread(target=self._run, name="fleet", daemon=True)
        self._has_begun = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self.failure: BaseException | None = None
        """A mistake of the load itself."""

    def start(self) -> None:
        self._thread.start()
        self._has_begun.wait()

    def stop(self) -> None:
        """Hang up, and forget what was not answered."""
        if self._thread.is_alive():
            self._call(self._stopping.set)
            self._thread.join()
        if self.failure is not None:
            raise self.failure

    def cut(self, random: Random, part: float) -> None:
        """Cut the connections of so many of them, at once."""
        chosen = random.sample(self.terminals, max(1, int(len(self.terminals) * part)))
        for each in chosen:
            self._call(each.cut)

    def records(self) -> Iterator[tuple[LoadTerminal, Record]]:
        """All that were ever made, each terminal's in their order."""
        for terminal in self.terminals:
            for record in list(terminal.records):
                yield terminal, record

    def finish(self) -> set[tuple[str, int]]:
        """One more record of each terminal, and no more; returns serials and sequences. When those have come through, so has whatever
        was answered before, if it ever will."""

        async def finish() -> set[tuple[str, int]]:
            return {(terminal.serial, terminal.finish().sequence) for terminal in self.terminals}

        assert self._loop is not None
        return asyncio.run_coroutine_threadsafe(finish(), self._loop).result()

    def is_answered(self, within_s: float) -> bool:
        """Wait until every record was answered; whether that came."""
        deadline = time.monotonic() + within_s
        pause = threading.Event()
        while not all(terminal.is_done for terminal in self.terminals):
            if time.monotonic() > deadline or self.failure is not None:
                return False
            pause.wait(LOOK_S)
        return True

    def _call(self, what: Callable[[], object]) -> None:
        assert self._loop is not None
        self._loop.call_soon_threadsafe(what)

    # In the thread.

    def _run(self) -> None:
        try:
            asyncio.run(self._live())
        except BaseException as failure:  # noqa: BLE001 - raised again where the test ends
            self.failure = failure

    async def _live(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._has_begun.set()
        living: list[asyncio.Task[Any]] = [asyncio.create_task(terminal.live()) for terminal in self.terminals]
        stopping: asyncio.Task[Any] = asyncio.create_task(self._stopping.wait())
        done, _ = await asyncio.wait([*living, stopping], return_when=asyncio.FIRST_COMPLETED)
        while alive := [task for task in living if not task.done()]:
            for task in alive:  # again and again: a task group that is ending anyhow forgets that it was cancelled
                task.cancel()
            await asyncio.wait(alive, timeout=LOOK_S)
        for task in done - {stopping}:
            task.result()  # a mistake: it lives for ever
