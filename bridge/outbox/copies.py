"""Which entries the broker has acknowledged, and may forget: they are kept for a while. No I/O."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable, Iterator
from itertools import islice


class Copies:
    """Ids of entries, in the order in which they were acknowledged, and when (seconds of service). It is not written down, so that an
    acknowledgement costs the disk nothing: some 140 bytes of memory for each. What is taken out comes back when the transaction is undone
    in which it was to be deleted."""

    def __init__(self) -> None:
        self._acknowledged: OrderedDict[int, float] = OrderedDict()
        self._taken: list[tuple[int, float]] = []

    def __len__(self) -> int:
        return len(self._acknowledged)

    def __contains__(self, entry_id: int) -> bool:
        return entry_id in self._acknowledged

    def add(self, entry_id: int, service_s: float) -> None:
        """The broker has acknowledged this one now."""
        self._acknowledged[entry_id] = service_s

    def take(self, entry_id: int) -> bool:
        """It is being deleted; whether it was a copy."""
        acknowledged_at = self._acknowledged.pop(entry_id, None)
        if acknowledged_at is None:
            return False
        self._taken.append((entry_id, acknowledged_at))
        return True

    def oldest(self) -> int:
        """The one that was acknowledged first. Raises StopIteration when there is none."""
        return next(iter(self._acknowledged))

    def have_until(self, service_s: float) -> bool:
        """Whether there is one that was acknowledged by then."""
        return any(acknowledged_at <= service_s for acknowledged_at in islice(self._acknowledged.values(), 1))

    def acknowledged_by(self, service_s: float) -> Iterator[int]:
        """Those that were acknowledged by then, the first first; each is to be taken before the next is asked for."""
        while self.have_until(service_s):
            yield self.oldest()

    def retain(self, there: Iterable[int]) -> None:
        """Know no others than these."""
        for entry_id in self._acknowledged.keys() - set(there):
            del self._acknowledged[entry_id]

    def become(self, ids: list[int], service_s: float) -> None:
        """These are copies, and no others; those that were not, from now on."""
        self.retain(ids)
        for entry_id in ids:
            self._acknowledged.setdefault(entry_id, service_s)

    def clear(self) -> None:
        """There are no copies."""
        self._acknowledged.clear()
        self._taken.clear()

    def committed(self) -> None:
        """What was taken out is gone for good."""
        self._taken.clear()

    def undone(self) -> None:
        """What was taken out is there all the same."""
        while self._taken:
            entry_id, acknowledged_at = self._taken.pop()
            self._acknowledged[entry_id] = acknowledged_at
            self._acknowledged.move_to_end(entry_id, last=False)
