"""The flow that writes recognitions down: each is in the file once, whatever becomes of Node-RED, and can be read by whoever reads CSV."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.homeassistant_real.home_assistant import until
from tests.integration.raw_terminal import RawTerminal, recognition
from tests.nodered_real.conftest import Site

COLUMNS = ["time", "device_id", "device_name", "event_type", "person_id", "person_name", "score", "body_temperature", "replay", "event_id"]
NAMES = {
    "Jane Doe": "Jane Doe",
    "韩梅梅 Zäzilie": "韩梅梅 Zäzilie",
    'Jane "the door" Doe, jr.': 'Jane "the door" Doe, jr.',
    '",": ""': '",": ""',
    "two\nlines\r\nand a\ttab": "two lines and a tab",
    "=1+2": "'=1+2",
    "+43": "'+43",
    "-1": "'-1",
    "@SUM(A1)": "'@SUM(A1)",
    '=HYPERLINK("http://x","y")': '\'=HYPERLINK("http://x","y")',
    "\t=1": "' =1",
    "＝1": "'＝1",  # noqa: RUF001 - some spreadsheets take it for the other
    "a=1": "a=1",
    "": "",
}
"""What terminals may call somebody, and what stands in the file."""


@pytest.fixture
def log(site: Site) -> Path:
    return site.node_red.home / "qyzn-recognitions.csv"


def rows(log: Path, serial: str) -> list[dict[str, str]]:
    """Those of one terminal."""
    with log.open(encoding="utf-8", newline="") as file:
        return [row for row in csv.DictReader(file, strict=True) if row["device_id"] == serial]


def recognise(terminal: RawTerminal, count: int = 1, **changes: object) -> None:
    for _ in range(count):
        assert terminal.ask("snapshot_face", recognition(b"", **changes))["result"] == 0


def ids(site: Site, serial: str, kind: str = "event") -> list[str]:
    """What was published, in order."""
    return [seen.json["event_id"] for seen in site.administrator.on(f"qyzn/{serial}/{kind}/recognition")]


def written(log: Path, serial: str, count: int) -> list[str]:
    """Wait for so many lines; the ids of their events."""
    until(lambda: len(rows(log, serial)) >= count, f"{count} lines")
    return [row["event_id"] for row in rows(log, serial)]


def test_a_recognition_is_a_line_whatever_somebody_is_called(site: Site, terminal: RawTerminal, log: Path) -> None:
    for name in NAMES:
        recognise(terminal, fullName=name)
    assert written(log, terminal.serial, len(NAMES)) == ids(site, terminal.serial)
    found = rows(log, terminal.serial)
    assert [row["person_name"] for row in found] == list(NAMES.values())
    assert {(row["event_type"], row["score"], row["body_temperature"], row["replay"]) for row in found} == {
        ("matched", "92", "36.7", "false")
    }
    text = log.read_text("utf-8")
    assert text.startswith(",".join(COLUMNS) + "\n")
    assert text.count("event_id") == 1
    assert len([line for line in text.splitlines() if terminal.serial in line]) == len(NAMES), "a line each, for grep and tail, too"


def test_an_old_record_is_written_and_what_comes_again_is_not(site: Site, terminal: RawTerminal, log: Path) -> None:
    recognise(terminal, snaptime="2020-01-01 08:00:00")
    recognise(terminal)
    written(log, terminal.serial, 2)
    now = site.administrator.first(f"qyzn/{terminal.serial}/event/recognition").json
    old = site.administrator.first(f"qyzn/{terminal.serial}/event_replay/recognition").json
    site.impostor.publish(f"qyzn/{terminal.serial}/event/recognition", now)
    site.impostor.publish(f"qyzn/{terminal.serial}/event_replay/recognition", now | {"replay": True, "age_s": 60})
    site.impostor.publish(f"qyzn/{terminal.serial}/event_replay/recognition", old)
    recognise(terminal, snaptime="2020-01-01 08:00:01")
    found = written(log, terminal.serial, 3)
    assert {now["event_id"], old["event_id"]} < set(found)
    assert len(set(found)) == len(found) == 3
    assert sorted(row["replay"] for row in rows(log, terminal.serial)) == ["false", "true", "true"]


def test_a_restart_misses_nothing_and_repeats_nothing(site: Site, terminal: RawTerminal, log: Path) -> None:
    recognise(terminal, 5)
    before = written(log, terminal.serial, 5)
    site.node_red.stop()
    recognise(terminal, 5)
    recognise(terminal, 5, snaptime="2020-01-01 08:00:00")
    again = site.administrator.first(f"qyzn/{terminal.serial}/event/recognition").json
    site.impostor.publish(f"qyzn/{terminal.serial}/event_replay/recognition", again)
    site.start_node_red()
    recognise(terminal, 5)
    found = written(log, terminal.serial, 20)
    published = ids(site, terminal.serial)
    assert found[:5] == before
    assert sorted(found) == sorted({*published, *ids(site, terminal.serial, "event_replay")})
    assert [each for each in found if each in published] == published, "in order"
    assert log.read_text("utf-8").count("event_id") == 1


@pytest.mark.parametrize("cut", ['"2026-11-24T08:00', '"2026-11-24T08:00:00+00:00","T0001","Fro""', '"2026-11-24T08:00:00+00:00"'])
def test_a_line_that_was_cut_short_spoils_no_other(site: Site, terminal: RawTerminal, log: Path, cut: str) -> None:
    recognise(terminal, 2)
    before = written(log, terminal.serial, 2)
    site.node_red.kill()
    with log.open("a", encoding="utf-8") as file:
        file.write(cut)  # all that the disk took
    recognise(terminal, 2)
    site.start_node_red()
    recognise(terminal, 1)
    found = written(log, terminal.serial, 5)
    assert found == ids(site, terminal.serial)
    assert found[:2] == before


@pytest.fixture
def in_the_way(log: Path) -> Iterator[Path]:
    """Where a folder of the file's name keeps it from being written; the file is put aside."""
    aside = log.with_suffix(".aside")
    yield aside
    if aside.exists():
        log.rmdir()
        aside.rename(log)


def test_what_cannot_be_written_waits(site: Site, terminal: RawTerminal, log: Path, in_the_way: Path) -> None:
    recognise(terminal)
    written(log, terminal.serial, 1)
    log.rename(in_the_way)
    log.mkdir()
    recognise(terminal, 3)
    site.node_red.line_with("cannot be written, and what happens waits at the broker")
    recognise(terminal, 3)
    log.rmdir()
    in_the_way.rename(log)
    recognise(terminal)
    found = written(log, terminal.serial, 8)
    assert sorted(found) == sorted(ids(site, terminal.serial))


def test_what_cannot_be_written_from_the_start_waits(site: Site, terminal: RawTerminal, log: Path, in_the_way: Path) -> None:
    site.node_red.stop()
    log.rename(in_the_way)
    log.mkdir()
    recognise(terminal, 3)
    site.node_red.start(connections=2)
    site.node_red.line_with("cannot be written, and what happens waits at the broker")
    recognise(terminal, 3)
    log.rmdir()
    in_the_way.rename(log)
    assert written(log, terminal.serial, 6) == ids(site, terminal.serial)
