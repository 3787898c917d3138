"""Frames cut from a stream, however TCP split it."""

from __future__ import annotations

import time
import tracemalloc
from collections.abc import Callable, Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import FramingError
from bridge.wire import HEADER_BYTES, Frame, Framer, MessageType, encode_frame
from tests.vectors import FRAMES, frame_of, wire_bytes

CAP = 64 * 1024
MIB = 1 << 20
Feeding = Callable[[bytes], tuple[list[Frame], int]]


def frames_from(framer: Framer, pieces: Iterable[bytes]) -> list[Frame]:
    """Feed the pieces, taking what there is after each."""
    frames = []
    for piece in pieces:
        framer.feed(piece)
        while (frame := framer.next_frame()) is not None:
            frames.append(frame)
    return frames


def whole(stream: bytes) -> tuple[list[Frame], int]:
    framer = Framer(CAP)
    return frames_from(framer, [stream]), framer.buffered_bytes


def one_byte_at_a_time(stream: bytes) -> tuple[list[Frame], int]:
    framer = Framer(CAP)
    return frames_from(framer, (stream[at : at + 1] for at in range(len(stream)))), framer.buffered_bytes


def with_bytes_left_over(stream: bytes) -> tuple[list[Frame], int]:
    framer, rest = Framer(CAP), wire_bytes("register-hg02")[:-1]
    return frames_from(framer, [stream + rest]), framer.buffered_bytes - len(rest)


@pytest.fixture(params=[whole, one_byte_at_a_time, with_bytes_left_over], ids=lambda feeding: feeding.__name__)
def fed(request: pytest.FixtureRequest) -> Feeding:
    """Returns the frames that the stream held, and how many of its bytes are left."""
    feeding: Feeding = request.param
    return feeding


CASES = {
    **{vector["name"]: [frame_of(vector)] for vector in FRAMES},
    "all vectors": [frame_of(vector) for vector in FRAMES],
    "two heartbeats": [Frame(2, 1, 1, 0, 0, b"")] * 2,
    "body at the cap": [Frame(2, 3, 1, 0, 1, b"x" * 1024)],
    "unknown message type": [Frame(9, 200, 1, 0, 0, b"?")],
    "body that looks like a header": [Frame(2, 3, 1, 0, 1, b"QYZN" * 10)],
}


def on_the_wire(frames: Iterable[Frame]) -> bytes:
    return b"".join(encode_frame(frame.message_type, frame.sequence, frame.timestamp, frame.body, frame.version) for frame in frames)


@pytest.mark.parametrize("case", CASES)
def test_frames(fed: Feeding, case: str) -> None:
    assert fed(on_the_wire(CASES[case])) == (CASES[case], 0)


@pytest.mark.parametrize("vector", FRAMES, ids=lambda vector: vector["name"])
def test_vectors(fed: Feeding, vector: dict[str, str]) -> None:
    assert fed(bytes.fromhex(vector["hex"])) == ([frame_of(vector)], 0)


def test_unknown_data_type_and_reserved_byte_pass(fed: Feeding) -> None:
    stream = bytearray(wire_bytes("register-hg02"))
    stream[6:8] = b"\x07\xff"
    assert fed(bytes(stream)) == ([frame_of(FRAMES[0])._replace(data_type=7)], 0)


def test_nothing_is_no_frame() -> None:
    framer = Framer(CAP)
    assert framer.next_frame() is None
    framer.feed(b"")
    assert framer.next_frame() is None


frames_strategy = st.lists(
    st.builds(
        Frame,
        version=st.integers(0, 255),
        message_type=st.integers(0, 255),
        data_type=st.just(1),
        timestamp=st.integers(0, 0xFFFFFFFF),
        sequence=st.integers(0, 0xFFFFFFFF),
        body=st.binary(max_size=60),
    ),
    max_size=6,
)


