"""How the bridge introduces itself to the broker."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

Protocol = Literal["5", "3.1.1"]


@dataclass(frozen=True, slots=True)
class ConnectOptions:
    """What the configuration's `[mqtt]` says about the connection.

    `client_id` is fixed, never random: the will of an old connection must not land after the `online` of the new one. `username` and
    `password` win over those of the address. `ca_file` None: the authorities that the machine trusts. `key_file` None: the key
    stands in `cert_file` too. "auto" is MQTT 5, and 3.1.1 where the broker does not speak 5.
    """

    client_id: str
    keepalive_s: int = 60
    protocol: Literal["auto", "5", "3.1.1"] = "auto"
    username: str | None = None
    password: str | None = field(default=None, repr=False)
    ca_file: Path | None = None
    cert_file: Path | None = None
    key_file: Path | None = None
