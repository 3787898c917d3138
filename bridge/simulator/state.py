"""The credentials on disk, one small file for each terminal, readable by its owner alone."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

import msgspec

from ..errors import ConfigError
from .identity import Credentials


class _Kept(msgspec.Struct):
    serial: str
    uuid: str
    passwd: str


class CredentialFiles:
    """The files in `directory`, which is made when it is not there. Raises ConfigError when that cannot be."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        try:
            _make_private(directory)
        except OSError as error:
            raise ConfigError("--state-dir", "a directory that can be written", f"{directory}: {error.strerror}") from None
        if not os.access(directory, os.W_OK | os.X_OK):
            raise ConfigError("--state-dir", "a directory that can be written", str(directory))

    def load(self, serial: str) -> Credentials | None:
        """What was kept for this terminal; None when there is nothing, or nothing that can be read: it registers then."""
        try:
            kept = msgspec.json.decode(self._path(serial).read_bytes(), type=_Kept)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError):
            return None
        return Credentials(kept.uuid, kept.passwd) if kept.serial == serial else None

    def save(self, serial: str, credentials: Credentials) -> None:
        """Keep them; a crash leaves the old ones or the new. Raises OSError."""
        write_private(self._path(serial), msgspec.json.encode(_Kept(serial, credentials.uuid, credentials.passwd)) + b"\n")

    def _path(self, serial: str) -> Path:
        return self._directory / f"{quote(serial, safe='')}.json"


def write_private(path: Path, content: bytes) -> None:
    """Write a file that its owner alone can read; a crash leaves the old one or the new. Raises OSError."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    draft.replace(path)


def _make_private(directory: Path) -> None:
    """Make it and what is missing above it, 0700 each: the mode of `Path.mkdir` is for the last one alone."""
    missing = [path for path in (directory, *directory.parents) if not path.exists()]
    for path in reversed(missing):
        path.mkdir(mode=0o700, exist_ok=True)
    if not directory.is_dir():
        raise NotADirectoryError(20, "not a directory")
