"""By what name each opening of the outbox's file is known, so that a checkpoint is believed no further than it reaches."""

from __future__ import annotations

import secrets
import sqlite3
from typing import Final

from ..registry.database import transaction
from .rows import Rows
from .values import Checkpoint

_NEVER_GIVEN: Final = 1 << 40  # more ids than any run gives


class Runs:
    """The opening by this process, and those before it.

    Ids are given anew after a restart when those that had them are gone. So a checkpoint of an earlier run says nothing of what has come
    since. And one of a run that the file does not know, from before a backup was put back perhaps, says nothing at all.
    """

    def __init__(self) -> None:
        self.name = secrets.token_hex(8)
        self._last_id_before: int | None = None
        self._runs: list[tuple[str, int]] = []
        """Names, and the last id before each; this one first."""

    def begin(self, rows: Rows) -> None:
        """Know the runs before, and have the file know this one: each time the file is opened, for it may be another than the last time.

        On a full disk the file does not learn of it. Then no later run believes what this one has said, and it gives ids that none before it
        has given. Raises nothing.
        """
        if self._last_id_before is None:
            self._last_id_before = rows.last_id
        try:
            with transaction(rows.connection):
                self._runs = rows.begin_run(self.name, self._last_id_before)
        except sqlite3.Error:
            self._runs = [(self.name, self._last_id_before)]
            rows.last_id += _NEVER_GIVEN

    def acknowledged_below(self, checkpoint: Checkpoint | None, last_id: int) -> int:
        """Below which id everything was acknowledged by then, for certain; `last_id` is the last that was given."""
        if checkpoint is None:
            return 0
        certain = last_id + 1
        for name, last_id_before in self._runs:
            if name == checkpoint.run:
                return min(checkpoint.below, certain)
            certain = min(certain, last_id_before + 1)
        return 0
