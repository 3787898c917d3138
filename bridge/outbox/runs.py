"""By what name each opening of the outbox's file is known, so that a checkpoint is believed no further than it reaches."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import suppress

from ..registry.database import transaction
from .rows import Rows
from .values import Checkpoint


class Runs:
    """The opening by this process, and the one before it.

    Ids are given anew after a restart when those that had them are gone. So a checkpoint of the run before says nothing of what has come
    since; and one of any other run, from before a backup was put back perhaps, says nothing at all.
    """

    def __init__(self) -> None:
        self.name = secrets.token_hex(8)
        self._previous = ""
        self._last_id_of_previous: int | None = None

    def begin(self, rows: Rows) -> None:
        """Know the run before, and have the file know this one: each time the file is opened, for it may be another than the last time.

        On a full disk the file does not learn of it; then no checkpoint of this run is believed after it. Raises nothing.
        """
        if self._last_id_of_previous is None:
            self._last_id_of_previous = rows.last_id
        with suppress(sqlite3.Error), transaction(rows.connection):
            self._previous = rows.begin_run(self.name)

    def acknowledged_below(self, checkpoint: Checkpoint | None, last_id: int) -> int:
        """Below which id everything was acknowledged by then, for certain; `last_id` is the last that was given."""
        if checkpoint is None or not checkpoint.run:
            return 0
        if checkpoint.run == self.name:
            return min(checkpoint.below, last_id + 1)
        if checkpoint.run == self._previous and self._last_id_of_previous is not None:
            return min(checkpoint.below, self._last_id_of_previous + 1)
        return 0