@given(frames=frames_strategy, data=st.data())
def test_any_split_gives_the_same_frames(frames: list[Frame], data: st.DataObject) -> None:
    stream = on_the_wire(frames)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=20)))
    pieces = [stream[start:end] for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    framer = Framer(60)
    assert frames_from(framer, pieces) == frames
    assert framer.buffered_bytes == 0


@given(stream=st.binary(max_size=200))
def test_rubbish_raises_nothing_but_framing_errors(stream: bytes) -> None:
    try:
        assert all(frame.body in stream for frame in frames_from(Framer(100), [stream]))
    except FramingError as error:
        assert error.reason  # noqa: PT017 (either end is right)


@pytest.mark.parametrize("good", range(4))
def test_a_wrong_magic_is_found_at_its_first_wrong_byte(good: int) -> None:
    framer = Framer(CAP)
    framer.feed(b"QYZN"[:good])
    assert framer.next_frame() is None
    framer.feed(b"x")
    for _ in range(2):  # and again: the stream is lost
        with pytest.raises(FramingError, match=f"0x{b'QYZN'[:good].hex()}78"):
            framer.next_frame()


def test_frames_before_a_wrong_magic_are_not_lost() -> None:
    framer = Framer(CAP)
    framer.feed(wire_bytes("heartbeat") + b"GET / HTTP/1.1")
    assert framer.next_frame() == frame_of(FRAMES[1])
    with pytest.raises(FramingError):
        framer.next_frame()


def test_the_cap_is_checked_from_the_header_before_the_body() -> None:
    framer = Framer(1024)
    header = encode_frame(MessageType.REQUEST, 1, 0, b"x" * 1025)[:HEADER_BYTES]
    framer.feed(header[:-1])
    assert framer.next_frame() is None
    framer.feed(header[-1:])
    for _ in range(2):
        with pytest.raises(FramingError, match="1025 bytes is over the limit of 1024"):
            framer.next_frame()


def test_the_cap_is_raised_in_mid_stream() -> None:
    """A login and a large record behind it, in one segment: the cap of the time when a frame's turn comes counts."""
    framer, large = Framer(16), encode_frame(MessageType.REQUEST, 2, 0, b"y" * 5000)
    framer.feed(encode_frame(MessageType.REQUEST, 1, 0, b"login") + large)
    first = framer.next_frame()
    assert first is not None
    assert first.body == b"login"
    framer.max_body_bytes = 5000
    second = framer.next_frame()
    assert second is not None
    assert second.body == b"y" * 5000


def test_memory_is_bounded_by_one_frame_and_one_read() -> None:
    framer, read = Framer(MIB), 64 * 1024
    stream = memoryview(encode_frame(MessageType.REQUEST, 1, 0, b"z" * MIB) * 8)
    frames = 0
    for start in range(0, len(stream), read):
        framer.feed(bytes(stream[start : start + read]))
        while framer.next_frame() is not None:
            frames += 1
        assert framer.buffered_bytes <= HEADER_BYTES + MIB + read
    assert frames == 8
    assert framer.buffered_bytes == 0


def test_what_has_been_cut_is_not_kept_while_more_comes() -> None:
    """As where a terminal is not read any more in the middle of a segment."""
    framer, frame = Framer(MIB), encode_frame(MessageType.REQUEST, 1, 0, bytes(64 * 1024))
    framer.feed(frame)
    tracemalloc.start()
    try:
        for _ in range(20):
            framer.feed(frame)
            assert framer.next_frame() is not None
            assert framer.buffered_bytes == len(frame)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 4 * len(frame)


def test_a_large_frame_gives_its_memory_back() -> None:
    framer, large = Framer(4 * MIB), encode_frame(MessageType.REQUEST, 1, 0, bytes(4 * MIB))
    tracemalloc.start()
    try:
        framer.feed(large)
        assert framer.next_frame() is not None
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 64 * 1024


def seconds_for(body_bytes: int, piece_bytes: int) -> float:
    stream = memoryview(encode_frame(MessageType.REQUEST, 1, 0, bytes(body_bytes)))
    framer = Framer(body_bytes)
    started = time.process_time()
    frames = frames_from(framer, (bytes(stream[at : at + piece_bytes]) for at in range(0, len(stream), piece_bytes)))
    assert len(frames) == 1
    return time.process_time() - started


def test_a_large_frame_in_small_segments_is_not_quadratic() -> None:
    """5,700 segments: copying the buffer for each would move 24 GB, which takes seconds."""
    assert min(seconds_for(8 * MIB, 1460) for _ in range(3)) < 0.5


def test_many_small_frames_in_one_segment_are_not_quadratic() -> None:
    framer = Framer(CAP)
    started = time.process_time()
    assert len(frames_from(framer, [wire_bytes("heartbeat") * 50_000])) == 50_000
    assert time.process_time() - started < 2


def test_a_frame_accepted_by_its_header_is_not_refused_later() -> None:
    framer, frame = Framer(1000), encode_frame(MessageType.REQUEST, 1, 0, b"x" * 1000)
    assert frames_from(framer, [frame[:500]]) == []
    framer.max_body_bytes = 10
    assert [each.body for each in frames_from(framer, [frame[500:]])] == [b"x" * 1000]
