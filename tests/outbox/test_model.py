"""Any sequence of adding, handing out, delivering, giving back, ending and killing, against a list of what should be there."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, rule

from bridge.errors import StorageFault
from bridge.outbox import Entry, Limits, Picture
from bridge.outbox.rows import picture_bytes_of, size_of
from tests.outbox.site import Site, result_of, succeeds

MAX_EVENTS = 6
MAX_BYTES = 5_000


@dataclass
class Kept:
    """What should be there of an entry."""

    id: int
    entry: Entry
    is_handed_out: bool = False
    has_pictures: bool = True

    @property
    def size(self) -> int:
        return size_of(self.entry) - (0 if self.has_pictures else picture_bytes_of(self.entry))

    @property
    def shown(self) -> Entry:
        shots = tuple(Picture(each.topic, each.payload if self.has_pictures else None, each.retain) for each in self.entry.pictures)
        whole = self.entry
        return Entry(whole.terminal, whole.key, whole.kind, whole.recorded_at, whole.event, shots)


@dataclass
class Model:
    """The same as the outbox, in the simplest way."""

    kept: list[Kept] = field(default_factory=list)
    dropped_events: int = 0
    dropped_pictures: int = 0

    @property
    def bytes(self) -> int:
        return sum(each.size for each in self.kept)

    def add(self, entry: Entry) -> bool:
        """Whether it fits; it is there then."""
        on_their_way = [each.size for each in self.kept if each.is_handed_out]
        if len(on_their_way) >= MAX_EVENTS or sum(on_their_way) + size_of(entry) > MAX_BYTES:
            return False
        idle = [each for each in self.kept if not each.is_handed_out]
        while len(self.kept) >= MAX_EVENTS:
            self._drop(idle.pop(0))
        for each in idle:
            if self.bytes + size_of(entry) > MAX_BYTES and each.has_pictures and picture_bytes_of(each.entry):
                self.dropped_pictures += len(each.entry.pictures)
                each.has_pictures = False
        while self.bytes + size_of(entry) > MAX_BYTES:
            self._drop(idle.pop(0))
        return True

    def _drop(self, kept: Kept) -> None:
        self.kept.remove(kept)
        self.dropped_events += 1
        if kept.has_pictures and picture_bytes_of(kept.entry):
            self.dropped_pictures += len(kept.entry.pictures)


class Machine(RuleBasedStateMachine):
    ids: Bundle[int] = Bundle("ids")

    @initialize()
    def open(self) -> None:
        self.scratch = tempfile.TemporaryDirectory()
        self.site = Site(Path(self.scratch.name) / "state", Limits(MAX_EVENTS, MAX_BYTES))
        self.model = Model()
        self.dropped_before = (0, 0)

    @rule(
        terminal=st.sampled_from(["A", "B", "C"]),
        key=st.integers(0, 30),
        event_bytes=st.integers(0, 600),
        pictures=st.lists(st.integers(1, 1500), max_size=3),
    )
    def add(self, terminal: str, key: int, event_bytes: int, pictures: list[int]) -> None:
        shots = tuple(Picture(f"{key}/{number}", bytes(size), retain=bool(size % 2)) for number, size in enumerate(pictures))
        entry = Entry(terminal, f"{terminal}{key}", "recognition", float(key), b"e" * event_bytes, shots)
        known = next((each.id for each in self.model.kept if each.entry.key == entry.key), None)
        fits = known is not None or self.model.add(entry)
        try:
            entry_id = result_of(self.site.outbox.add(entry))
        except StorageFault:
            assert not fits
            return
        assert fits
        if known is None:
            self.model.kept.append(Kept(entry_id, entry))
        else:
            assert entry_id == known

    @rule(target=ids, most_bytes=st.integers(0, 3_000))
    def hand_out(self, most_bytes: int) -> MultipleResults[int]:
        waiting = [each for each in self.model.kept if not each.is_handed_out]
        batch = self.site.batch(most_bytes)
        assert bool(batch) == bool(waiting)
        for stored in batch:
            kept = next(each for each in waiting if each.id == stored.id)
            first = next(each for each in waiting if each.entry.terminal == stored.entry.terminal)
            assert kept is first, "a terminal's entries are handed out in their order"
            assert stored.entry == kept.shown
            waiting.remove(kept)
            kept.is_handed_out = True
        return multiple(*(stored.id for stored in batch))

    @rule(chosen=st.lists(ids, max_size=4), is_delivered=st.booleans())
    def end(self, chosen: list[int], *, is_delivered: bool) -> None:
        handed_out = [each for each in self.model.kept if each.id in chosen and each.is_handed_out]
        if is_delivered:
            assert succeeds(self.site.outbox.delivered([each.id for each in handed_out]))
            self.model.kept = [each for each in self.model.kept if each not in handed_out]
        else:
            self.site.outbox.give_back(chosen)
            for each in handed_out:
                each.is_handed_out = False

    @rule(is_killed=st.booleans())
    def start_anew(self, *, is_killed: bool) -> None:
        self.dropped_before = (self.model.dropped_events, self.model.dropped_pictures)
        if is_killed:
            self.site.crash()
        else:
            self.site.reopen()
        for each in self.model.kept:
            each.is_handed_out = False

    @invariant()
    def knows_what_it_holds(self) -> None:
        if not hasattr(self, "site"):
            return
        outbox, kept = self.site.outbox, self.model.kept
        assert (outbox.size.events, outbox.size.bytes) == (len(kept), self.model.bytes)
        for terminal in "ABC":
            assert outbox.holds(terminal) == any(each.entry.terminal == terminal for each in kept)
        events, pictures = outbox.counters.events_dropped.total(), outbox.counters.pictures_dropped.total()
        before_events, before_pictures = self.dropped_before
        assert (before_events + events, before_pictures + pictures) == (self.model.dropped_events, self.model.dropped_pictures)

    def teardown(self) -> None:
        if hasattr(self, "site"):
            self.site.end()
            self.scratch.cleanup()


TestModel = Machine.TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=40, deadline=None, database=None)
