"""The state directory and the files in it: nobody else may read them, and no second bridge may use them."""

from __future__ import annotations

import fcntl
import os
import stat
from contextlib import suppress
from pathlib import Path

from twisted.logger import Logger

from ..errors import ConfigError

LOCK_NAME = "lock"
OWN_NAMES = frozenset({LOCK_NAME, "registry", "outbox", "broker"})
"""What the bridge calls its files and directories, up to the first dot."""

_log = Logger()


def private_directory(path: Path) -> None:
    """Create the directory for its owner alone; one that exists is left as it is. Raises ConfigError."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileExistsError):
            path.mkdir(mode=0o700)
            path.chmod(0o700)  # the umask may have taken too much
    except OSError as error:
        raise ConfigError(str(path), "a state directory that can be created", error.strerror) from None
    if not path.is_dir():
        raise ConfigError(str(path), "a state directory", "a file")


def shut_out_others(directory: Path) -> None:
    """Make a state directory that is there its owner's alone, if it is the bridge's and holds nothing else. Any other is left as it is, and
    told of: it may be a home directory, or /tmp."""
    found = directory.stat()
    if not found.st_mode & 0o077:
        return
    if found.st_uid == os.geteuid() and all(each.name.partition(".")[0] in OWN_NAMES for each in directory.iterdir()):
        with suppress(OSError):
            directory.chmod(stat.S_IMODE(found.st_mode) & ~0o077)
    if directory.stat().st_mode & 0o077:
        _log.warn(
            "others than the bridge's user may look into the state directory {directory} (mode {mode}): its files are closed to them, but"
            " better is a directory of its own with mode 700",
            directory=str(directory),
            mode=f"{stat.S_IMODE(found.st_mode):o}",
        )


def private_file(path: Path) -> int:
    """Open a file for reading and writing, for its owner alone from the moment it exists; returns the descriptor. Raises ConfigError."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        os.fchmod(descriptor, 0o600)
    except OSError as error:
        raise ConfigError(str(path), "a file that the bridge can write", error.strerror) from None
    return descriptor


def private_database(path: Path) -> None:
    """Make an SQLite database, and the files that a crash left beside it, its owner's alone; one that does not exist is created, empty.

    SQLite gives the files beside a database the database's mode, but leaves those that are there as they are. Raises ConfigError.
    """
    for name in (path, *files_beside(path)):
        if name == path or name.exists():
            os.close(private_file(name))


def files_beside(path: Path) -> list[Path]:
    """Where SQLite keeps what belongs to the database at `path`, while there is any."""
    return [path.with_name(path.name + suffix) for suffix in ("-wal", "-shm", "-journal")]


class DirectoryLock:
    """Held by the one process that uses a state directory. The system lets go of it however the process ends."""

    def __init__(self, directory: Path) -> None:
        """Raises ConfigError when another process holds it."""
        self._descriptor: int | None = private_file(directory / LOCK_NAME)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._descriptor, 20).decode("ascii", "replace").strip() or "unknown"
            self.release()
            raise ConfigError(str(directory), "a state directory of this bridge's own", f"one in use by process {holder}") from None
        except OSError as error:
            self.release()
            raise ConfigError(str(directory), "a state directory on a file system with locks", error.strerror) from None
        os.ftruncate(self._descriptor, 0)
        os.write(self._descriptor, f"{os.getpid()}\n".encode())

    def release(self) -> None:
        """Let another process have the directory. Does nothing the second time."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
