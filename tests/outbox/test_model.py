"""Any sequence of adding, handing out, delivering, giving back, recalling, ending and killing, against a list of what should be there."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from operator import add
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, rule

from bridge.errors import StorageFault
from bridge.outbox import Entry, Limits, Picture
from bridge.outbox.outbox import SWEEP_S
from bridge.outbox.rows import picture_bytes_of, size_of
from tests.outbox.site import Site, result_of, succeeds

MAX_EVENTS = 6
MAX_BYTES = 5_000
KEEP_S = 1_000.0


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
    copies: list[Kept] = field(default_factory=list)
    """Those of them that are copies, in the order in which they were acknowledged."""
    dropped_events: int = 0
    dropped_pictures: int = 0
    dropped_copies: int = 0

    @property
    def bytes(self) -> int:
        return sum(each.size for each in self.kept)

    def add(self, entry: Entry) -> bool:
        """Whether it fits; it is there then."""
        on_their_way = [each.size for each in self.kept if each.is_handed_out]
        if len(on_their_way) >= MAX_EVENTS or sum(on_their_way) + size_of(entry) > MAX_BYTES:
            return False
        idle = [each for each in self.kept if not each.is_handed_out and each not in self.copies]
        while self.copies and (len(self.kept) >= MAX_EVENTS or self.bytes + size_of(entry) > MAX_BYTES):
            self.kept.remove(self.copies.pop(0))
            self.dropped_copies += 1
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

    @initialize(keeps_copies=st.booleans())
    def open(self, *, keeps_copies: bool) -> None:
        self.scratch = tempfile.TemporaryDirectory()
        self.keeps_copies = keeps_copies
        self.site = Site(Path(self.scratch.name) / "state", Limits(MAX_EVENTS, MAX_BYTES, keep_s=KEEP_S if keeps_copies else 0.0))
        self.model = Model()
        self.dropped_before = (0, 0, 0)

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
            self.model.copies = [each for each in self.model.copies if each.id != known]

    @rule(target=ids, most_bytes=st.integers(0, 3_000))
    def hand_out(self, most_bytes: int) -> MultipleResults[int]:
        waiting = [each for each in self.model.kept if not each.is_handed_out and each not in self.model.copies]
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
            self.site.delivered([each.id for each in handed_out])
            if self.keeps_copies:
                self.model.copies += sorted(handed_out, key=lambda each: each.id)
            else:
                self.model.kept = [each for each in self.model.kept if each not in handed_out]
        else:
            self.site.outbox.give_back(chosen)
        for each in handed_out:
            each.is_handed_out = False

    @rule()
    def recall(self) -> None:
        assert succeeds(self.site.outbox.recall())
        self.model.copies.clear()

    @rule(is_killed=st.booleans())
    def start_anew(self, *, is_killed: bool) -> None:
        """After a restart those are known as copies before which nothing waits, if anybody had the time to write it down."""
        model = self.model
        self.dropped_before = (model.dropped_events, model.dropped_pictures, model.dropped_copies)
        if is_killed:
            self.site.clock.advance(SWEEP_S)
            self.site.crash()
        else:
            self.site.reopen()
        for each in model.kept:
            each.is_handed_out = False
        waiting = [each.id for each in model.kept if each not in model.copies]
        model.copies = [each for each in model.kept if each in model.copies and each.id < min(waiting, default=each.id + 1)]

    @invariant()
    def knows_what_it_holds(self) -> None:
        if not hasattr(self, "site"):
            return
        outbox, kept = self.site.outbox, self.model.kept
        waiting = [each for each in kept if each not in self.model.copies]
        assert (outbox.size.events, outbox.size.bytes) == (len(waiting), sum(each.size for each in waiting))
        assert (outbox.copies.events, outbox.copies.bytes) == (len(self.model.copies), sum(each.size for each in self.model.copies))
        for terminal in "ABC":
            assert outbox.holds(terminal) == any(each.entry.terminal == terminal for each in waiting)
        events, pictures = outbox.counters.events_dropped.total(), outbox.counters.pictures_dropped.total()
        dropped = tuple(map(add, self.dropped_before, (events, pictures, outbox.copies.dropped)))
        assert dropped == (self.model.dropped_events, self.model.dropped_pictures, self.model.dropped_copies)

    def teardown(self) -> None:
        if hasattr(self, "site"):
            self.site.end()
            self.scratch.cleanup()


TestModel = Machine.TestCase
TestModel.settings = settings(max_examples=40, stateful_step_count=40, deadline=None, database=None)
