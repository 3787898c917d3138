from __future__ import annotations

from dataclasses import replace

import pytest

from bridge.outbox import Dropped, Picture
from bridge.outbox.outbox import SWEEP_S
from bridge.outbox.rows import size_of
from tests.outbox.conftest import MakeSite
from tests.outbox.site import JPEG, Site, entry, fault_of, succeeds

BARE = size_of(entry(0))
PICTURED = size_of(entry(0, pictures=1))


def left(site: Site) -> list[tuple[str, bool]]:
    """The keys of what there is, and whether each has its pictures."""
    return [(each.entry.key.removeprefix("key-"), all(shot.payload is not None for shot in each.entry.pictures)) for each in site.batch()]


def test_beyond_so_many_events_the_oldest_go(make_site: MakeSite) -> None:
    site = make_site(max_events=3)
    site.add(*(entry(number, f"SN{number % 2}") for number in range(5)))
    assert sorted(site.keys()) == ["2", "3", "4"]
    assert site.outbox.size.events == 3


def test_pictures_go_before_events_and_the_oldest_before_newer_ones(make_site: MakeSite) -> None:
    site = make_site(max_bytes=3 * PICTURED)
    site.add(entry(0), entry(1, pictures=1), entry(2, pictures=1))
    site.add(entry(3, pictures=1))
    assert site.reports == [Dropped("bytes", 0, 1)]
    site.add(entry(4))
    assert site.reports == [Dropped("bytes", 0, 1)]
    site.add(entry(5, pictures=1))
    assert left(site) == [("0", True), ("1", False), ("2", False), ("3", True), ("4", True), ("5", True)]
    assert site.outbox.counters.pictures_dropped == {"bytes": 2}
    assert site.outbox.size.bytes <= 3 * PICTURED


def test_an_event_whose_pictures_were_dropped_still_names_them(make_site: MakeSite) -> None:
    site = make_site(max_bytes=size_of(entry(0, pictures=2)) + BARE)
    site.add(entry(0, pictures=2), entry(1), entry(2))
    shots = site.batch()[0].entry.pictures
    assert shots == (Picture("qyzn/SN1/image/0", None), Picture("qyzn/SN1/image/1", None, retain=True))


def test_without_pictures_the_oldest_events_go(make_site: MakeSite) -> None:
    site = make_site(max_bytes=3 * BARE)
    site.add(*(entry(number) for number in range(5)))
    assert left(site) == [("2", True), ("3", True), ("4", True)]
    assert site.outbox.counters.events_dropped == {"bytes": 2}


def test_no_more_goes_than_must(make_site: MakeSite) -> None:
    site = make_site(max_bytes=4 * BARE)
    site.add(*(entry(number) for number in range(4)), entry(9, event=b'{"event_id": 1}'.ljust(BARE + 15)))
    assert site.outbox.size.events == 3
    site.reports.clear()
    site.add(entry(9))
    assert site.reports == []


def test_one_that_can_never_fit_drops_nothing(make_site: MakeSite) -> None:
    site = make_site(max_bytes=2 * PICTURED)
    site.add(entry(0, pictures=1))
    huge = replace(entry(1), pictures=(Picture("t", JPEG * 3),))
    assert fault_of(site.outbox.add(huge)) == f"the outbox is full: {size_of(huge)} bytes do not fit"
    assert left(site) == [("0", True)]
    assert (site.reports, site.fault()) == ([], None)  # others may fit


def test_one_that_does_not_fit_does_not_take_the_others_of_its_round_with_it(make_site: MakeSite) -> None:
    site = make_site(max_bytes=2 * PICTURED)
    site.thread.prompt = False
    site.outbox.next_batch()
    small, huge = site.outbox.add(entry(1)), site.outbox.add(replace(entry(2), pictures=(Picture("t", JPEG * 3),)))
    site.thread.run()
    site.thread.run()
    site.thread.prompt = True
    assert succeeds(small)
    assert "full" in fault_of(huge)
    assert left(site) == [("1", True)]


