"""What opens a door, or may: the gate itself, and what is wired to the terminal (protocol sections 4.5.3, 4.5.4, 4.5.6 and 4.5.7)."""

from __future__ import annotations

from typing import Annotated

from .fields import choice
from .forms import upper_hex
from .message import CommandData, command

SERIAL_PORTS = {0: "the first RS-485 port"}
SERIAL_DIGITS = 256
WEIGAND_DIGITS = (6, 8)
"""26 bits and 34 bits, without their parity."""
ONLINE = {0: "offline", 1: "online"}
REMOTE_MODES = {
    0: "the terminal opens, whether or not the remote side is online",
    1: "the remote side opens while it is online, else the terminal",
    2: "the remote side alone opens",
}


@command("open_door", section="4.5.6", door=True, example={})
class OpenDoor(CommandData):
    """Open the door once."""


@command("online_open_door", section="4.5.7", door=True, other_name="online_openDoor", example={"online": 1, "mode": 1})
class OnlineOpenDoor(CommandData):
    """Say whether the remote side is there, and which side opens the door."""

    online: Annotated[int, choice("the remote side", ONLINE)]
    mode: Annotated[int, choice("who opens the door", REMOTE_MODES)]


@command("serial_output", section="4.5.3", door=True, example={"index": 0, "content": "1234EF"})
class SerialOutput(CommandData):
    """Send bytes on a serial port."""

    index: Annotated[int, choice("the port", SERIAL_PORTS)]
    content: Annotated[str, upper_hex("the bytes", SERIAL_DIGITS)]


@command("weigand_output", section="4.5.4", door=True, example={"content": "1234EF"})
class WeigandOutput(CommandData):
    """Send a number on the Wiegand port."""

    content: Annotated[str, upper_hex("the number: 6 digits for 26 bits, 8 for 34 bits", *WEIGAND_DIGITS)]
