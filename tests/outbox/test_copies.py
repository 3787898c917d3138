"""What the broker has acknowledged, and may forget: kept in case it does, in nobody's way, and the first to go."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from bridge.outbox import Checkpoint, CopiesSize, Entry, Picture, Size
from bridge.outbox.bounds import SPARE_DISK_BYTES
from bridge.outbox.copies import Copies
from bridge.outbox.outbox import ACKNOWLEDGED_AFTER_S, SWEEP_S
from bridge.outbox.rows import Rows, size_of
from bridge.outbox.store import MOST_EXPIRED
from tests.outbox.conftest import MakeSite
from tests.outbox.site import JPEG, Site, entry, fault_of, succeeds

KEEP_S = 600.0
BARE = size_of(entry(0))
PICTURED = size_of(entry(0, pictures=1))


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    site = make_site(keep_s=KEEP_S)
    site.outbox.may_expire = True
    return site


def kept(site: Site) -> list[str]:
    """The keys of the copies, oldest first."""
    return [key for entry_id, key in rows_of(site) if entry_id in site.outbox._store._copies]


def deliver(site: Site, *entries: Entry) -> list[int]:
    ids = site.add(*entries)
    site.delivered(ids)
    return ids


def waits(site: Site) -> list[str]:
    """The keys of what waits, oldest first."""
    return [key for entry_id, key in rows_of(site) if entry_id not in site.outbox._store._copies]


def rows_of(site: Site) -> list[tuple[int, str]]:
    return [(row[0], row[1].removeprefix("key-")) for row in site.connection.execute("SELECT id, key FROM entry ORDER BY id")]


def test_what_is_delivered_is_kept_and_holds_nothing_up(site: Site) -> None:
    deliver(site, entry(1, pictures=1), entry(2))
    assert not site.outbox.holds("SN1")
    assert site.outbox.size == Size(0, 0, None)
    assert site.outbox.copies == CopiesSize(2, BARE + PICTURED, 0)
    assert site.keys() == []


def test_an_acknowledgement_costs_no_transaction(site: Site) -> None:
    ids = site.add(entry(1), entry(2))
    statements: list[str] = []
    site.connection.set_trace_callback(statements.append)
    site.delivered(ids)
    assert {sql.split()[0] for sql in statements} == {"SELECT"}


def test_what_was_recalled_is_handed_out_in_its_old_order_before_what_is_newer(site: Site) -> None:
    full = entry(1, pictures=2)
    (first,) = deliver(site, full)
    deliver(site, entry(2), entry(3, "SN2"))
    site.add(entry(4))
    assert succeeds(site.outbox.recall())
    assert [site.outbox.holds(serial) for serial in ("SN1", "SN2", "SN3")] == [True, True, False]
    assert site.outbox.copies.events == 0
    batch = site.batch()
    assert [stored.entry.key for stored in batch] == ["key-1", "key-3", "key-2", "key-4"]
    assert (batch[0].id, batch[0].entry) == (first, full)


def test_what_was_recalled_and_delivered_is_kept_once_more(site: Site) -> None:
    ids = deliver(site, entry(1), entry(2))
    succeeds(site.outbox.recall())
    assert site.keys() == ["1", "2"]
    site.delivered(ids)
    assert site.outbox.copies.events == 2
    assert site.keys() == []
    succeeds(site.outbox.recall())
    assert site.keys() == ["1", "2"]


def test_what_is_on_its_way_is_not_recalled_to_be_sent_twice(site: Site) -> None:
    deliver(site, entry(1))
    site.add(entry(2))
    assert site.keys() == ["2"]
    succeeds(site.outbox.recall())
    assert site.keys() == ["1"]


def test_what_is_acknowledged_in_the_same_round_is_recalled(site: Site) -> None:
    ids = site.add(entry(1))
    site.thread.prompt = False
    site.outbox.next_batch()
    acknowledged, recalled = site.outbox.delivered(ids), site.outbox.recall()
    site.thread.prompt = True
    site.thread.run()
    assert succeeds(acknowledged)
    assert succeeds(recalled)
    assert site.outbox.size.events == 1


def test_a_record_that_comes_again_waits_again_and_is_not_kept_twice(site: Site) -> None:
    (first,) = deliver(site, entry(1))
    deliver(site, entry(2))
    checkpoint = site.outbox.checkpoint
    assert site.add(entry(1)) == [first]
    assert (site.outbox.held("SN1"), site.outbox.copies.events) == (1, 1)
    assert site.outbox.checkpoint.below == first < checkpoint.below
    assert site.keys() == ["1"]
    site.delivered([first])
    assert (site.outbox.held("SN1"), site.outbox.copies.events) == (0, 2)


def test_what_is_undeliverable_after_all_counts_as_dropped(site: Site) -> None:
    ids = deliver(site, entry(1, pictures=1))
    succeeds(site.outbox.recall())
    succeeds(site.outbox.undeliverable(ids))
    assert site.outbox.counters.events_dropped == {"undeliverable": 1}
    assert site.outbox.copies.events == 0


def test_without_keeping_everything_is_as_it_was(make_site: MakeSite) -> None:
    site = make_site()
    deliver(site, entry(1))
    assert site.outbox.copies == CopiesSize(0, 0, 0)
    assert site.connection.execute("SELECT count(*) FROM entry").fetchone() == (0,)
    assert succeeds(site.outbox.recall())


def test_a_closed_outbox_recalls_nothing(site: Site) -> None:
    succeeds(site.outbox.close())
    assert fault_of(site.outbox.recall()) == "the outbox is closed"


# How long


def test_copies_go_after_a_while_each_at_its_time(site: Site) -> None:
    deliver(site, entry(1, pictures=1))
    site.clock.advance(KEEP_S - SWEEP_S / 2)
    deliver(site, entry(2))
    assert kept(site) == ["1", "2"]
    site.clock.advance(SWEEP_S)
    assert kept(site) == ["2"]
    assert (site.reports, site.outbox.copies) == ([], CopiesSize(1, BARE, 0))
    site.clock.advance(KEEP_S + SWEEP_S)
    assert site.outbox.copies.events == 0
    assert site.connection.execute("SELECT count(*) FROM picture").fetchone() == (0,)


def test_they_go_with_what_is_added_meanwhile(site: Site) -> None:
    deliver(site, entry(1))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(site.outbox._queue, "sweep", lambda: None)
        site.clock.advance(KEEP_S + 1)
    site.add(entry(2))
    assert kept(site) == []


def test_many_go_one_part_after_the_other(site: Site) -> None:
    count = 2 * MOST_EXPIRED + 1
    deliver(site, *(entry(number) for number in range(count)))
    commits: list[str] = []
    site.connection.set_trace_callback(lambda sql: commits.append(sql) if sql == "COMMIT" else None)
    site.clock.advance(KEEP_S + SWEEP_S)
    assert site.outbox.copies.events == 0
    assert len(commits) == 3


def test_nothing_goes_while_nobody_knows_what_the_broker_has_forgotten(site: Site) -> None:
    deliver(site, entry(1))
    site.outbox.may_expire = False
    for _ in range(30):
        site.clock.advance(SWEEP_S)
    site.add(entry(2))
    assert kept(site) == ["1"]
    assert succeeds(site.outbox.recall())
    assert site.keys() == ["1", "2"]


# Bounds


def test_copies_give_way_first_and_nothing_is_reported_as_lost(make_site: MakeSite) -> None:
    site = make_site(max_events=3, keep_s=KEEP_S)
    site.add(entry(1))
    deliver(site, entry(2, "SN2"))
    site.add(entry(3))
    site.add(entry(4))
    assert (waits(site), kept(site)) == (["1", "3", "4"], [])
    assert site.reports == []
    assert site.outbox.copies == CopiesSize(0, 0, 1)
    site.add(entry(5))
    assert waits(site) == ["3", "4", "5"]
    assert site.outbox.counters.events_dropped == {"rows": 1}


def test_copies_give_way_before_pictures_do_and_no_more_than_must(make_site: MakeSite) -> None:
    site = make_site(max_bytes=4 * PICTURED, keep_s=KEEP_S)
    site.add(entry(1, pictures=1))
    deliver(site, entry(2, pictures=1), entry(3, pictures=1))
    site.add(entry(4, pictures=1))
    assert kept(site) == ["2", "3"]
    site.add(entry(5, pictures=1))
    assert kept(site) == ["3"]
    site.add(entry(6, pictures=1))
    assert (waits(site), kept(site)) == (["1", "4", "5", "6"], [])
    assert site.reports == []
    site.add(entry(7, pictures=1))
    assert site.outbox.counters.pictures_dropped == {"bytes": 2}


def test_the_copy_that_was_acknowledged_first_goes_first(make_site: MakeSite) -> None:
    site = make_site(max_events=3, keep_s=KEEP_S)
    ids = site.add(entry(1), entry(2), entry(3))
    for entry_id in (ids[1], ids[2], ids[0]):
        site.delivered([entry_id])
    site.add(entry(4))
    assert kept(site) == ["1", "3"]


def test_copies_take_no_room_from_what_is_on_its_way(make_site: MakeSite) -> None:
    site = make_site(max_events=2, keep_s=KEEP_S)
    deliver(site, entry(1), entry(2))
    assert succeeds(site.outbox.add(entry(3)))
    assert succeeds(site.outbox.add(entry(4)))
    assert (site.keys(), site.outbox.copies.events) == (["3", "4"], 0)


def test_copies_leave_room_on_a_small_disk(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    deliver(site, *(entry(number, pictures=1) for number in range(4)))

    class Usage:
        free = SPARE_DISK_BYTES - 1

    monkeypatch.setattr("bridge.outbox.bounds.disk_usage", lambda path: Usage)
    deliver(site, entry(9, pictures=1))
    assert kept(site) == ["1", "2", "3", "9"]
    assert (site.reports, site.outbox.copies.dropped) == ([], 1)
    monkeypatch.setattr("bridge.outbox.bounds.disk_usage", raising(OSError("no such directory")))
    deliver(site, entry(10, pictures=1))
    assert kept(site) == ["1", "2", "3", "9", "10"]


# What becomes of them when something breaks


def test_a_transaction_that_was_undone_takes_no_copies_with_it(make_site: MakeSite, monkeypatch: pytest.MonkeyPatch) -> None:
    site = make_site(max_events=3, keep_s=KEEP_S)
    deliver(site, entry(1), entry(2), entry(3))
    (pages,) = site.connection.execute("PRAGMA page_count").fetchone()
    site.connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    huge = replace(entry(4), pictures=(Picture("t", JPEG * 40),))
    with monkeypatch.context() as patch:
        patch.setattr("bridge.outbox.store.Store._begin_anew", lambda self: False)
        assert "full" in fault_of(site.outbox.add(huge))
    site.connection.execute("PRAGMA max_page_count = 1000000")
    assert kept(site) == ["1", "2", "3"]
    assert site.outbox.copies == CopiesSize(3, 3 * BARE, 0)
    assert not site.outbox.holds("SN1")
    assert succeeds(site.outbox.add(huge))
    assert (kept(site), site.outbox.copies.dropped) == (["2", "3"], 1)


def test_a_file_that_was_opened_anew_has_its_copies(site: Site) -> None:
    ids = deliver(site, entry(1))
    site.add(entry(2))
    site.connection.execute("PRAGMA query_only = ON")
    fault_of(site.outbox.add(entry(3)))
    site.add(entry(3))
    assert (kept(site), waits(site)) == (["1"], ["2", "3"])
    succeeds(site.outbox.recall())
    assert [stored.id for stored in site.batch()][:1] == ids


def test_on_a_full_disk_copies_go_with_the_file_rather_than_that_terminals_are_not_answered(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliver(site, *(entry(number, pictures=3) for number in range(5)))
    (pages,) = site.connection.execute("PRAGMA page_count").fetchone()
    site.connection.execute(f"PRAGMA max_page_count = {pages + 1}")
    assert "full" in fault_of(site.outbox.add(entry(7, pictures=30)))
    assert succeeds(site.outbox.add(entry(7, pictures=30)))
    assert (waits(site), kept(site), site.outbox.copies.dropped) == (["7"], [], 5)
    assert site.outbox.counters.events_dropped == {}


def test_another_fault_than_a_full_disk_costs_no_copies(site: Site) -> None:
    deliver(site, entry(1))
    site.connection.execute("PRAGMA query_only = ON")
    assert "readonly" in fault_of(site.outbox.add(entry(2)))
    assert kept(site) == ["1"]


def test_copies_of_a_damaged_file_are_not_looked_for_in_the_one_that_takes_its_place(site: Site) -> None:
    deliver(site, entry(1))
    site.add(entry(2))
    site.connection.execute("UPDATE entry SET pictures = x'00'")
    assert site.keys() == []
    assert (site.outbox.copies.events, kept(site)) == (0, [])
    assert site.add(entry(3)) == [3]
    assert succeeds(site.outbox.recall())
    assert site.keys() == ["3"]


@pytest.mark.parametrize("method", ["recall", "acknowledge"])
def test_a_file_that_cannot_be_read_for_once(site: Site, monkeypatch: pytest.MonkeyPatch, method: str) -> None:
    deliver(site, entry(1))
    ids = site.add(entry(2))
    assert site.keys() == ["2"]
    with monkeypatch.context() as patch:
        patch.setattr(Rows, method, raising(sqlite3.OperationalError("interrupted")))
        failed = {"recall": site.outbox.recall, "acknowledge": lambda: site.outbox.delivered(ids)}[method]()
        site.clock.advance(ACKNOWLEDGED_AFTER_S)
        assert "interrupted" in fault_of(failed)
    assert site.outbox.copies.events == 1
    assert site.keys() == ([] if method == "recall" else ["2"])
    assert succeeds(site.outbox.recall())
    assert site.keys() == ["1"]


# After the end


@pytest.mark.parametrize("ending", [Site.reopen, Site.crash])
def test_after_a_restart_everything_can_be_recalled(site: Site, ending: Callable[[Site], None]) -> None:
    deliver(site, entry(1))
    site.add(entry(2))
    deliver(site, entry(3, pictures=1))
    ending(site)
    assert succeeds(site.outbox.recall())
    assert site.keys() == ["1", "2", "3"]


def test_what_was_acknowledged_before_the_end_is_no_loss_after_it(make_site: MakeSite) -> None:
    site = make_site(max_events=3, keep_s=KEEP_S)
    deliver(site, entry(1), entry(2))
    site.add(entry(3))
    site.reopen()
    assert (site.outbox.size.events, site.outbox.copies.events) == (1, 2)
    site.add(entry(4), entry(5))
    assert (waits(site), site.reports, site.outbox.copies.dropped) == (["3", "4", "5"], [], 2)


def test_the_note_of_what_was_acknowledged_outlives_a_kill(site: Site) -> None:
    deliver(site, entry(1))
    site.clock.advance(SWEEP_S)
    deliver(site, entry(2))
    site.crash()
    assert (kept(site), waits(site)) == (["1"], ["2"])


def test_what_was_recalled_is_no_copy_after_a_kill(site: Site) -> None:
    deliver(site, entry(1))
    site.clock.advance(SWEEP_S)
    succeeds(site.outbox.recall())
    site.crash()
    assert (kept(site), waits(site)) == ([], ["1"])


def test_new_entries_are_never_taken_for_what_was_acknowledged_before(site: Site) -> None:
    (first,) = deliver(site, entry(1))
    site.clock.advance(KEEP_S + SWEEP_S)
    assert site.connection.execute("SELECT count(*) FROM entry").fetchone() == (0,)
    site.crash()
    assert site.add(entry(2)) > [first]
    site.crash()
    assert (kept(site), waits(site)) == ([], ["2"])


def test_copies_are_no_copies_where_none_are_to_be_kept(site: Site) -> None:
    deliver(site, entry(1))
    site.limits = replace(site.limits, keep_s=0.0)
    site.reopen()
    assert site.keys() == ["1"]
    site.delivered([1])
    assert site.connection.execute("SELECT count(*) FROM entry").fetchone() == (0,)


# By itself


def test_copies_in_their_order() -> None:
    copies = Copies()
    for entry_id, service_s in ((3, 1.0), (1, 2.0), (2, 2.0)):
        copies.add(entry_id, service_s)
    assert (len(copies), copies.oldest(), 3 in copies, 4 in copies) == (3, 3, True, False)
    assert [copies.have_until(service_s) for service_s in (0.5, 1.0)] == [False, True]
    taken = [entry_id for entry_id in copies.acknowledged_by(1.5) if copies.take(entry_id)]
    assert taken == [3]
    assert not copies.take(3)
    assert copies.take(1)
    copies.undone()
    assert [copies.oldest(), len(copies)] == [3, 3]
    assert copies.take(3)
    copies.committed()
    copies.undone()
    assert copies.oldest() == 1
    copies.retain([2, 9])
    assert (len(copies), copies.oldest()) == (1, 2)


def test_acknowledgements_wait_for_others_and_for_whatever_is_asked(site: Site) -> None:
    ids = site.add(entry(1), entry(2), entry(3))
    first = site.outbox.delivered(ids[:1])
    site.clock.advance(ACKNOWLEDGED_AFTER_S / 2)
    second = site.outbox.delivered(ids[1:2])
    assert (first.called, second.called, site.outbox.held("SN1")) == (False, False, 3)
    site.clock.advance(ACKNOWLEDGED_AFTER_S / 2)
    assert (first.called, second.called, site.outbox.held("SN1")) == (True, True, 1)
    third = site.outbox.delivered(ids[2:])
    site.batch()
    assert third.called
    site.clock.advance(ACKNOWLEDGED_AFTER_S)
    assert site.outbox.copies.events == 3


def test_acknowledgements_are_known_at_once_where_somebody_waits_for_it(site: Site) -> None:
    ids = site.add(entry(1))
    acknowledged, settled = site.outbox.delivered(ids), site.outbox.settle()
    assert (acknowledged.called, succeeds(settled)) == (True, True)
    assert site.outbox.checkpoint.below == ids[0] + 1
    assert succeeds(site.outbox.settle())
    assert succeeds(site.outbox.close())
    assert fault_of(site.outbox.settle()) == "the outbox is closed"


def test_acknowledgements_that_wait_are_known_at_the_end(site: Site) -> None:
    done = site.outbox.delivered(site.add(entry(1)))
    site.reopen()
    assert succeeds(done)
    assert kept(site) == ["1"]


# Checkpoints


def recalled(site: Site, checkpoint: Checkpoint | None) -> list[str]:
    assert succeeds(site.outbox.recall(checkpoint))
    return waits(site)


def test_a_checkpoint_is_before_the_first_that_waits(site: Site) -> None:
    assert site.outbox.checkpoint.below <= 1
    ids = deliver(site, entry(1), entry(2))
    assert site.outbox.checkpoint.below == ids[-1] + 1
    (waiting,) = site.add(entry(3))
    deliver(site, entry(4))
    assert site.outbox.checkpoint.below == waiting


def test_only_what_was_acknowledged_since_a_checkpoint_is_recalled(site: Site) -> None:
    deliver(site, entry(1), entry(2, "SN2"))
    checkpoint = site.outbox.checkpoint
    deliver(site, entry(3))
    site.add(entry(4))
    assert recalled(site, checkpoint) == ["3", "4"]
    assert [site.outbox.holds(serial) for serial in ("SN1", "SN2")] == [True, False]
    assert (site.outbox.copies.events, site.outbox.size.events) == (2, 2)
    assert recalled(site, None) == ["1", "2", "3", "4"]
    assert recalled(site, checkpoint) == ["3", "4"]


def test_what_the_checkpoint_covers_keeps_its_time(site: Site) -> None:
    deliver(site, entry(1))
    site.clock.advance(KEEP_S - SWEEP_S / 2)
    assert recalled(site, site.outbox.checkpoint) == []
    site.clock.advance(SWEEP_S)
    assert kept(site) == []


@pytest.mark.parametrize("ending", [Site.reopen, Site.crash])
def test_a_checkpoint_outlives_a_restart_but_says_nothing_of_what_came_since(site: Site, ending: Callable[[Site], None]) -> None:
    deliver(site, entry(1), entry(2))
    checkpoint = site.outbox.checkpoint
    deliver(site, entry(3))
    ending(site)
    far = replace(checkpoint, below=checkpoint.below + 100)
    site.add(entry(4))
    assert recalled(site, checkpoint) == ["3", "4"]
    assert recalled(site, far) == ["4"]


def test_a_checkpoint_outlives_many_restarts_and_says_nothing_of_what_came_since(site: Site) -> None:
    deliver(site, entry(1))
    checkpoint = replace(site.outbox.checkpoint, below=99)
    site.reopen()
    assert recalled(site, checkpoint) == []
    deliver(site, entry(2))
    site.reopen()
    deliver(site, entry(3))
    site.crash()
    assert recalled(site, checkpoint) == ["2", "3"]
    with sqlite_of(site) as connection:
        connection.execute("UPDATE run SET number = number + 1000 WHERE number > 1")
    site.reopen()
    assert recalled(site, checkpoint) == ["1", "2", "3"]


def test_a_run_in_which_nothing_was_kept_is_a_run(site: Site) -> None:
    deliver(site, entry(1), entry(2), entry(3))
    checkpoint = site.outbox.checkpoint
    site.limits = replace(site.limits, keep_s=0.0)
    site.crash()
    site.delivered([1, 2, 3])
    with sqlite_of(site) as connection:
        connection.execute("UPDATE service SET acknowledged_below = 0")
    assert site.add(entry(4)) == [1]
    site.limits = replace(site.limits, keep_s=KEEP_S)
    site.crash()
    assert recalled(site, checkpoint) == ["4"]


def test_ids_that_are_given_once_more_are_not_taken_for_older_ones(site: Site) -> None:
    deliver(site, entry(1), entry(2), entry(3))
    checkpoint = site.outbox.checkpoint
    site.clock.advance(KEEP_S + SWEEP_S)
    with sqlite_of(site) as connection:
        connection.execute("UPDATE service SET acknowledged_below = 0")
    assert site.add(entry(4)) == [1]
    assert recalled(site, checkpoint) == ["4"]


def test_a_backup_that_was_put_back(site: Site, tmp_path: Path) -> None:
    deliver(site, entry(1))
    succeeds(site.outbox.close())
    backup = site.path.read_bytes()
    site.open_again()
    deliver(site, entry(2))
    checkpoint = site.outbox.checkpoint
    succeeds(site.outbox.close())
    site.path.write_bytes(backup)
    site.open_again()
    site.add(entry(3))
    site.reopen()
    assert recalled(site, checkpoint) == ["1", "3"]


def test_a_checkpoint_of_another_file(site: Site) -> None:
    deliver(site, entry(1))
    assert recalled(site, Checkpoint("another", 99)) == ["1"]


def test_a_checkpoint_of_a_file_that_was_damaged(site: Site) -> None:
    deliver(site, entry(1), entry(2))
    checkpoint = site.outbox.checkpoint
    site.add(entry(3))
    site.connection.execute("UPDATE entry SET pictures = x'00'")
    assert site.keys() == []
    deliver(site, entry(4))
    assert recalled(site, checkpoint) == ["4"]
    later = site.outbox.checkpoint
    site.crash()
    assert recalled(site, later) == ["4"]


def test_a_disk_that_is_too_full_to_learn_of_a_run(site: Site) -> None:
    deliver(site, entry(1))
    checkpoint = site.outbox.checkpoint
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Rows, "begin_run", raising(sqlite3.OperationalError("database or disk is full")))
        site.reopen()
        assert site.outbox.fault is None
        own = replace(site.outbox.checkpoint, below=2)
        assert recalled(site, checkpoint) == ["1"]
        assert recalled(site, own) == []
        (second,) = site.add(entry(2))
    assert second > 1 << 40, "no run that the file knows has given it"
    site.reopen()
    assert recalled(site, own) == ["1", "2"]
    assert recalled(site, checkpoint) == ["2"]


@contextmanager
def sqlite_of(site: Site) -> Iterator[sqlite3.Connection]:
    """The file, while no bridge has it open."""
    succeeds(site.outbox.close())
    with closing(sqlite3.connect(site.path, isolation_level=None)) as connection:
        yield connection
    site.open_again()


def raising(error: Exception) -> Callable[..., None]:
    def fail(*arguments: object) -> None:
        raise error

    return fail
