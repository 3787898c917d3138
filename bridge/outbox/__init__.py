"""What must not be lost while the broker is away: events and their pictures on the disk, written by a thread of its own."""

from .outbox import FILE_NAME, Outbox
from .thread import Thread, WorkerThread
from .values import Checkpoint, CopiesSize, Counters, Dropped, Entry, Failing, Limits, Picture, Report, SetAside, Size, Stored, Working

__all__ = [
    "FILE_NAME",
    "Checkpoint",
    "CopiesSize",
    "Counters",
    "Dropped",
    "Entry",
    "Failing",
    "Limits",
    "Outbox",
    "Picture",
    "Report",
    "SetAside",
    "Size",
    "Stored",
    "Thread",
    "WorkerThread",
    "Working",
]
