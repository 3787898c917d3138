"""Every error the bridge raises on purpose: one root, and a branch for each answer to "whose fault is it?".

Errors carry data, so that whoever reports one (a log line, an MQTT response, a result code) words it for its reader.
"""

from __future__ import annotations


class BridgeError(Exception):
    """The root: whatever is not one of these is a defect of the bridge."""


class ConfigError(BridgeError):
    """The operator's fault: an option, key, value, file or port that does not do. Ends the start with one line."""

    def __init__(self, where: str, expected: str, got: str | None = None) -> None:
        self.where, self.expected, self.got = where, expected, got
        super().__init__(f"{where}: expected {expected}" + ("" if got is None else f", got {got}"))


class AddressUnavailable(ConfigError):
    """The operator's fault or nobody's: an address to listen on is not there, or not free. It may be a while later."""


class Invalid(BridgeError):
    """The caller's fault: data that the catalogue does not allow. `path` names the field, as in `data.faces[0].image`."""

    def __init__(self, path: str, expected: str, got: str | None = None) -> None:
        self.path, self.expected, self.got = path, expected, got
        super().__init__(f"{path}: expected {expected}" + ("" if got is None else f", got {got}"))


class TerminalFault(BridgeError):
    """The terminal's fault: it broke the protocol, and the conversation goes on."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class FramingError(TerminalFault):
    """The terminal's fault, and the stream cannot be resynchronised: close the connection."""


class BrokerFault(BridgeError):
    """The broker's fault, or the fault of the way there."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class BrokerAway(BrokerFault):
    """There is no connection to the broker, or it was lost before the broker acknowledged."""


class BrokerRefused(BrokerFault):
    """The broker said no. `code` is a reason code of MQTT 5; the return codes of a 3.1.1 CONNACK are translated to them."""

    def __init__(self, reason: str, code: int) -> None:
        self.code = code
        super().__init__(reason)


class TooLarge(BrokerFault):
    """A message of `size` bytes is over the broker's Maximum Packet Size, `limit` bytes."""

    def __init__(self, size: int, limit: int) -> None:
        self.size, self.limit = size, limit
        super().__init__(f"{size} bytes are over the broker's limit of {limit}")


class StorageFault(BridgeError):
    """The machine's fault: what must not be lost could not be written. The disk is full, read-only or broken."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class TooLate(BridgeError):
    """Nobody's fault: the time was up, or the connection went away, before there was an answer."""
