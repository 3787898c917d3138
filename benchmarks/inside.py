"""What an event costs inside the bridge, in this process: `python -m benchmarks inside` (make bench-inside). Without sockets, so that a change of a
microsecond can be seen; the least of many tries, since whatever else the machine does only adds to it."""

from __future__ import annotations

import cProfile
import gc
import io
import pstats
import tempfile
import time
import timeit
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import msgspec

from benchmarks.frames import Recognition
from benchmarks.memory import MemorySite, frame_of, memory_site
from benchmarks.table import markdown
from bridge.mqtt.events import compose
from bridge.mqtt.packets import encode
from bridge.wire import Framer, decode_body, digest_of

TRIES, EVENTS = 30, 300
MOST_LINES = 60
PIECE_TRIES, PIECE_CALLS = 7, 2000
MAX_BODY_BYTES = 8 << 20


class Inside(msgspec.Struct, frozen=True):
    """Microseconds of the processor for an event: the least and the median of all tries; the pieces by name; calls of functions for each event."""

    least_us: float
    median_us: float
    pieces_us: dict[str, float]
    calls: float
    profile: pstats.Stats


def inside(picture_bytes: int, *, tries: int = TRIES, events: int = EVENTS, piece_calls: int = PIECE_CALLS) -> Inside:
    """Measure. RuntimeError, TimeoutError: the bridge does not answer as it should."""
    body = Recognition(picture_bytes).body()
    with tempfile.TemporaryDirectory(prefix="qyzn-inside-") as directory, memory_site(Path(directory)) as site:
        carry_well(site, site.frames(body, 20))  # what is done once is done
        gc.collect()
        took_us = sorted(_try(site, body, events) for _ in range(tries))
        profile = _profile(site, body, events)
        pieces = {name: _least_us(piece, piece_calls) for name, piece in _pieces(site, body)}
    calls = profile.total_calls / events  # type: ignore[attr-defined]  # typeshed has no name for it
    return Inside(took_us[0], took_us[len(took_us) // 2], pieces, calls, profile)


def report(found: Inside) -> list[str]:
    """As a table."""
    whole = [["all of it, the least", f"{found.least_us:.1f}"], ["all of it, the median", f"{found.median_us:.1f}"]]
    pieces = [[name, f"{us:.2f}"] for name, us in found.pieces_us.items()]
    return [*markdown([["", "us of CPU"], *whole, *pieces]), f"{found.calls:.0f} calls of functions for each event"]


def functions(found: Inside) -> list[str]:
    """Which functions were called, the most often called first. Under the profiler everything takes longer, small functions most of all."""
    text = io.StringIO()
    found.profile.stream = text  # type: ignore[attr-defined]  # typeshed has no name for it
    found.profile.strip_dirs().sort_stats("ncalls").print_stats(MOST_LINES)
    return text.getvalue().rstrip().splitlines()


def carry_well(site: MemorySite, frames: list[bytes]) -> None:
    """And see that each was answered, and well. RuntimeError: not so."""
    site.answers()
    site.carry(frames)
    results = [answer["result"] for answer in site.answers()]
    if results != [0] * len(frames):
        raise RuntimeError(f"{len(frames)} events were answered {results[:5]}…")


def _try(site: MemorySite, body: bytes, events: int) -> float:
    site.rest()
    frames = site.frames(body, events)
    started = time.process_time()
    site.carry(frames)
    took_us = 1e6 * (time.process_time() - started) / events
    site.answers()
    return took_us


def _profile(site: MemorySite, body: bytes, events: int) -> pstats.Stats:
    site.rest()
    frames, profile = site.frames(body, events), cProfile.Profile()
    profile.runcall(site.carry, frames)
    return pstats.Stats(profile)


def _pieces(site: MemorySite, body: bytes) -> Iterator[tuple[str, Callable[[], Any]]]:
    """What the parts cost alone and warm. They are given what the bridge gave them for the last event."""
    site.rest()
    with mock.patch("bridge.relay.events.compose", wraps=compose) as composing:
        carry_well(site, site.frames(body, 1))
    if composing.call_args is None:
        return  # compiled: its modules call each other past their names, and nothing can be put in between
    received = composing.call_args.args[0]
    composed = compose(*composing.call_args.args)
    whole, decoded = frame_of(body, 1), decode_body(body)
    yield "the frame cut out of the stream", lambda: _cut(whole)
    yield "the body read as JSON", lambda: decode_body(body)
    yield "what tells it from a copy", lambda: digest_of(body)
    yield "its fields, by their declaration", lambda: received.declaration.read(decoded.data)
    yield "the event and its pictures composed", lambda: compose(*composing.call_args.args)
    yield "its packets packed", lambda: [encode(each, "5").packet(1) for each in composed.publications]
    written = [encode(each, "5").packet(1) for each in composed.publications]
    yield "of all of it, the broker's own part", lambda: _answer(site, written)


def _cut(data: bytes) -> Any:
    framer = Framer(MAX_BODY_BYTES)
    framer.feed(data)
    return framer.next_frame()


def _answer(site: MemorySite, written: list[bytes]) -> None:
    """The PUBACKs are of nothing that the bridge waits for, and cost it next to nothing."""
    site.broker.wire.pieces.extend(written)
    site.broker.answer()


def _least_us(piece: Callable[[], Any], calls: int) -> float:
    return 1e6 * min(timeit.repeat(piece, number=calls, repeat=PIECE_TRIES, timer=time.process_time)) / calls
