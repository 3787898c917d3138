"""The check that makes a run count: what was answered was published, once, with its picture before it."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest

from benchmarks.broker import PUBLISHED_BYTES
from benchmarks.crowd import Crowd
from benchmarks.frames import Recognition
from benchmarks.site import Mismatch, Site
from benchmarks.systems import SYSTEMS
from tests.benchmarks.published import published_fields

PICTURE_BYTES = 1000


class StubLoop:
    """Never waits: what is not so by now will not come."""

    def run(self, _seconds: float, done: Callable[[], bool]) -> bool:
        return done()


class StubTerminal:
    """A connection that is not there. `answers` is called when the terminal reports, with what it reports."""

    serial = "B000000"
    is_waiting = False

    def __init__(self) -> None:
        self.answered: list[int] = []
        self.seen: list[int] = []
        self.answers: Callable[[dict[str, Any]], None] = lambda _: None

    def report(self, body: bytes, _scheduled_at: float) -> int:
        self.answers(json.loads(body)["data"])
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
    """Have the broker tell what it was sent: the events that the witness has seen, too."""
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


def test_so_is_a_single_picture_that_was_published_twice(site: Site) -> None:
    for sequence in range(100):
        answer(site, sequence)
        publish_whole(site, sequence)
    count(site, 101)
    with pytest.raises(Mismatch, match="pictures of 100000 bytes were answered; 1000 bytes more were published than that"):
        site.check()


def test_what_else_was_published_does_not_stand_for_pictures(site: Site) -> None:
    """Events themselves, what a system says of its terminals, and announcements."""
    others = {"qyzn/B000000/info": b"i" * 900, "qyzn/bridge/devices": b"d" * 20_000, "homeassistant/device/B000000/config": b"h" * 40_000}
    for topic, payload in others.items():
        site.witness.arrived(topic, payload)
    for sequence in range(100):
        answer(site, sequence)
        publish_whole(site, sequence)
    count(site, 99, others=60_900)
    with pytest.raises(Mismatch, match="1000 bytes of them never came"):
        site.check()
    count(site, 100, others=60_900)
    site.check()


def test_a_broker_that_was_started_anew_counts_anew(site: Site) -> None:
    site.broker = cast(Any, SimpleNamespace(stop=lambda: None))
    answer(site, 7)
    publish_whole(site, 7)
    count(site, 1)
    site.stop_broker()
    site.witness.arrived(PUBLISHED_BYTES, b"0")
    site.check()
    answer(site, 8)
    with pytest.raises(Mismatch, match="missing"):
        site.check()
    publish_whole(site, 8)
    site.witness.arrived(PUBLISHED_BYTES, str(PICTURE_BYTES + len(event(8))).encode())
    site.check()


def test_the_first_events_are_looked_at_whole(site: Site) -> None:
    """Who sends them on under a wrong name is found out; the rest is in the inspection's own tests."""
    said: list[dict[str, Any]] = []

    def answers(data: dict[str, Any]) -> None:
        said.append(data)
        sequence = len(said)
        answer(site, sequence)
        payload = json.dumps(published_fields(data) | {"sequence": sequence, "person_name": names[len(said) % len(names)]}).encode()
        publish(site, "image", base64.b64decode(data["snapPic"]))
        publish(site, "event", payload)
        sent_bytes.append(PICTURE_BYTES + len(payload))
        site.witness.arrived(PUBLISHED_BYTES, str(sum(sent_bytes)).encode())

    sent_bytes: list[int] = []
    cast(Any, site.crowd.terminals[0]).answers = answers
    names = ["韩梅梅"]
    site.verify()
    assert len(said) == 200
    names = ["韩梅梅"] * 99 + ["李雷"]
    with pytest.raises(Mismatch, match="2 faults in 200 events; B000000: person_name is '李雷', and was '韩梅梅'"):
        site.verify()


def test_who_publishes_nothing_is_not_waited_for_again_and_again(site: Site) -> None:
    cast(Any, site.crowd.terminals[0]).answers = lambda _: answer(site, 1)
    with pytest.raises(Mismatch, match="1 events of B000000 were answered, 0 published"):
        site.verify()


class Working:
    """A program, and a loop whose time passes at once: `cpu_s` is what it used in each tenth of a second."""

    def __init__(self, *cpu_s: float) -> None:
        self.now = 0.0
        self._left = list(cpu_s)
        self._used = 0.0

    def perf_counter(self) -> float:
        return self.now

    def cpu_s(self) -> float:
        return self._used

    def run(self, seconds: float) -> None:
        self.now += seconds
        self._used += self._left.pop(0) if self._left else 0.0


@pytest.mark.parametrize(
    ("busy", "took_s"),
    [((), 0.0), ((0.1,) * 7, 0.7), ((0.1, 0.0, 0.0, 0.1), 0.4), ((0.005, 0.003), 0.0)],
)
def test_a_system_is_at_rest_once_it_has_done_next_to_nothing_for_a_while(
    site: Site, monkeypatch: pytest.MonkeyPatch, busy: tuple[float, ...], took_s: float
) -> None:
    working = Working(*busy)
    monkeypatch.setattr("benchmarks.site.time", working)
    site.loop = site.program = cast(Any, working)
    site.system = SYSTEMS["c"]
    assert site.settle() == pytest.approx(took_s, abs=0.01)
    assert working.now == pytest.approx(took_s + site.system.calm_s, abs=0.01)


def test_one_that_never_rests_is_not_waited_for_for_ever(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    working = Working(*(0.1,) * 2000)
    monkeypatch.setattr("benchmarks.site.time", working)
    site.loop = site.program = cast(Any, working)
    with pytest.raises(TimeoutError, match="bridge does not come to rest"):
        site.settle()


def test_an_event_without_a_sequence_is_no_event(site: Site) -> None:
    with pytest.raises(Mismatch, match="without its sequence"):
        publish(site, "event", b"{}")
