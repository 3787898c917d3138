"""The load's frames: right by the protocol's own vector, and cut where they end."""

from __future__ import annotations

import base64
import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.frames import HEADER, HEARTBEAT, HEARTBEAT_FRAME, REQUEST, RESPONSE, Recognition, frame, register_body, sign, split
from tests.vectors import wire_bytes


def test_it_signs_as_the_documents_own_frame_does() -> None:
    body = json.loads(wire_bytes("register-hg02")[HEADER.size :])
    data = body["data"]
    assert sign(data["serial"], data["mac"], data["timestamp"]) == data["sign"]


def test_a_register_is_signed_over_what_it_says() -> None:
    data = register_body("B000001", "006400000001")["data"]
    assert data["sign"] == sign("B000001", "006400000001", data["timestamp"])


@given(cut=st.integers(0, 200))
def test_frames_are_cut_where_they_end_wherever_the_bytes_are_cut(cut: int) -> None:
    data = frame(REQUEST, 7, {"message": "open_door"}) + HEARTBEAT_FRAME + frame(RESPONSE, 8, {"result": 0})
    frames, rest = split(data[:cut])
    more, left = split(rest + data[cut:])
    assert [*frames, *more] == [(REQUEST, 7, b'{"message":"open_door"}'), (HEARTBEAT, 0, b""), (RESPONSE, 8, b'{"result":0}')]
    assert left == b""


def test_what_is_no_frame_is_not_taken_for_one() -> None:
    with pytest.raises(ValueError, match="not a frame"):
        split(b"HTTP/1.1 200 OK\r\n\r\n\r\n")


def test_a_recognition_carries_its_picture_and_the_time() -> None:
    recognition = Recognition(50_000)
    data = json.loads(recognition.body())["data"]
    assert base64.b64decode(data["snapPic"]) == recognition.jpeg
    assert len(recognition.jpeg) == 50_000
    assert abs(time.mktime(time.strptime(data["snaptime"], "%Y-%m-%d %H:%M:%S")) - time.time()) < 5


def test_a_recognition_without_a_picture_says_nothing_of_one() -> None:
    assert "snapPic" not in json.loads(Recognition(0).body())["data"]
