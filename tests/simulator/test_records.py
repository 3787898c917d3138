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


def test_what_was_put_off_is_made_one_at_a_time_behind_the_others() -> None:
    store = RecordStore()
    made: list[int] = []

    def make(sequence: int) -> Record:
        made.append(sequence)
        return record(sequence)

    store.add(record(1))
    store.put_off({("p", 7): lambda: make(7), ("p", 8): lambda: None, ("p", 9): lambda: make(9)})
    assert len(store) == 1
    assert store.oldest() == record(1)
    store.add(record(2))
    store.put_off({("p", 9): lambda: make(9)})
    sent: list[int] = []
    while (oldest := store.oldest()) is not None:
        assert len(made) <= len([each for each in sent if each > 6]) + 1
        sent.append(oldest.sequence)
        store.remove(oldest)
    assert sent == [1, 7, 2, 9]
    assert len(store) == 0


def test_clearing_leaves_what_was_asked_for() -> None:
    store = RecordStore(most_bytes=100)
    store.put_off({("p", 7): lambda: record(7), ("p", 9): lambda: record(9)})
    store.add(record(1))
    store.oldest()
    store.clear()
    assert store.sequences() == {7}
    store.remove(record(7))
    assert store.oldest() == record(9)
