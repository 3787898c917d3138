"""Every way to say no: what the terminal is told, what the operator is told, and whether the operator has been told before."""

from __future__ import annotations

from collections.abc import Callable

from ..catalogue import Result
from ..session.admission import RefusalKind, Refused
from .limits import AddressLimit, Novelties
from .terminal import KnownTerminal, shown

PENDING_WAIT_S = 10
SHUT_OUT_WAIT_S = 300
FAILED_SIGNS_WAIT_S = 60
MAX_FAILED_SIGNS = 10
"""From one address, in FAILED_SIGNS_WAIT_S. Beyond that it is told to wait, and no more is said of it. A right sign is let in all the
same: terminals share an address behind a gateway, and one that is wrong must not lock out the others. Guessing is hopeless (96 bits)."""


class Refusals:
    """Makes refusals, and remembers them for as long as a repetition is no news. `monotonic` gives seconds."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._novelties = Novelties(monotonic)
        self._failed_signs = AddressLimit(MAX_FAILED_SIGNS, FAILED_SIGNS_WAIT_S, monotonic)

    def forget(self, serial: str) -> None:
        """The operator has acted on this terminal: what it is refused for from now on is news."""
        self._novelties.forget(serial)

    def pending(self, serial: str, mac: str, address: str) -> Refused:
        reason = f"unknown, with MAC {mac}: it waits for approval (device/approve, permit_join, or its serial in the configuration)"
        return self._busy("pending", serial, address, reason, PENDING_WAIT_S, mac)

    def blocked(self, serial: str, address: str) -> Refused:
        reason = "it is blocked; device/approve unblocks it"
        return self._busy("blocked", serial, address, reason, SHUT_OUT_WAIT_S)

    def closed(self, serial: str, address: str) -> Refused:
        reason = "registration is closed, and the configuration does not name it; add it to registration.serials"
        return self._busy("closed", serial, address, reason, SHUT_OUT_WAIT_S)

    def other_mac(self, known: KnownTerminal, mac: str, address: str) -> Refused:
        reason = (
            f"it is known with MAC {known.mac} and came with {mac}: another terminal poses as it, or it was replaced;"
            " if it was, approve it again with its new mac (device/approve) or open a window (permit_join)"
        )
        return self._busy("other_mac", known.serial, address, reason, PENDING_WAIT_S, mac)

    def already_connected(self, serial: str, address: str) -> Refused:
        reason = (
            "it is connected already, and registered again on another connection: two terminals have its serial, or its old connection"
            " is dead and will be closed for silence; permit_join lets it in now"
        )
        return self._busy("already_connected", serial, address, reason, PENDING_WAIT_S)

    def not_stored(self, serial: str, address: str, why: str) -> Refused:
        reason = f"its secret could not be stored ({why}): see to the disk of the state directory"
        return self._busy("not_stored", serial, address, reason, PENDING_WAIT_S)

    def other_terminal(self, serial: str, address: str, speaks_for: str) -> Refused:
        reason = f"its connection already speaks for {speaks_for}: a terminal needs a connection of its own"
        return self._refused("other_terminal", Result.BAD_PARAMETER, serial, address, reason)

    def bad_serial(self, serial: str, address: str) -> Refused:
        told = shown(serial, 64)
        reason = f'its serial "{told}" cannot be a topic: 1 to 64 of A-Z, a-z, 0-9, _ and -, not "bridge" or "all"'
        repeated = not self._novelties.is_new(f"serial {told}", "bad_serial", address)
        return Refused("bad_serial", Result.BAD_PARAMETER, reason, repeated=repeated)

    def unknown(self, uuid: str, address: str) -> Refused:
        reason = "its uuid was not given here, or it was removed: it has been told to register"
        repeated = not self._novelties.is_new(f"uuid {shown(uuid, 32)}", "unknown", address)
        return Refused("unknown", Result.REGISTER_AGAIN, reason, repeated=repeated)

    def bad_register_sign(self, serial: str, address: str) -> Refused:
        return self._bad_sign(serial, address, "its register has a wrong sign: it does not speak this protocol, or is not what it seems")

    def bad_login_sign(self, serial: str, address: str) -> Refused:
        reason = (
            "its login has a wrong sign: it has not the secret that it was given last, or another poses as it;"
            " if it does not register again by itself, device/remove makes it"
        )
        return self._bad_sign(serial, address, reason)

    def _bad_sign(self, serial: str, address: str, reason: str) -> Refused:
        if self._failed_signs.admits(address):
            return self._refused("bad_sign", Result.WRONG_PASSWORD, serial, address, reason)
        return Refused("bad_sign", Result.BUSY, reason, FAILED_SIGNS_WAIT_S, serial, repeated=True)

    def _busy(self, kind: RefusalKind, serial: str, address: str, reason: str, wait_s: int, mac: str = "") -> Refused:
        return self._refused(kind, Result.BUSY, serial, address, reason, wait_s, mac)

    def _refused(
        self, kind: RefusalKind, result: Result, serial: str, address: str, reason: str, wait_s: int | None = None, mac: str = ""
    ) -> Refused:
        repeated = not self._novelties.is_new(serial, (kind, address, mac), address)
        return Refused(kind, result, reason, wait_s, serial, repeated)
