"""Random and mutated frames against the real protocol: whatever comes, no defect, no memory beyond the limits, and the next one is served."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st
from twisted.logger import LogLevel

from bridge.wire import MessageType, encode_frame
from tests.terminal.lobby import FACE, LIMITS, LOGIN, REGISTER, Lobby, frame, logged

GOOD = [
    frame("login", LOGIN),
    frame("register", REGISTER),
    frame("snapshot_face", FACE, sequence=2),
    frame("sync_time", {"timestamp": "20231114221320000"}, sequence=3),
    frame("device_call_result", {"callRecords": [{}]}, sequence=4),
    frame("newer_than_all", {"a": [1, {"b": None}]}, sequence=5),
    frame("snapshot_face", FACE, sequence=6, type=MessageType.NOTIFICATION),
    encode_frame(MessageType.HEARTBEAT, 0, 0),
    encode_frame(MessageType.RESPONSE, 1000, 0, b'{"result":0}'),
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=10,
)
NAMES = ["login", "register", "logout", "snapshot_face", "qrcode_data", "device_sync_person", "device_call_param", "sync_time", "heartbeat"]


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A good frame with some bytes changed, cut out, or put in; its header's length still right, or not."""
    data = bytearray(draw(st.sampled_from(GOOD)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 8))] = draw(st.binary(max_size=8))
    if draw(st.booleans()) and len(data) >= 20:
        data[:4] = b"QYZN"
        data[16:20] = struct.pack("<I", len(data) - 20)
    return bytes(data)


@st.composite
def made_up(draw: st.DrawFn) -> bytes:
    """A frame that is one, around anything."""
    body = draw(st.binary(max_size=100))
    if draw(st.booleans()):
        return encode_frame(MessageType.REQUEST, draw(st.integers(0, 1 << 32)), 0, body)
    return frame(draw(st.sampled_from(NAMES)), draw(JSON), sequence=draw(st.integers(0, 3)), type=draw(st.sampled_from(list(MessageType))))


PIECES = st.lists(st.sampled_from(GOOD) | mutated() | made_up() | st.binary(max_size=200), max_size=8)


@given(PIECES, st.integers(1, 300), st.booleans())
def test_nothing_that_comes_is_a_defect_or_stays(pieces: list[bytes], chunk: int, is_identified: bool) -> None:
    stream = b"".join(pieces)
    lobby = Lobby()
    with logged(LogLevel.critical) as defects:
        guest = lobby.guest() if is_identified else lobby.connect()
        for start in range(0, len(stream), chunk):
            guest.protocol.dataReceived(stream[start : start + chunk])
            assert guest.protocol._framer.buffered_bytes <= LIMITS.after_login + 20 + chunk
            lobby.wait(0.5)
        guest.heard()  # whole frames, whatever they answer
        guest.hang_up()
        assert lobby.guest().say("snapshot_face", FACE, sequence=999)[0].body["result"] == 0
    assert defects == []
    assert lobby.factory.connections == len(lobby.hall.places) == 1
    assert lobby.timers() == 1
