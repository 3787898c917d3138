"""The md5 signs of register and login (protocol sections 4.2.2 and 4.2.3).

The magic is in the vendor's public document, so a register sign proves nothing; a login sign proves the secret.
"""

from __future__ import annotations

import hashlib
import hmac

_MAGIC = "P3K0eikSRSJHliME"


def register_sign(serial: str, mac: str, timestamp: str) -> str:
    """What a register must carry, in lower-case hexadecimal."""
    return _sign(serial, mac, timestamp)


def login_sign(uuid: str, passwd: str, timestamp: str) -> str:
    """What a login must carry, in lower-case hexadecimal."""
    return _sign(uuid, passwd, timestamp)


def signs_match(given: str, right: str) -> bool:
    """Compare in constant time; terminals may write upper case."""
    return hmac.compare_digest(given.lower().encode("utf-8", "replace"), right.encode())


def _sign(*parts: str) -> str:
    text = "".join((*parts, _MAGIC)).encode("utf-8", "replace")
    return hashlib.md5(text, usedforsecurity=False).hexdigest()
