"""What opens a door (protocol sections 4.5.3 to 4.5.7)."""

from __future__ import annotations

from .message import CommandData, command


@command("open_door", section="4.5.6", door=True, example={})
class OpenDoor(CommandData):
    """Open the door once."""
