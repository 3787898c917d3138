"""Handing out, and what becomes of a file that is full, broken or gone."""

from __future__ import annotations

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from bridge.errors import ConfigError
from bridge.outbox import Failing, SetAside, Working
from bridge.outbox.outbox import SWEEP_S
from bridge.outbox.rows import Rows, size_of
from bridge.outbox.schema import UPGRADES, set_aside
from bridge.outbox.store import MOST_IN_A_BATCH
from tests.outbox.conftest import MakeSite
from tests.outbox.site import Site, defects, entry, fault_of, result_of, succeeds


def sqlite_error(message: str, code: int) -> sqlite3.Error:
    error = sqlite3.OperationalError(message)
    error.sqlite_errorcode = code
    return error


@contextmanager
def failing(monkeypatch: pytest.MonkeyPatch, method: str, error: sqlite3.Error, times: int) -> Iterator[None]:
    """The disk fails under this method of the rows, for so many times."""
    works, left = getattr(Rows, method), [times]

    def fail(self: Rows, *arguments: Any) -> Any:
        if left[0]:
            left[0] -= 1
            raise error
        return works(self, *arguments)

    with monkeypatch.context() as patch:
        patch.setattr(Rows, method, fail)
        yield


@contextmanager
def full_disk(site: Site) -> Iterator[None]:
    """A file that may not grow by more than a page or two."""
    (pages,) = site.connection.execute("PRAGMA page_count").fetchone()
    site.connection.execute(f"PRAGMA max_page_count = {pages + 2}")
    yield
    site.connection.execute("PRAGMA max_page_count = 1000000")


def keys_of(site: Site, *, most_bytes: int) -> list[list[str]]:
    """Batches, until there is no more."""
    return list(iter(lambda: site.keys(most_bytes), []))


# Handing out


def test_terminals_come_in_turn_and_each_in_its_order(site: Site) -> None:
    site.add(*(entry(number, "busy") for number in range(5)), entry(10, "calm"), entry(20, "other"), entry(21, "other"))
    assert site.keys() == ["0", "10", "20", "1", "21", "2", "3", "4"]
    assert site.keys() == []


def test_small_batches_are_as_just(site: Site) -> None:
    site.add(*(entry(number, "busy") for number in range(4)), entry(10, "calm"), entry(11, "calm"))
    assert keys_of(site, most_bytes=0) == [["0"], ["10"], ["1"], ["11"], ["2"], ["3"]]


def test_whoever_comes_later_has_a_turn_too(site: Site) -> None:
    site.add(*(entry(number, "busy") for number in range(4)))
    assert site.keys(0) + site.keys(0) == ["0", "1"]
    site.add(entry(10, "calm"))
    assert sorted(site.keys(0) + site.keys(0)) == ["10", "2"]


def test_a_batch_is_bounded_in_bytes(site: Site) -> None:
    site.add(*(entry(number, pictures=1) for number in range(5)))  # 1.3 kB each
    assert keys_of(site, most_bytes=3000) == [["0", "1"], ["2", "3"], ["4"]]


def test_a_batch_is_bounded_in_entries(site: Site) -> None:
    site.add(*(entry(number) for number in range(MOST_IN_A_BATCH + 1)))
    assert [len(keys) for keys in keys_of(site, most_bytes=1 << 30)] == [MOST_IN_A_BATCH, 1]


def test_what_was_given_back_comes_again_in_its_old_order(site: Site) -> None:
    site.add(*(entry(number) for number in range(4)))
    ids = [stored.id for stored in site.batch()]
    succeeds(site.outbox.delivered(ids[1:2]))
    site.outbox.give_back([ids[2], ids[0], 99])
    site.add(entry(4))
    assert site.keys() == ["0", "2", "4"]


