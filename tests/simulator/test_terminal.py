"""What a terminal keeps: sequence, clock, records."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest

from bridge.catalogue.recognition import SnapshotFace
from bridge.simulator.people import PEOPLE, somebody
from bridge.simulator.terminal import Terminal
from bridge.wire import decode_body
from tests.simulator.talk import START, new_terminal


def recognised(terminal: Terminal) -> dict[str, Any]:
    terminal.recognise()
    record = terminal.records.oldest()
    assert record is not None
    terminal.records.remove(record)
    body = decode_body(record.body)
    assert body.message == record.name == "snapshot_face"
    assert isinstance(body.data, dict)
    return body.data


def test_the_sequence_starts_anywhere_and_wraps_past_zero() -> None:
    starts = {new_terminal(seed=seed).next_sequence() for seed in range(20)}
    assert len(starts) == 20
    terminal = new_terminal()
    terminal._sequence = 2**32 - 2
    assert [terminal.next_sequence() for _ in range(3)] == [2**32 - 1, 1, 2]


def test_the_clock_runs_from_what_it_was_told() -> None:
    now = [START]
    terminal = new_terminal(wall=lambda: now[0])
    assert terminal.civil_time() == datetime.fromtimestamp(START, UTC)
    terminal.set_clock(datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC))
    now[0] += 60
    assert terminal.civil_time() == datetime(2024, 1, 2, 3, 5, 5, tzinfo=UTC)
    assert terminal.config("time") == terminal.settings.configs["time"] | {"currenttime": "2024-01-02 03:05:05"}


@pytest.mark.parametrize("year", [1, 1999, 2100, 9999])
def test_a_clock_that_cannot_be_right_is_not_set(year: int) -> None:
    terminal = new_terminal()
    terminal.set_clock(datetime(year, 12, 31, 23, 59, 59, tzinfo=UTC))
    assert terminal.civil_time() == datetime.fromtimestamp(START, UTC)


def test_a_recognition_reads_by_its_declaration() -> None:
    terminal = new_terminal()
    terminal.set_clock(datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC))
    kinds = set()
    for _ in range(200):
        data = recognised(terminal)
        face, extra = SnapshotFace.declaration.read(data)
        assert isinstance(face, SnapshotFace)
        assert not extra
        kinds.add(face.event_type())
        assert face.snap_time == "2024-01-02 03:04:05"
        assert face.body_temperature is not None
        assert 35 < face.body_temperature < 38
        assert face.picture is not None
        assert base64.b64decode(face.picture, validate=True).startswith(b"\xff\xd8")
    assert kinds == {"matched", "blacklisted", "unmatched", "expired", "outside_hours"}


def test_people_keep_to_the_protocol_s_lengths() -> None:
    for person in PEOPLE:
        assert len(person.name.encode()) <= 24
        assert len(person.person_id) <= 32
    assert {somebody(Random(n)).person_id for n in range(300)} == {person.person_id for person in PEOPLE}


def test_a_full_store_drops_the_oldest() -> None:
    terminal = new_terminal()
    dropped = [terminal.recognise()[1] for _ in range(1003)]
    assert sum(dropped) == 3
    assert len(terminal.records) == 1000
