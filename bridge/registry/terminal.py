"""What the registry knows of a terminal, and how what terminals say of themselves is made fit to keep and to show."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import Struct

Status = Literal["pending", "approved", "blocked"]

_SEPARATORS = re.compile(r"[\s:.-]")
_MAC = re.compile(r"[0-9A-F]{12}")
MAC_CHARACTERS = 32
MODEL_CHARACTERS = 32
FIRMWARE_CHARACTERS = 64
ADDRESS_CHARACTERS = 64


class KnownTerminal(Struct, frozen=True, kw_only=True, gc=False):
    """One terminal. Times are UNIX seconds. `uuid` and `secret` are None until it has been let in for the first time.

    `used_secret` is the one that it last logged in with, as long as it has not used the newer `secret`: the answer that told it that one
    may have been lost. `mac_since` is when it first came with the MAC that is shown: later than `first_seen` if it came with another one before.
    """

    serial: str
    status: Status
    mac: str
    mac_since: float
    first_seen: float
    last_seen: float
    uuid: str | None = None
    secret: str | None = None
    used_secret: str | None = None
    model: str = ""
    firmware: str = ""
    name: str = ""
    address: str = ""

    def __repr__(self) -> str:
        """Without its secrets."""
        return f"KnownTerminal(serial={self.serial!r}, status={self.status!r}, mac={self.mac!r}, name={self.name!r})"


def shown(text: str, characters: int) -> str:
    """What a stranger said, without control characters and the like, and cut to `characters`."""
    if len(text) <= characters and text.isprintable():
        return text.strip()
    return "".join(filter(str.isprintable, text[: 4 * characters]))[:characters].strip()


def is_mac(text: str) -> bool:
    """Whether this is 12 upper-case hexadecimal digits."""
    return _MAC.fullmatch(text) is not None


def normal_mac(text: str) -> str:
    """A MAC as 12 upper-case hexadecimal digits, whatever stands between them. Anything else is kept as a name that must match."""
    mac = _SEPARATORS.sub("", text[: 4 * MAC_CHARACTERS]).upper()
    return mac if is_mac(mac) else shown(text, MAC_CHARACTERS).upper()
