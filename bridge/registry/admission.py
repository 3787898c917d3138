"""Who may join: the policy, the permit_join window, and what the operator decides about each terminal.

A register's sign proves nothing, since its magic is public; a serial and a MAC can be copied. What protects a terminal that is known is
its secret, and that no other can register as it: not with another MAC, and not while it is connected.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from sys import intern
from typing import Literal

from msgspec.structs import replace
from twisted.internet.defer import execute

from ..catalogue.identity import Login, Register
from ..config.shapes import is_device_id
from ..errors import Invalid, StorageFault
from ..session.admission import Admitted, Attempt, Identity, Refused, Undecided
from ..session.signs import login_sign, register_sign, signs_match
from .intake import Elsewhere, Intake, Soon
from .refusals import Refusals
from .store import Registry
from .terminal import ADDRESS_CHARACTERS, FIRMWARE_CHARACTERS, MODEL_CHARACTERS, KnownTerminal, is_mac, normal_mac, shown
from .terms import Terms
from .window import JoinWindow

MAX_UNASKED = 10_000
"""So many terminals may be known before strangers wait for approval under the policy `open` too: serials can be invented."""
CONTESTED_S = 600.0
"""How long a pending terminal that changed its MAC is not approved without naming the one that is meant."""
NAME_CHARACTERS = 64


ChangeKind = Literal["pending", "approved", "registered", "blocked", "removed", "renamed"]
_DECISIONS = {"approved", "blocked", "removed"}
"""After these, whatever a terminal is refused for is news."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something about a terminal changed. "registered": one that was approved before was let in with a new secret. "pending" comes
    once for each appearance, not with each attempt. The terminal of "removed" is what was known of it."""

    what: ChangeKind
    terminal: KnownTerminal


IsConnectedElsewhere = Callable[[str, Attempt], bool]
"""Whether a live connection other than the attempt's own speaks for this serial."""