def test_what_is_delivered_is_gone(site: Site) -> None:
    site.add(entry(1, pictures=2), entry(2))
    succeeds(site.outbox.delivered([stored.id for stored in site.batch()]))
    assert (site.outbox.size.events, site.outbox.size.bytes) == (0, 0)
    assert site.connection.execute("SELECT count(*) FROM picture").fetchone() == (0,)
    succeeds(site.outbox.delivered([1, 2, 77]))
    site.reopen()
    assert site.keys() == []


def test_what_was_delivered_cannot_be_given_back_before_it_is_deleted(site: Site) -> None:
    site.add(entry(1))
    site.batch()
    with full_disk(site):
        site.connection.execute("PRAGMA query_only = ON")
        assert "readonly" in fault_of(site.outbox.delivered([1]))
        site.outbox.give_back([1])
        assert site.keys() == []


def test_what_is_undeliverable_counts_as_dropped(site: Site) -> None:
    site.add(entry(1, pictures=2), entry(2))
    succeeds(site.outbox.undeliverable([1, 1, 5]))
    assert site.keys() == ["2"]
    assert site.outbox.counters.events_dropped == {"undeliverable": 1}
    assert site.outbox.counters.pictures_dropped == {"undeliverable": 2}


def test_what_was_handed_out_comes_again_after_a_crash(site: Site) -> None:
    site.add(entry(1), entry(2))
    site.batch()
    site.crash()
    assert site.keys() == ["1", "2"]


# A full disk


def test_a_full_disk_takes_nothing_by_halves(site: Site) -> None:
    site.add(entry(1))
    with full_disk(site):
        reason = fault_of(site.outbox.add(entry(2, pictures=30)))
        assert reason.endswith("outbox.sqlite3: database or disk is full")
        assert site.fault() == reason
        assert site.reports == [Failing(reason)]
        assert (site.outbox.size.events, site.outbox.holds("SN1")) == (1, True)
        assert fault_of(site.outbox.add(entry(3, pictures=30))) == reason
        assert site.reports == [Failing(reason)]
        assert site.keys() == ["1"]  # what is there can be drained
    assert len(site.add(entry(2, pictures=30))) == 1
    assert site.fault() is None
    assert site.reports[1:] == [Working()]
    site.reopen()
    assert [stored.entry for stored in site.batch()] == [entry(1), entry(2, pictures=30)]


def test_a_round_that_does_not_fit_fails_as_a_whole(site: Site) -> None:
    with full_disk(site):
        site.thread.prompt = False
        site.outbox.next_batch()
        added = [site.outbox.add(entry(1)), site.outbox.add(entry(2, pictures=30))]
        site.thread.run()
        site.thread.run()
        assert all("full" in fault_of(done) for done in added)
    site.thread.prompt = True
    assert site.keys() == []


def test_what_is_delivered_makes_room_even_where_what_is_added_does_not_fit(site: Site) -> None:
    site.add(*(entry(number, pictures=4) for number in range(10)))
    ids = [stored.id for stored in site.batch()]
    with full_disk(site):
        site.thread.prompt = False
        site.outbox.next_batch()
        deleted, added = site.outbox.delivered(ids), site.outbox.add(entry(11, pictures=300))
        site.thread.run()
        site.thread.run()
        site.thread.prompt = True
        assert "full" in fault_of(added)
        assert succeeds(deleted)
        assert site.outbox.size.events == 0
        assert len(site.add(entry(12, pictures=30))) == 1


def test_what_could_not_be_deleted_is_not_handed_out_and_deleted_later(site: Site) -> None:
    site.add(entry(1), entry(2))
    site.batch()
    site.connection.execute("PRAGMA query_only = ON")
    assert "readonly" in fault_of(site.outbox.delivered([1]))
    assert site.outbox.size.events == 2
    assert site.keys() == []  # and it was opened anew, so it can be written again
    site.add(entry(3))
    assert site.outbox.size.events == 2
    site.reopen()
    assert site.keys() == ["2", "3"]


