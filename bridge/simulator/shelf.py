"""Where a terminal keeps what must survive a restart: one small file for each thing, readable by its owner alone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec

from .state import write_private


class Shelf:
    """A shelf that keeps nothing. Things are JSON values, each under its key, any text."""

    def put(self, key: str, value: Any) -> None:
        """Keep it in place of what was there. Raises OSError."""

    def drop(self, key: str) -> None:
        """Keep it no more, if it was there. Raises OSError."""

    def load(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """What was kept under keys that start with this, in an order that stays the same."""
        yield from ()


class _Thing(msgspec.Struct):
    key: str
    value: Any


class FileShelf(Shelf):
    """The files in a directory, which is made with the first of them."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    @classmethod
    def of(cls, directory: Path, serial: str) -> FileShelf:
        """A terminal's own, beside its credentials."""
        return cls(directory / quote(serial, safe=""))

    def put(self, key: str, value: Any) -> None:
        self._directory.mkdir(mode=0o700, exist_ok=True)
        write_private(self._path(key), msgspec.json.encode(_Thing(key, value)) + b"\n")

    def drop(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def load(self, prefix: str) -> Iterator[tuple[str, Any]]:
        """What cannot be read is passed over: the terminal has forgotten it."""
        for path in sorted(self._directory.glob(f"{_hex(prefix)}*.json")):
            try:
                thing = msgspec.json.decode(path.read_bytes(), type=_Thing)
            except (OSError, msgspec.DecodeError, UnicodeDecodeError):
                continue
            yield thing.key, thing.value

    def _path(self, key: str) -> Path:
        return self._directory / f"{_hex(key)}.json"


def _hex(key: str) -> str:
    """A file's name: a key may hold a slash, and macOS takes a and A for one file."""
    return key.encode("utf-8", "surrogatepass").hex()
