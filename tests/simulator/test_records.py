"""The terminal's own store: in order, bounded, oldest first."""

from __future__ import annotations

from bridge.simulator.records import Record, RecordStore


def record(sequence: int, size: int = 10) -> Record:
    return Record(sequence, "snapshot_face", 2, bytes(size))


def test_in_the_order_they_were_made() -> None:
    store = RecordStore()
    assert store.oldest() is None
    first, second = record(1), record(2)
    assert store.add(first) == store.add(second) == 0
    assert store.oldest() is first
    store.remove(first)
    store.remove(first)
    assert store.oldest() is second
    assert len(store) == 1


def test_the_oldest_give_way_by_number() -> None:
    store = RecordStore(most=3)
    assert [store.add(record(n)) for n in range(1, 6)] == [0, 0, 0, 1, 1]
    assert len(store) == 3
    assert store.oldest() == record(3)


def test_the_oldest_give_way_by_bytes_and_the_newest_never() -> None:
    store = RecordStore(most_bytes=100)
    assert store.add(record(1, 60)) == 0
    assert store.add(record(2, 60)) == 1
    assert store.add(record(3, 500)) == 1
    assert store.oldest() == record(3, 500)
    assert store.add(record(4, 50)) == 1
    assert store.add(record(5, 50)) == 0
