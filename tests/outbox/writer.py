"""A process that adds to an outbox, and delivers from it, until it is killed; it prints what it asked for and what was confirmed."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from twisted.internet import reactor as global_reactor
from twisted.internet.defer import Deferred, DeferredList
from twisted.python.failure import Failure

from bridge.outbox import Entry, Limits, Outbox, Picture, Stored, WorkerThread

TOGETHER = 32  # additions under way at once


def entry_of(number: int) -> Entry:
    """What it adds under a number, so that a reader can tell whether all of it is there."""
    payload = number.to_bytes(8, "big") * (number % 5 * 500)
    shots = (Picture(f"t/{number}", payload),) if payload else ()
    return Entry(f"T{number % 7}", f"key-{number}", "recognition", float(number), b"%d" % number * 50, shots)


def say(what: str, numbers: Sequence[int]) -> None:
    os.write(1, "".join(f"{what} {number}\n" for number in numbers).encode())


def confirm(_: int, number: int) -> None:
    say("added", [number])


def number_of(stored: Stored) -> int:
    return int(stored.entry.key.removeprefix("key-"))


async def write(outbox: Outbox, first: int) -> None:
    for start in range(first, first + 10_000_000, TOGETHER):
        numbers = range(start, start + TOGETHER)
        say("adding", numbers)
        added = [outbox.add(entry_of(number)).addCallback(confirm, number) for number in numbers]
        await DeferredList(added, fireOnOneErrback=True)
        batch = await outbox.next_batch(20_000)
        say("delivering", [number_of(each) for each in batch])
        await outbox.delivered([each.id for each in batch])
        say("delivered", [number_of(each) for each in batch])


def main(directory: str, first: str) -> None:
    reactor: object = global_reactor

    def begin() -> None:
        outbox = Outbox.open(Path(directory), Limits(), reactor, time.time, WorkerThread(reactor), lambda _: None)  # type: ignore[arg-type]
        Deferred.fromCoroutine(write(outbox, int(first))).addErrback(complain)

    def complain(reason: Failure) -> None:
        reason.printTraceback()
        os._exit(1)

    reactor.callWhenRunning(begin)  # type: ignore[attr-defined]
    reactor.run()  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(*sys.argv[1:])
