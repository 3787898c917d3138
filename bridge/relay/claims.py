"""Whose a terminal is, where bridges share a base topic: the one's that it joined last, as its retained `info` says."""

from __future__ import annotations

import msgspec

from bridge.mqtt.message import Message


class Claims:
    """Terminals that another bridge has said are its own. Only a bridge with a name of its own can tell itself from others."""

    def __init__(self, instance: str) -> None:
        self._instance = instance
        self._elsewhere: set[str] = set()

    def is_elsewhere(self, serial: str) -> bool:
        """Whether another bridge has it."""
        return serial in self._elsewhere

    def ours(self, serial: str) -> None:
        """It has joined here, and its info is about to say so."""
        self._elsewhere.discard(serial)

    def read(self, serial: str, message: Message) -> bool:
        """A terminal's info came from the broker. Returns whether another bridge says by it that it has it now."""
        if self._claims(message.payload):
            self._elsewhere.add(serial)
            return True
        self._elsewhere.discard(serial)
        return False

    def _claims(self, payload: bytes) -> bool:
        """Anything that is no info, and the clearing of one, claims nothing."""
        try:
            info = msgspec.json.decode(payload)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return False
        instance = info.get("instance") if isinstance(info, dict) else None
        return isinstance(instance, str) and instance not in ("", self._instance)
