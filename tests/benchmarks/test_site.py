"""The check that makes a run count: what was answered was published, once, with its picture before it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks.broker import PUBLISHED_BYTES
from benchmarks.crowd import Crowd
from benchmarks.frames import Recognition
from benchmarks.site import Mismatch, Site
from benchmarks.systems import SYSTEMS

PICTURE_BYTES = 1000


class StubLoop:
    """Never waits: what is not so by now will not come."""

    def run(self, _seconds: float, done: Callable[[], bool]) -> bool:
        return done()


class StubTerminal:
    """A connection that is not there. `answers` is called when the terminal reports."""

    serial = "B000000"
    is_waiting = False

    def __init__(self) -> None:
        self.answered: list[int] = []
        self.seen: list[int] = []
        self.answers: Callable[[], None] = lambda: None

    def report(self, _body: bytes, _scheduled_at: float) -> int:
        self.answers()
        return 1


@pytest.fixture
def site() -> Site:
    loop = StubLoop()
    crowd = Crowd(cast(Any, loop), 0, 0)
    crowd.recognition = Recognition(PICTURE_BYTES)
    terminal = cast(Any, StubTerminal())
    crowd.terminals, crowd.by_serial = [terminal], {terminal.serial: terminal}
    witness = SimpleNamespace(arrived=None, subscribe=lambda *_: None, unsubscribe=lambda *_: None)
    return Site(SYSTEMS["bridge"], cast(Any, loop), cast(Any, None), cast(Any, witness), cast(Any, None), crowd)


def answer(site: Site, sequence: int) -> None:
    site.crowd.terminals[0].answered.append(sequence)
    site.crowd.answered += 1
    site.crowd.answered_bytes += PICTURE_BYTES


def publish(site: Site, what: str, payload: bytes) -> None:
    site.witness.arrived(f"qyzn/B000000/{what}/recognition", payload)


def event(sequence: int) -> bytes:
    return b'{"sequence": %d}' % sequence


def publish_whole(site: Site, sequence: int) -> None:
    publish(site, "image", site.crowd.recognition.jpeg)
    publish(site, "event", event(sequence))


def count(site: Site, pictures: int, others: int = 0) -> None:
    """Of the events, too, as the witness has seen them."""
    events = sum(len(event(sequence)) for sequence in site.crowd.terminals[0].seen)
    site.witness.arrived(PUBLISHED_BYTES, str(pictures * PICTURE_BYTES + events + others).encode())


def test_what_was_answered_and_published_counts(site: Site) -> None:
    for sequence in (7, 8):
        answer(site, sequence)
        publish_whole(site, sequence)
    count(site, 2)
    site.check()


def test_an_event_that_was_answered_and_never_seen_is_found(site: Site) -> None:
    for sequence in (7, 8):
        answer(site, sequence)
    publish_whole(site, 7)
    count(site, 2)
    with pytest.raises(Mismatch, match=r"2 events of B000000 were answered, 1 published; missing: \[8\]"):
        site.check()


def test_so_is_one_that_was_published_twice(site: Site) -> None:
    answer(site, 7)
    publish_whole(site, 7)
    publish_whole(site, 7)
    count(site, 2)
    with pytest.raises(Mismatch, match="1 events of B000000 were answered, 2 published"):
        site.check()


def test_so_are_pictures_that_the_broker_never_got(site: Site) -> None:
    answer(site, 7)
    publish_whole(site, 7)
    count(site, 0)
    with pytest.raises(Mismatch, match="pictures of 1000 bytes were answered; 1000 bytes of them never came to the broker"):
        site.check()


def test_what_else_was_published_does_not_stand_for_pictures(site: Site) -> None:
    """Events themselves, and what a system said of its terminals before."""
    others = 20 * PICTURE_BYTES
    count(site, 0, others)
    site.report(Recognition(PICTURE_BYTES))
    for sequence in range(100):
        answer(site, sequence)
        publish_whole(site, sequence)
    count(site, 99, others)
    with pytest.raises(Mismatch, match="1000 bytes of them never came"):
        site.check()
    count(site, 100, others)
    site.check()


@pytest.mark.parametrize("order", [("image", "event"), ("event", "image")])
def test_a_picture_comes_before_its_event(site: Site, order: tuple[str, str]) -> None:
    payloads = {"image": site.crowd.recognition.jpeg, "event": event(1)}

    def answers() -> None:
        answer(site, 1)
        for what in order:
            publish(site, what, payloads[what])
        count(site, 1)

    cast(Any, site.crowd.terminals[0]).answers = answers
    if order == ("image", "event"):
        site.verify()
    else:
        with pytest.raises(Mismatch, match="came after its event"):
            site.verify()


def test_an_event_without_a_sequence_is_no_event(site: Site) -> None:
    with pytest.raises(Mismatch, match="without its sequence"):
        publish(site, "event", b"{}")