def test_what_is_on_its_way_is_not_dropped(make_site: MakeSite) -> None:
    site = make_site(max_events=2)
    site.add(entry(0), entry(1))
    ids = [stored.id for stored in site.batch(0)]
    site.add(entry(2))
    site.outbox.give_back(ids)
    assert left(site) == [("0", True), ("2", True)]
    assert fault_of(site.outbox.add(entry(3))).startswith("the outbox is full")
    succeeds(site.outbox.delivered(ids))
    assert len(site.add(entry(3))) == 1


def test_the_bytes_on_their_way_are_not_dropped(make_site: MakeSite) -> None:
    site = make_site(max_bytes=2 * PICTURED + 2 * BARE)
    site.add(entry(0, pictures=1), entry(1, pictures=1))
    ids = [stored.id for stored in site.batch(0)]
    site.add(entry(2, pictures=1))
    site.outbox.give_back(ids)
    assert left(site) == [("0", True), ("1", False), ("2", True)]


def test_what_is_there_already_needs_no_room(make_site: MakeSite) -> None:
    site = make_site(max_events=2)
    site.add(entry(0), entry(1))
    assert site.add(entry(0)) == [1]
    assert site.reports == []


def test_what_waited_too_long_goes(make_site: MakeSite) -> None:
    site = make_site(max_age_s=3600)
    site.add(entry(0, pictures=2))
    site.clock.advance(3000)
    site.add(entry(1))
    site.clock.advance(600 - SWEEP_S / 2)
    site.clock.advance(SWEEP_S)
    assert site.reports == [Dropped("age", 1, 2)]
    assert left(site) == [("1", True)]


def test_no_clock_that_is_set_makes_anything_older(make_site: MakeSite) -> None:
    site = make_site(max_age_s=3600)
    site.add(entry(0))
    site.wall_offset += 20 * 365 * 86_400
    site.clock.advance(SWEEP_S)
    site.reopen()
    site.clock.advance(SWEEP_S)
    assert left(site) == [("0", True)]


@pytest.mark.parametrize("ending", [Site.reopen, Site.crash])
def test_age_counts_on_after_the_start(make_site: MakeSite, ending: object) -> None:
    site = make_site(max_age_s=3600)
    site.add(entry(0))
    for _ in range(3500 // int(SWEEP_S)):
        site.clock.advance(SWEEP_S)
    assert callable(ending)
    ending(site)
    assert site.reports == []
    site.clock.advance(3 * SWEEP_S)
    assert site.reports == [Dropped("age", 1, 0)]


def test_age_counts_from_now_on_in_a_file_that_took_the_place_of_a_damaged_one(make_site: MakeSite) -> None:
    site = make_site(max_age_s=3600)
    site.clock.advance(100_000)
    site.add(entry(0))
    site.connection.execute("UPDATE entry SET pictures = x'00'")
    assert site.keys() == []
    site.add(entry(1))
    site.crash()
    site.reports.clear()
    site.clock.advance(3000)
    site.clock.advance(SWEEP_S)
    assert site.reports == []
    site.clock.advance(1000)
    assert site.reports == [Dropped("age", 1, 0)]


def test_what_is_on_its_way_does_not_age(make_site: MakeSite) -> None:
    site = make_site(max_age_s=60)
    site.add(entry(0), entry(1))
    assert site.keys(0) == ["0"]
    site.clock.advance(61)
    site.clock.advance(SWEEP_S)
    assert site.outbox.size.events == 1
    assert site.outbox.counters.events_dropped == {"age": 1}


def test_an_emptied_file_gives_its_space_back(site: Site) -> None:
    site.add(*(replace(entry(number), pictures=(Picture("t", JPEG * 100),)) for number in range(80)))
    large = site.path.stat().st_size + site.path.with_name(f"{site.path.name}-wal").stat().st_size
    assert large > 8_000_000
    succeeds(site.outbox.delivered(range(1, 81)))
    site.clock.advance(SWEEP_S)
    assert site.path.stat().st_size < 100_000
    assert not site.outbox._holdings.is_slack
    site.thread.prompt = False
    site.clock.advance(SWEEP_S)
    assert not site.thread.calls
