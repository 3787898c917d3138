from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from twisted.internet.defer import Deferred

from bridge.errors import StorageFault
from bridge.outbox import Dropped, Size
from bridge.outbox.outbox import CLOSE_S, SWEEP_S
from bridge.outbox.store import Store
from bridge.outbox.work import Work
from tests.outbox.conftest import MakeSite
from tests.outbox.site import JPEG, WALL, Site, defects, entry, fault_of, result_of, succeeds


def commits(site: Site) -> list[str]:
    """What is committed from now on."""
    statements: list[str] = []
    site.connection.set_trace_callback(lambda sql: statements.append(sql) if sql == "COMMIT" else None)
    return statements


def test_what_is_added_comes_out_as_it_was(site: Site) -> None:
    full = entry(1, pictures=3)
    (entry_id,) = site.add(full)
    (stored,) = site.batch()
    assert (stored.id, stored.added_at, stored.entry) == (entry_id, WALL, full)


def test_what_was_confirmed_is_there_after_the_end(site: Site) -> None:
    site.add(entry(1, pictures=2), entry(2, "SN2"))
    site.reopen()
    assert site.outbox.size == Size(2, site.outbox.size.bytes, 0.0)
    assert [stored.entry for stored in site.batch()] == [entry(1, pictures=2), entry(2, "SN2")]


def test_what_was_confirmed_is_there_after_a_crash(site: Site) -> None:
    site.add(entry(1), entry(2))
    site.crash()
    assert site.keys() == ["1", "2"]


def test_all_that_is_queued_goes_into_one_transaction(site: Site) -> None:
    statements = commits(site)
    site.thread.prompt = False
    first = site.outbox.add(entry(0))
    others = [site.outbox.add(entry(number)) for number in range(1, 500)]
    site.thread.run()
    assert (first.called, statements) == (True, ["COMMIT"])
    assert not any(each.called for each in others)
    site.thread.run()
    assert statements == ["COMMIT"] * 2
    assert [result_of(each) for each in (first, *others)] == list(range(1, 501))


def test_nothing_is_confirmed_before_it_is_committed(site: Site, tmp_path: Path) -> None:
    site.thread.prompt = False
    found = []
    done = site.outbox.add(entry(1)).addCallback(lambda _: found.append(site.connection.execute("SELECT key FROM entry").fetchall()))
    assert not done.called
    site.thread.run()
    assert found == [[("key-1",)]]


def test_the_same_event_is_kept_once(site: Site) -> None:
    site.thread.prompt = False
    first = site.outbox.add(entry(1))
    again = [site.outbox.add(entry(1)) for _ in range(2)]
    site.thread.run()
    site.thread.run()
    site.thread.prompt = True
    assert [result_of(each) for each in (first, *again)] == [1, 1, 1]
    assert site.keys() == ["1"]
    assert site.add(entry(1)) == [1]
    assert site.outbox.size.events == 1
    site.reopen()
    assert site.add(entry(1)) == [1]


def test_the_first_of_two_with_one_key_stays(site: Site) -> None:
    site.add(entry(1), replace(entry(1), event=b"another"))
    assert site.batch()[0].entry == entry(1)


def test_an_event_that_was_delivered_may_come_again(site: Site) -> None:
    site.add(entry(1))
    assert succeeds(site.outbox.delivered([1]))
    assert site.add(entry(1)) == [2]  # an id is given once


def test_holding_begins_with_add_and_ends_with_the_deletion(site: Site) -> None:
    site.thread.prompt = False
    site.outbox.add(entry(1))
    assert (site.outbox.holds("SN1"), site.outbox.holds("SN2")) == (True, False)
    site.thread.run()
    assert site.outbox.holds("SN1")
    batch = site.outbox.next_batch()
    site.thread.run()
    assert [stored.id for stored in result_of(batch)] == [1]
    held_then: list[bool] = []
    site.outbox.delivered([1]).addCallback(lambda _: held_then.append(site.outbox.holds("SN1")))
    assert site.outbox.holds("SN1")
    site.thread.run()
    assert held_then == [False]


def test_what_could_not_be_added_is_not_held(make_site: MakeSite) -> None:
    site = make_site(max_bytes=1000)
    assert "do not fit" in fault_of(site.outbox.add(entry(1, pictures=1)))
    assert not site.outbox.holds("SN1")


def test_holding_is_known_after_the_start(site: Site) -> None:
    site.add(entry(1, "SN1"), entry(2, "SN2"))
    site.reopen()
    assert [site.outbox.holds(serial) for serial in ("SN1", "SN2", "SN3")] == [True, True, False]


def test_the_size(site: Site) -> None:
    assert site.outbox.size == Size(0, 0, None)
    site.add(entry(1))
    site.clock.advance(5)
    site.add(entry(2, pictures=2))
    assert site.outbox.size.events == 2
    assert 2 * len(JPEG) < site.outbox.size.bytes < 2 * len(JPEG) + 1500
    assert site.outbox.size.oldest_age_s == 5.0
    succeeds(site.outbox.delivered([1]))
    site.clock.advance(2)
    assert site.outbox.size.oldest_age_s == 2.0
    site.wall_offset -= 86_400
    assert site.outbox.size.oldest_age_s == 0.0
    succeeds(site.outbox.delivered([2]))
    assert site.outbox.size == Size(0, 0, None)


