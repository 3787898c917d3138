"""Who a simulated terminal is, and how it signs (protocol sections 4.2.2 and 4.2.3). Written apart from the bridge's own, so that each checks the other."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

MAGIC = "P3K0eikSRSJHliME"
MODEL = "SIM1"
FIRMWARE = "SIM1 1.0.0"
_MAC_PREFIX = "025159"
"""A locally administered one: no maker's."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What is printed on a terminal's back. `mac` is 12 upper-case hexadecimal digits."""

    serial: str
    mac: str


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a bridge gave the terminal when it registered."""

    uuid: str
    passwd: str = field(repr=False)


def numbered(prefix: str, number: int) -> Identity:
    """The terminal with this number: serial DEMO0001, MAC 025159000001."""
    return Identity(f"{prefix}{number:04d}", f"{_MAC_PREFIX}{number:06X}")


def register_sign(identity: Identity, timestamp: str) -> str:
    """md5 of serial, mac, timestamp and magic, in lower-case hexadecimal."""
    return _md5(identity.serial + identity.mac + timestamp + MAGIC)


def login_sign(credentials: Credentials, timestamp: str) -> str:
    """md5 of uuid, passwd, timestamp and magic, in lower-case hexadecimal."""
    return _md5(credentials.uuid + credentials.passwd + timestamp + MAGIC)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