class RegistryAdmission:
    """The policy over a registry; implements `bridge.session.admission.Admission`. `wall` gives UNIX seconds, `monotonic` seconds. `soon` has
    terminals that register together stored together, and `elsewhere` in a thread while the disk is slow; without them each is stored by itself,
    here and at once.

    The acts (`approve`, `block`, `remove`, `rename`, `permit_join`) take values as they came over MQTT. They raise Invalid, whose path
    is the request's field, and StorageFault; then nothing has changed. They do not close connections: that is for whoever observes.
    """

    def __init__(
        self,
        registry: Registry,
        terms: Terms,
        is_connected_elsewhere: IsConnectedElsewhere,
        wall: Callable[[], float],
        monotonic: Callable[[], float],
        soon: Soon = lambda call: call(),
        elsewhere: Elsewhere = execute,
    ) -> None:
        self.registry = registry
        self._intake = Intake(registry, soon, elsewhere, monotonic)
        self._terms = terms
        self._is_connected_elsewhere = is_connected_elsewhere
        self._wall = wall
        self._window = JoinWindow(wall, monotonic)
        self._refusals = Refusals(monotonic)
        self._observers: list[Callable[[Change], None]] = []

    def observe(self, observer: Callable[[Change], None]) -> None:
        """Have this called after each change has been kept. It must not raise."""
        self._observers.append(observer)

    def name_of(self, terminal: KnownTerminal) -> str:
        """What people call it: by the configuration, by a request, or else by its serial."""
        return self._terms.names.get(terminal.serial) or terminal.name or terminal.serial

    def identity_of(self, terminal: KnownTerminal) -> Identity | None:
        """Who it is to the rest of the bridge; None when it was never let in."""
        if terminal.uuid is None:
            return None
        return Identity(terminal.serial, terminal.uuid, self.name_of(terminal), terminal.model, terminal.mac, terminal.firmware)

    @property
    def permit_join_until(self) -> float | None:
        """When the window closes, in UNIX seconds; None when it is closed."""
        return self._window.until

    # What terminals ask.

    def register(self, register: Register, attempt: Attempt) -> Admitted | Refused | Undecided:
        """A terminal asks for an identity (section 4.2.2)."""
        serial, address = register.serial, attempt.address
        if serial in self._intake or self.registry.count + len(self._intake) >= MAX_UNASKED:
            self._intake.commit()
        if not is_device_id(serial):
            return self._refusals.bad_serial(serial, address)
        if not signs_match(register.sign, register_sign(serial, register.mac, register.timestamp)):
            return self._refusals.bad_register_sign(serial, address)
        known = self.registry.get(serial)
        refused = self._shut_out(serial, known, attempt)
        if refused is not None:
            return refused
        if known is not None and known.status == "approved":
            return self._not_again(known, register, attempt) or self._let_in(known, register, attempt)
        if self._is_welcome(serial):
            return self._let_in(known, register, attempt)
        return self._wait(known, register, attempt)

    def login(self, login: Login, attempt: Attempt) -> Admitted | Refused:
        """A terminal with an identity is back (section 4.2.3). Another connection of it, if there is one, is for the directory to end."""
        known = self.registry.by_uuid(login.uuid)
        if known is None or known.uuid is None or known.secret is None:
            return self._refusals.unknown(login.uuid, attempt.address)
        # Before all else: whoever cannot prove the secret learns nothing about the terminal.
        signed_with = _secret_of(login, known)
        if signed_with is None:
            return self._refusals.bad_login_sign(known.serial, attempt.address)
        if known.serial in self._intake:  # it registers by another connection: or that would undo what is kept of this login
            self._intake.commit()
            return self.login(login, attempt)
        refused = self._shut_out(known.serial, known, attempt)
        if refused is not None:
            return refused
        if known.status == "pending":
            return self._refusals.pending(known.serial, known.mac, attempt.address)
        if signed_with == known.secret and known.used_secret is not None:
            self.registry.put_later(replace(known, used_secret=None))
        firmware = intern(shown(login.version or "", FIRMWARE_CHARACTERS))
        return self._admitted(self.registry.touch(known.serial, self._wall(), shown(attempt.address, ADDRESS_CHARACTERS), firmware))

    # What the operator decides.

    def approve(self, serial: object, name: object = None, mac: object = None) -> KnownTerminal:
        """Let a pending or blocked terminal in when it registers next, with the MAC that it has now and no other.

        `mac` binds another one: of a terminal that was replaced, or the right one of two that a pending serial came with. Between the
        operator's look at a pending terminal and this act somebody else may have registered as it: so, for CONTESTED_S after its MAC
        changed, `mac` has to be given.
        """
        known = self._known(serial)
        if self._terms.shuts_out(known.serial):
            raise Invalid("id", "a terminal that the configuration names, since registration is closed", known.serial)
        bound = known.mac if mac is None else _checked_mac(known, mac)
        if mac is None and self._is_contested(known):
            raise Invalid("mac", "the MAC address that is meant, since it has come with more than one lately", "nothing")
        named = known.name if name is None else self._checked_name(known, name)
        return self._keep("approved", replace(known, status="approved", mac=bound, name=named))

    def block(self, serial: object) -> KnownTerminal:
        """Keep a terminal out, even if the configuration approves it, until it is approved or removed."""
        return self._keep("blocked", replace(self._known(serial), status="blocked"))

    def remove(self, serial: object) -> KnownTerminal:
        """Forget a terminal, and its secret with it: if it comes back, it is a stranger."""
        known = self._known(serial)
        self.registry.remove(known.serial)
        self._tell("removed", known)
        return known

    def rename(self, serial: object, name: object) -> KnownTerminal:
        """Give a terminal a name, of 1 to NAME_CHARACTERS characters."""
        known = self._known(serial)
        return self._keep("renamed", replace(known, name=self._checked_name(known, name)))

    def permit_join(self, seconds: object) -> float | None:
        """Let in whoever registers within so many seconds; 0 closes the window. Returns when it closes, in UNIX seconds, or None."""
        if self._terms.policy == "closed":
            raise Invalid("time", "no window, since registration is closed")
        return self._window.open_for(seconds)

    # The rules.

    def _shut_out(self, serial: str, known: KnownTerminal | None, attempt: Attempt) -> Refused | None:
        if attempt.identified_as not in (None, serial):
            return self._refusals.other_terminal(serial, attempt.address, str(attempt.identified_as))
        if known is not None and known.status == "blocked":
            return self._refusals.blocked(serial, attempt.address)
        if self._terms.shuts_out(serial):
            return self._refusals.closed(serial, attempt.address)
        return None

    def _not_again(self, known: KnownTerminal, register: Register, attempt: Attempt) -> Refused | None:
        """Why a terminal that is known may not register as it; None when it may."""
        if self._window.is_open:
            return None
        mac = normal_mac(register.mac)
        if mac != known.mac:
            return self._refusals.other_mac(known, mac, attempt.address)
        if self._is_connected_elsewhere(known.serial, attempt):
            return self._refusals.already_connected(known.serial, attempt.address)
        return None

    def _is_welcome(self, serial: str) -> bool:
        if serial in self._terms.approved:
            return True
        return self.registry.count < MAX_UNASKED and (self._window.is_open or self._terms.admits_unasked(serial))

    def _let_in(self, known: KnownTerminal | None, register: Register, attempt: Attempt) -> Admitted | Refused | Undecided:
        """The uuid stays; the secret is always a new one, so that one that has leaked is of no more use once the new one is used. Until
        then the one used last still counts: the terminal may never hear of the new one."""
        terminal = replace(
            self._arrived(known, register, attempt),
            status="approved",
            uuid=(known and known.uuid) or secrets.token_hex(16),
            secret=secrets.token_urlsafe(12),  # 16 characters, all that the protocol has room for: 96 bits
            used_secret=None if known is None else known.used_secret or known.secret,
        )
        what: ChangeKind = "registered" if known is not None and known.status == "approved" else "approved"
        undecided = Undecided(self._intake.commit)

        def stored(fault: StorageFault | None) -> None:
            if fault is not None:
                undecided.decide(self._refusals.not_stored(terminal.serial, attempt.address, fault.reason))
                return
            self._tell(what, terminal)
            undecided.decide(self._admitted(terminal, terminal.secret))

        self._intake.put(terminal, stored)
        return undecided.verdict or undecided

    def _wait(self, known: KnownTerminal | None, register: Register, attempt: Attempt) -> Refused:
        terminal = self._arrived(known, register, attempt)
        self.registry.put_later(terminal)
        refused = self._refusals.pending(terminal.serial, terminal.mac, attempt.address)
        if not refused.repeated:
            self._tell("pending", terminal)
        return refused

    def _arrived(self, known: KnownTerminal | None, register: Register, attempt: Attempt) -> KnownTerminal:
        """What is known of a terminal, after it said all this."""
        now, mac = self._wall(), normal_mac(register.mac)
        if known is None:
            known = KnownTerminal(serial=register.serial, status="pending", mac=mac, mac_since=now, first_seen=now, last_seen=now)
        return replace(
            known,
            mac=mac,
            mac_since=known.mac_since if known.mac == mac else now,
            model=intern(shown(register.type or "", MODEL_CHARACTERS)) or known.model,
            address=shown(attempt.address, ADDRESS_CHARACTERS),
            last_seen=now,
        )

    def _admitted(self, terminal: KnownTerminal, passwd: str | None = None) -> Admitted:
        identity = self.identity_of(terminal)
        assert identity is not None, "only a terminal with a uuid is let in"
        return Admitted(identity, passwd)

    def _is_contested(self, known: KnownTerminal) -> bool:
        return known.status == "pending" and known.mac_since > known.first_seen and self._wall() - known.mac_since < CONTESTED_S

    def _known(self, serial: object) -> KnownTerminal:
        self._intake.commit()
        known = self.registry.get(serial) if isinstance(serial, str) else None
        if known is None:
            raise Invalid("id", "the serial of a terminal that is known", shown(str(serial), 64) or "nothing")
        return known

    def _checked_name(self, known: KnownTerminal, name: object) -> str:
        if known.serial in self._terms.names:
            raise Invalid("name", "no name, since the configuration names this terminal")
        if not isinstance(name, str) or not name.strip() or len(name) > NAME_CHARACTERS or not name.isprintable():
            raise Invalid("name", f"1 to {NAME_CHARACTERS} printable characters", shown(str(name), 40) or "nothing")
        return name.strip()

    def _keep(self, what: Literal["approved", "blocked", "renamed"], terminal: KnownTerminal) -> KnownTerminal:
        self.registry.put(terminal)
        self._tell(what, terminal)
        return terminal

    def _tell(self, what: ChangeKind, terminal: KnownTerminal) -> None:
        if what in _DECISIONS:
            self._refusals.forget(terminal.serial)
        for observer in self._observers:
            observer(Change(what, terminal))


def _secret_of(login: Login, known: KnownTerminal) -> str | None:
    """Which of its secrets a terminal has signed with, if any."""
    return next(
        (
            each
            for each in (known.secret, known.used_secret)
            if each and signs_match(login.sign, login_sign(login.uuid, each, login.timestamp))
        ),
        None,
    )


def _checked_mac(known: KnownTerminal, mac: object) -> str:
    normal = normal_mac(mac) if isinstance(mac, str) else None
    if normal is None or not (is_mac(normal) or normal == known.mac):
        raise Invalid("mac", "a MAC address, 12 hexadecimal digits", shown(str(mac), 40) or "nothing")
    return normal