def test_batches_of_more_than_a_transaction_takes_are_parted(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.outbox.rounds.MOST_IN_A_ROUND_BYTES", 2500)
    statements = commits(site)
    site.thread.prompt = False
    added = [site.outbox.add(entry(number, pictures=1)) for number in range(5)]  # some 1.3 kB each
    site.thread.prompt = True
    site.thread.run()
    assert [result_of(each) for each in added] == [1, 2, 3, 4, 5]
    assert len(statements) == 5


def test_one_that_is_larger_than_a_transaction_goes_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.outbox.rounds.MOST_IN_A_ROUND_BYTES", 100)
    assert site.add(entry(1, pictures=9)) == [1]


def test_terminals_are_told_to_pause(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bridge.outbox.rounds.HIGH_WATER_BYTES", 5000)
    monkeypatch.setattr("bridge.outbox.rounds.LOW_WATER_BYTES", 2000)
    assert succeeds(site.outbox.when_drained())
    site.thread.prompt = False
    for number in range(5):
        site.outbox.add(entry(number, pictures=1))
    assert site.outbox.congested
    drained = site.outbox.when_drained()
    site.thread.run()
    assert (site.outbox.congested, drained.called) == (True, False)
    site.thread.run()
    assert (site.outbox.congested, drained.called) == (False, True)


def test_closing_commits_what_is_queued(site: Site) -> None:
    site.thread.prompt = False
    added = [site.outbox.add(entry(number)) for number in range(3)]
    closed = site.outbox.close()
    assert fault_of(site.outbox.add(entry(3))) == "the outbox is closed"
    assert not closed.called
    site.thread.prompt = True
    site.thread.run()
    assert [result_of(each) for each in added] == [1, 2, 3]
    assert succeeds(closed)
    assert site.thread.is_stopped
    assert not site.clock.getDelayedCalls()
    site.open_again()
    assert site.keys() == ["0", "1", "2"]


def test_nothing_can_be_asked_of_a_closed_outbox(site: Site) -> None:
    succeeds(site.outbox.close())
    for done in (site.outbox.add(entry(1)), site.outbox.next_batch(), site.outbox.delivered([1]), site.outbox.undeliverable([1])):
        assert fault_of(done) == "the outbox is closed"
    site.outbox.give_back([1])


def test_closing_waits_no_longer_than_it_may(site: Site) -> None:
    site.thread.prompt = False
    under_way, queued = site.outbox.add(entry(1)), site.outbox.add(entry(2))
    deleted = site.outbox.delivered([7])
    closed = site.outbox.close()
    site.clock.advance(CLOSE_S)
    assert succeeds(closed)
    for done in (under_way, queued, deleted):
        assert fault_of(done) == "the outbox was closed before this was committed"
    assert not site.clock.getDelayedCalls()
    with defects() as logged:
        site.thread.run()  # the disk has come back, and nobody is told twice
    assert logged == []
    assert (site.thread.is_stopped, len(site.thread.calls)) == (False, 0)
    site.outbox._store.close(0.0)


def test_a_defect_fails_its_round_and_no_other(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(store: Store, work: Work) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch, defects() as logged:
        patch.setattr(Store, "perform", broken)
        done = site.outbox.add(entry(1))
        with pytest.raises(ZeroDivisionError):
            result_of(done)
    assert logged == ["ZeroDivisionError"]
    assert not site.outbox.holds("SN1")
    assert site.add(entry(2)) == [1]


def test_nothing_is_asked_of_the_thread_for_nothing(site: Site) -> None:
    site.thread.prompt = False
    assert succeeds(site.outbox.delivered([]))
    site.outbox.give_back([])
    site.clock.advance(SWEEP_S)
    assert not site.thread.calls


def test_cancelling_takes_nothing_back(site: Site) -> None:
    site.thread.prompt = False
    done: Deferred[object] = site.outbox.add(entry(1)).addErrback(lambda _: "cancelled")
    done.cancel()
    assert result_of(done) == "cancelled"
    site.thread.prompt = True
    site.thread.run()
    assert site.keys() == ["1"]


def test_what_is_dropped_is_counted_and_reported(make_site: MakeSite) -> None:
    site = make_site(max_events=2)
    site.add(entry(1, pictures=2), entry(2), entry(3), entry(4))
    assert site.reports == [Dropped("rows", 1, 2), Dropped("rows", 1, 0)]
    assert site.outbox.counters.events_dropped == {"rows": 2}
    assert site.outbox.counters.pictures_dropped == {"rows": 2}


def test_an_observer_that_fails_stops_nothing(make_site: MakeSite) -> None:
    site = make_site(max_events=1)

    def broken(report: object) -> None:
        raise StorageFault("defect")

    site.outbox._observer = broken
    with defects() as logged:
        assert site.add(entry(1), entry(2), entry(3)) == [1, 2, 3]
    assert logged == ["StorageFault"] * 2
