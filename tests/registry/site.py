"""A bridge's registry and policy with clocks that stand still, and terminals that register and log in."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from bridge.catalogue import Result
from bridge.catalogue.identity import Login, Register
from bridge.registry import Change, KnownTerminal, Registry, RegistryAdmission, Terms
from bridge.session.admission import Admitted, Attempt, Refused, Undecided
from bridge.session.signs import login_sign, register_sign

MAC = "8CEC4B91040C"
OTHER_MAC = "8CEC4B910FFF"
HERE = "192.0.2.7"
ELSEWHERE = "192.0.2.66"
WALL = 1_700_000_000.0
STAMP = "1543563114"
PENDING = (Result.BUSY, 10)
SHUT_OUT = (Result.BUSY, 300)


def known_terminal(serial: str = "SN1", **known: object) -> KnownTerminal:
    fields: dict[str, object] = {"status": "approved", "mac": MAC, "mac_since": WALL, "first_seen": WALL, "last_seen": WALL}
    return KnownTerminal(serial=serial, **(fields | known))  # type: ignore[arg-type]


def register_of(serial: str, mac: str = MAC, sign: str | None = None, model: str | None = "KG02") -> Register:
    return Register(serial=serial, mac=mac, timestamp=STAMP, sign=register_sign(serial, mac, STAMP) if sign is None else sign, type=model)


def login_of(admitted: Admitted, passwd: str | None = None, version: str | None = "V1.0.0") -> Login:
    uuid, secret = admitted.identity.uuid, passwd or admitted.passwd
    assert secret is not None
    return Login(uuid=uuid, timestamp=STAMP, sign=login_sign(uuid, secret, STAMP), version=version)


@dataclass
class Site:
    registry: Registry
    terms: Terms
    now: float = 0.0
    connected: set[str] = field(default_factory=set)
    changes: list[Change] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.admission = RegistryAdmission(self.registry, self.terms, self._is_connected_elsewhere, self.wall, lambda: self.now)
        self.admission.observe(self.changes.append)

    def wall(self) -> float:
        return WALL + self.now

    def _is_connected_elsewhere(self, serial: str, attempt: Attempt) -> bool:
        return serial in self.connected and attempt.identified_as != serial

    def register(
        self, serial: str = "SN1", mac: str = MAC, *, address: str = HERE, identified_as: str | None = None, sign: str | None = None
    ) -> Admitted | Refused:
        verdict = self.admission.register(register_of(serial, mac, sign), Attempt(address, identified_as))
        assert not isinstance(verdict, Undecided)
        return verdict

    def join(self, serial: str = "SN1", mac: str = MAC, *, address: str = HERE, identified_as: str | None = None) -> Admitted:
        verdict = self.register(serial, mac, address=address, identified_as=identified_as)
        assert isinstance(verdict, Admitted), verdict
        return verdict

    def refusal(
        self, serial: str = "SN1", mac: str = MAC, *, address: str = HERE, identified_as: str | None = None, sign: str | None = None
    ) -> Refused:
        verdict = self.register(serial, mac, address=address, identified_as=identified_as, sign=sign)
        assert isinstance(verdict, Refused), verdict
        return verdict

    def login(self, admitted: Admitted, passwd: str | None = None, identified_as: str | None = None) -> Admitted | Refused:
        return self.admission.login(login_of(admitted, passwd), Attempt(HERE, identified_as))

    def known(self, serial: str = "SN1") -> KnownTerminal:
        known = self.registry.get(serial)
        assert known is not None
        return known

    def has_changed(self) -> list[tuple[str, str]]:
        return [(change.what, change.terminal.serial) for change in self.changes]


def told(refused: Admitted | Refused) -> tuple[str, Result, int | None]:
    """The kind of a refusal, and what of it the terminal is told."""
    assert isinstance(refused, Refused), refused
    return refused.kind, refused.result, refused.wait_s


def reopened(registry: Registry) -> Registry:
    path = registry._path.parent
    registry.close()
    return Registry.open(path)


def written(registry: Registry) -> list[str]:
    """What the registry writes from now on, by the transaction."""
    transactions: list[str] = []
    registry._connection.set_trace_callback(lambda sql: transactions.append(sql) if sql == "COMMIT" else None)
    return transactions


def modes(directory: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mode & 0o777 for path in directory.iterdir()}
