"""The bridge in memory does the same as one with sockets, and what is measured of it is all that an event takes."""

from __future__ import annotations

import gc
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks.frames import Recognition
from benchmarks.inside import carry_well, functions, inside, report
from benchmarks.inspection import FIELDS
from benchmarks.memory import MemorySite, memory_site
from benchmarks.mqtt import read_publish


@pytest.fixture(autouse=True)
def _collector_as_before() -> Iterator[None]:
    """A bridge that is ready changes how the collector of this process works."""
    before = gc.get_threshold()
    yield
    gc.unfreeze()
    gc.set_threshold(*before)


@pytest.fixture
def site(tmp_path: Path) -> Iterator[MemorySite]:
    with memory_site(tmp_path) as site:
        yield site


@pytest.mark.parametrize("picture_bytes", [0, 100_000])
def test_an_event_is_published_with_its_picture_and_then_answered(site: MemorySite, picture_bytes: int) -> None:
    recognition = Recognition(picture_bytes)
    site.carry(site.frames(recognition.body(), 1))
    *pictures, (topic, _, payload) = [read_publish(0x32, body) for body in site.broker.published]
    assert [picture[2] for picture in pictures] == [recognition.jpeg] * bool(picture_bytes)
    assert topic == "qyzn/B000000/event/recognition"
    event = json.loads(payload)
    assert event["person_name"] == recognition.data()[FIELDS["person_name"]]
    [answer] = site.answers()
    assert answer["result"] == 0


def test_what_the_broker_has_not_taken_is_not_answered(site: MemorySite) -> None:
    site.broker.answer = lambda: None  # type: ignore[method-assign]
    site.carry(site.frames(Recognition(0).body(), 1))
    assert site.answers() == []


def test_a_bridge_that_does_not_answer_is_not_measured(site: MemorySite) -> None:
    frames = site.frames(Recognition(0).body(), 3)
    carry_well(site, frames)
    site.broker.answer = lambda: None  # type: ignore[method-assign]
    with pytest.raises(RuntimeError, match=r"3 events were answered \[\]"):
        carry_well(site, site.frames(Recognition(0).body(), 3))


@pytest.mark.skipif("QYZN_COMPILED" in os.environ, reason="the pieces of what is compiled cannot be told apart")
def test_the_whole_and_its_pieces_are_told(capsys: pytest.CaptureFixture[str]) -> None:
    found = inside(1000, tries=2, events=5, piece_calls=5)
    assert 0 < found.least_us <= found.median_us
    assert found.calls > 100
    assert all(0 <= us < found.median_us for us in found.pieces_us.values())
    assert report(found)[-1] == f"{found.calls:.0f} calls of functions for each event"
    assert "ncalls" in "".join(functions(found))
    assert capsys.readouterr().out == ""