def test_the_fault_stays_until_something_is_written(site: Site) -> None:
    site.connection.execute("PRAGMA query_only = ON")
    fault_of(site.outbox.add(entry(1)))
    assert site.keys() == []
    assert site.fault() is not None


def test_the_fault_goes_when_a_sweep_can_write(site: Site) -> None:
    site.connection.execute("PRAGMA query_only = ON")
    fault_of(site.outbox.add(entry(1)))
    site.clock.advance(SWEEP_S)
    assert site.fault() is None


def test_a_disk_that_is_full_at_the_start(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add(entry(1))
    assert succeeds(site.outbox.close())
    with failing(monkeypatch, "recount", sqlite_error("database or disk is full", sqlite3.SQLITE_FULL), 3):
        site.open_again()
        assert site.fault() is not None
        assert "full" in fault_of(site.outbox.add(entry(2)))
    assert [type(report) for report in site.reports] == [Failing]
    site.add(entry(2))
    assert site.keys() == ["1", "2"]
    assert type(site.reports[-1]) is Working


def test_when_nothing_can_be_deleted_the_file_goes_once_all_is_done_with(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add(*(entry(number, pictures=2) for number in range(4)))
    site.batch()
    with failing(monkeypatch, "delete", sqlite_error("database or disk is full", sqlite3.SQLITE_FULL), 99):
        assert "full" in fault_of(site.outbox.delivered([1, 2, 77]))
        assert "full" in fault_of(site.outbox.undeliverable([3]))
        assert "full" in fault_of(site.outbox.delivered([99]))
        assert site.outbox.size.events == 4
        assert succeeds(site.outbox.delivered([4]))
    assert site.outbox.size.events == 0
    assert site.outbox.counters.events_dropped == {"undeliverable": 1}
    assert site.outbox.counters.pictures_dropped == {"undeliverable": 2}
    assert site.add(entry(5)) == [5]
    assert site.keys() == ["5"]
    assert site.fault() is None


def test_a_wal_beside_nothing_is_nothing(site: Site) -> None:
    """What is left when a process is killed while it removes its file."""
    site.add(entry(1))
    wal = site.path.with_name("outbox.sqlite3-wal")
    content = wal.read_bytes()
    assert succeeds(site.outbox.close())
    site.path.unlink()
    wal.write_bytes(content)
    site.open_again()
    assert (site.outbox.size.events, site.reports) == (0, [])


# A broken file


def corrupt(path: Path) -> None:
    """Overwrite all but the first page."""
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)


def set_aside_of(site: Site) -> list[str]:
    return sorted(path.name for path in site.directory.iterdir() if "corrupt" in path.name)


@pytest.mark.parametrize("content", [b"not a database at all, but long enough for a header" * 9, b"SQLite format 3\0", b"\0" * 8192])
def test_a_file_that_is_no_database(tmp_path: Path, make_site: MakeSite, content: bytes) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state" / "outbox.sqlite3").write_bytes(content)
    site = make_site()
    (report,) = site.reports
    assert isinstance(report, SetAside)
    assert (report.events, report.moved_to.read_bytes()) == (None, content)
    assert set_aside_of(site) == ["outbox.sqlite3.corrupt-20231114T221320Z"]
    assert site.outbox.counters.files_set_aside == 1
    assert site.fault() is None
    assert site.add(entry(1)) == [1]
    site.reopen()
    assert site.keys() == ["1"]


def test_a_file_that_was_damaged_while_the_bridge_was_off(site: Site) -> None:
    site.add(*(entry(number, pictures=9) for number in range(5)))
    assert succeeds(site.outbox.close())
    corrupt(site.path)
    site.open_again()
    assert [type(report) for report in site.reports] == [SetAside]
    assert site.outbox.size.events == 0


def test_a_file_that_is_damaged_under_the_bridge(site: Site) -> None:
    ids = site.add(*(entry(number, pictures=9) for number in range(5)))
    site.batch(0)
    site.reopen()  # so that all is in the file, and nothing in the cache
    corrupt(site.path)
    new = site.add(entry(7))
    (report,) = site.reports
    assert isinstance(report, SetAside)
    assert report.events == 5
    assert set_aside_of(site)[0] == report.moved_to.name
    assert site.outbox.size.events == 1
    assert min(new) > max(ids)  # so that a late `delivered` hits nothing new
    succeeds(site.outbox.delivered(ids))
    assert site.keys() == ["7"]


def test_what_was_on_its_way_takes_no_room_in_the_file_that_takes_the_place(make_site: MakeSite) -> None:
    site = make_site(max_bytes=2 * size_of(entry(1)))
    site.add(entry(1), entry(2))
    site.batch()
    site.outbox.give_back([1])
    site.connection.execute("UPDATE entry SET pictures = x'00'")
    assert site.keys() == []
    assert site.add(entry(3, event=bytes(len(entry(1).event) + size_of(entry(1))))) == [3]


def test_damage_that_shows_when_it_is_read(site: Site) -> None:
    site.add(entry(1, pictures=9), entry(2))
    site.connection.execute("UPDATE entry SET pictures = x'00' WHERE id = 1")
    assert site.keys() == []
    (report,) = site.reports
    assert isinstance(report, SetAside)
    assert report.reason.startswith("what is said of an entry's pictures: ")
    assert site.add(entry(2)) == [3]


@pytest.mark.parametrize("change", ["UPDATE picture SET payloads = x'00'", "UPDATE entry SET pictures = '[[\"t\", false, 5]]'"])
def test_pictures_of_another_length(site: Site, change: str) -> None:
    site.add(entry(1, pictures=2))
    site.connection.execute(change)
    assert site.keys() == []
    assert [type(report) for report in site.reports] == [SetAside]


def test_files_set_aside_in_the_same_second_do_not_meet(site: Site) -> None:
    for _ in range(3):
        site.add(entry(1))
        site.connection.execute("UPDATE entry SET pictures = x'00'")
        assert site.keys() == []
    names = [name for name in set_aside_of(site) if not name.endswith(("-wal", "-shm"))]
    stem = "outbox.sqlite3.corrupt-20231114T221320Z"
    assert names == [stem, f"{stem}-2", f"{stem}-3"]


def test_what_was_set_aside_can_be_read_with_its_wal(site: Site, tmp_path: Path) -> None:
    site.add(entry(1), entry(2))
    killed = tmp_path / "killed"  # as a process leaves it that is killed: with all of it in the WAL
    copytree(site.directory, killed)
    assert (killed / "outbox.sqlite3-wal").stat().st_size > 0
    moved_to = set_aside(killed / "outbox.sqlite3", site.wall())
    assert sorted(path.name for path in killed.iterdir()) == [moved_to.name, f"{moved_to.name}-wal"]
    with closing(sqlite3.connect(moved_to)) as connection:
        assert connection.execute("SELECT count(*) FROM entry").fetchone() == (2,)


def test_a_file_that_cannot_be_set_aside(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def rename(self: Path, target: Path) -> Path:
        raise OSError(errno.EROFS, "Read-only file system")

    site.add(entry(1, pictures=1))
    site.connection.execute("UPDATE entry SET pictures = x'00'")
    with monkeypatch.context() as patch:
        patch.setattr(Path, "rename", rename)
        assert fault_of(site.outbox.next_batch()).endswith("it cannot be set aside: Read-only file system")
    assert site.path.exists()


# A disk that fails


READ, WRITE, FSYNC = (sqlite3.SQLITE_IOERR | number << 8 for number in (1, 3, 4))


@pytest.mark.parametrize("code", [WRITE, FSYNC])
def test_what_could_not_be_written_is_not_confirmed_and_nothing_is_set_aside(
    site: Site, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    site.add(entry(1))
    with failing(monkeypatch, "insert", sqlite_error("disk I/O error", code), 1):
        assert fault_of(site.outbox.add(entry(2))).endswith("disk I/O error")
    assert set_aside_of(site) == []
    assert site.add(entry(2)) == [2]
    assert site.keys() == ["1", "2"]


def test_what_can_be_read_at_the_second_attempt_is_not_damaged(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add(entry(1))
    with failing(monkeypatch, "read", sqlite_error("disk I/O error", READ), 1):
        assert site.keys() == ["1"]
    assert site.reports == []


def test_what_can_not_be_read_is_set_aside(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add(entry(1))
    with failing(monkeypatch, "read", sqlite_error("disk I/O error", READ), 2):
        assert site.keys() == []
    assert [type(report) for report in site.reports] == [SetAside]


def test_what_cannot_even_be_opened(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add(entry(1))
    site.outbox._store._let_go()
    with failing(monkeypatch, "recount", sqlite_error("unable to open database file", sqlite3.SQLITE_CANTOPEN), 99):
        assert "unable to open" in fault_of(site.outbox.add(entry(2)))
        assert "unable to open" in fault_of(site.outbox.next_batch())
        assert site.outbox.holds("SN1")  # as last known: what is there is not overtaken
        assert site.outbox.size.events == 1
    assert site.keys() == ["1"]


def test_a_directory_that_is_gone(site: Site) -> None:
    site.outbox._store._let_go()
    site.path.unlink()
    site.directory.rename(site.directory.with_name("elsewhere"))
    assert "expected a file that the bridge can write" in fault_of(site.outbox.add(entry(1)))
    site.directory.with_name("elsewhere").rename(site.directory)
    assert site.add(entry(1)) == [1]


def test_what_cannot_be_written_at_all_is_a_defect_that_leaves_no_trace(site: Site) -> None:
    site.add(entry(1))
    site.thread.prompt = False
    site.outbox.next_batch(0)
    good, bad = site.outbox.add(entry(2)), site.outbox.add(replace(entry(3), kind="\ud800"))
    site.thread.run()
    with defects() as logged:
        site.thread.run()
    for done in (good, bad):
        with pytest.raises(UnicodeEncodeError):
            result_of(done)
    assert logged == ["UnicodeEncodeError"]
    site.thread.prompt = True
    site.add(entry(4))
    assert site.outbox.size.events == 2
    assert site.keys() == ["4"]


# What people must mend


def test_a_file_of_a_newer_bridge_stops_the_start(site: Site) -> None:
    site.add(entry(1))
    assert succeeds(site.outbox.close())
    with closing(sqlite3.connect(site.path)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(ConfigError, match=f"expected schema {len(UPGRADES)} or older, got schema 99, from a newer bridge"):
        site.open()
    assert set_aside_of(site) == []


@pytest.mark.parametrize("statement", ["CREATE TABLE recipe (name TEXT)", "PRAGMA application_id = 7"])
def test_another_programs_file_stops_the_start(tmp_path: Path, make_site: MakeSite, statement: str) -> None:
    (tmp_path / "state").mkdir()
    with closing(sqlite3.connect(tmp_path / "state" / "outbox.sqlite3")) as connection:
        connection.execute(statement)
    with pytest.raises(ConfigError, match="expected an outbox of qyzn-bridge, got another program's database"):
        make_site()


def test_a_directory_that_is_a_file_stops_the_start(tmp_path: Path, make_site: MakeSite) -> None:
    (tmp_path / "state").touch()
    with pytest.raises(ConfigError, match="expected a state directory, got a file"):
        make_site()


def test_the_result_of_a_batch_that_failed(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.add(entry(1), entry(2))
    with failing(monkeypatch, "read", sqlite_error("interrupted", sqlite3.SQLITE_INTERRUPT), 1):
        assert "interrupted" in fault_of(site.outbox.next_batch())
    assert [stored.entry.key for stored in result_of(site.outbox.next_batch())] == ["key-1", "key-2"]
