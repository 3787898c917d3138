"""The judge is judged: it finds what it is there to find."""

from __future__ import annotations

from dataclasses import replace

from tests.faults.fleet import Fleet
from tests.faults.recorder import Sight
from tests.faults.tally import LATE_S, Tally, table, tally
from tests.faults.terminal import Record


def fleet_of(*records: Record) -> Fleet:
    fleet = Fleet(0, 1, "seed")
    fleet.terminals[0].records.extend(records)
    return fleet


def record(sequence: int, answered_at: float | None = 101.0) -> Record:
    return Record(sequence, made_at=100.0, picture_sha256="p", frame=b"", sent=1, answered_at=answered_at)


def sight(sequence: int, event_id: str = "", **more: object) -> Sight:
    seen = Sight("F00001", sequence, event_id or f"e{sequence}", False, "p", True, 100.5)
    return replace(seen, **more)  # type: ignore[arg-type]


def of(fleet: Fleet, *sights: Sight) -> Tally:
    return tally("fault", 1, fleet, sights)


def test_all_is_well() -> None:
    result = of(fleet_of(record(1), record(2), record(3, None)), sight(1), sight(2))
    assert (result.made, result.answered, result.lost) == (3, 2, [])
    assert (result.again, result.doubles, result.disordered, result.pictures, result.late) == (0, 0, 0, 0, 0)


def test_answered_and_not_seen_is_lost() -> None:
    assert of(fleet_of(record(1), record(2)), sight(2)).lost == [("F00001", 1)]


def test_the_same_id_again_is_no_double_and_another_one_is() -> None:
    assert (of(fleet_of(record(1)), sight(1), sight(1)).again, of(fleet_of(record(1)), sight(1), sight(1)).doubles) == (1, 0)
    assert of(fleet_of(record(1)), sight(1), sight(1, "other")).doubles == 1


def test_order_is_that_of_the_first_sight() -> None:
    records = [record(number) for number in (4_294_967_295, 0, 1)]  # the sequence wraps
    assert of(fleet_of(*records), sight(4_294_967_295), sight(0), sight(4_294_967_295), sight(1)).disordered == 0
    assert of(fleet_of(*records), sight(0), sight(4_294_967_295), sight(1)).disordered == 1


def test_pictures_and_old_events() -> None:
    fleet = fleet_of(record(1))
    assert of(fleet, sight(1, is_whole=False)).pictures == 1
    assert of(fleet, sight(1, picture_sha256="q")).pictures == 1
    assert of(fleet, sight(1, seen_at=101.0 + LATE_S)).late == 1
    assert of(fleet, sight(1, seen_at=101.0 + LATE_S, is_replay=True)).late == 0


def test_a_row_for_each_fault() -> None:
    lines = table([Tally("a fault", times=3, answered=12)])
    assert len(lines) == 3
    assert len({line.count("|") for line in lines}) == 1
