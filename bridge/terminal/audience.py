"""What the terminals' side tells whoever is interested in them. The relay implements it; this layer knows no MQTT."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from ..session.admission import Refused
from ..session.happenings import Received
from .limits import Full

if TYPE_CHECKING:
    from .protocol import TerminalProtocol


class Audience(Protocol):
    """All methods return at once and do not raise."""

    def joined(self, terminal: TerminalProtocol, *, replaced: bool) -> None:
        """A terminal identified itself. `replaced`: an older connection of the same terminal was ended for it."""

    def updated(self, terminal: TerminalProtocol) -> None:
        """A terminal that had joined said more of itself: a login after its register tells the firmware."""

    def left(self, terminal: TerminalProtocol, reason: str, *, clean: bool) -> None:
        """A terminal that had joined is gone; not told of a connection that was replaced."""

    def received(self, terminal: TerminalProtocol, received: Received) -> None:
        """A message to be made safe, then answered with `terminal.answer` or given up with `terminal.forget`."""

    def rejected(self, address: str, refusal: Refused) -> None:
        """A register or login was refused."""

    def faulted(self, address: str, serial: str | None, reason: str) -> None:
        """A connection broke the protocol; `serial` once it is identified."""

    def turned_away(self, address: str, full: Full) -> None:
        """A connection was closed at once, for want of a place."""

    def slowed(self, terminal: TerminalProtocol, for_s: float) -> None:
        """A connection sends faster than it may, and is not read for so long. Told each time it happens."""
