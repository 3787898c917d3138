"""Terminals that register together: stored with one commit, and told nothing before it."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable

import pytest

from bridge.registry import Change, Registry, RegistryAdmission, Terms
from bridge.registry.admission import MAX_UNASKED
from bridge.session.admission import Admitted, Attempt, Refused, Undecided
from tests.registry.site import HERE, MAC, WALL, known_terminal, register_of, written

Verdict = Admitted | Refused


class Crowd:
    """An admission whose next moment comes when its test says so. `told` is what each register came to, in that order."""

    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.soon: list[Callable[[], None]] = []
        self.connected: set[str] = set()
        self.told: list[tuple[str, Verdict]] = []
        self.changes: list[Change] = []
        self.admission = RegistryAdmission(
            registry, Terms(policy="open"), lambda serial, _: serial in self.connected, lambda: WALL, lambda: 0.0, self._soon
        )
        self.admission.observe(self.changes.append)

    def _soon(self, call: Callable[[], None]) -> None:
        self.soon.append(call)

    def register(self, serial: str, mac: str = MAC) -> Undecided | None:
        verdict = self.admission.register(register_of(serial, mac), Attempt(HERE))
        if isinstance(verdict, Undecided):
            verdict.then(lambda verdict: self._decided(serial, verdict))
            return verdict
        self._decided(serial, verdict)
        return None

    def _decided(self, serial: str, verdict: Verdict) -> None:
        if isinstance(verdict, Admitted):
            known = self.registry.get(serial)
            assert known is not None
            assert known.secret == verdict.passwd
            self.connected.add(serial)
        self.told.append((serial, verdict))

    def moment(self) -> None:
        soon, self.soon = self.soon, []
        for call in soon:
            call()

    def serials(self) -> list[str]:
        return [serial for serial, _ in self.told]


@pytest.fixture
def crowd(registry: Registry) -> Crowd:
    return Crowd(registry)


def test_many_are_stored_with_one_commit_and_told_after_it(crowd: Crowd) -> None:
    transactions = written(crowd.registry)
    for number in range(100):
        crowd.register(f"SN{number}")
    assert (crowd.told, crowd.changes, crowd.registry.count, transactions) == ([], [], 0, [])
    crowd.moment()
    assert crowd.serials() == [f"SN{number}" for number in range(100)]
    assert all(isinstance(verdict, Admitted) for _, verdict in crowd.told)
    assert [change.what for change in crowd.changes] == ["approved"] * 100
    assert transactions == ["COMMIT"]
    crowd.register("later")
    crowd.moment()
    assert crowd.serials()[-1] == "later"


def test_one_that_cannot_wait_is_decided_with_all_that_came_before(crowd: Crowd) -> None:
    crowd.register("SN1")
    second = crowd.register("SN2")
    assert second is not None
    second.hurry()
    assert crowd.serials() == ["SN1", "SN2"]
    second.hurry()
    crowd.moment()
    assert crowd.serials() == ["SN1", "SN2"]


def test_two_with_one_serial_are_judged_one_after_the_other(crowd: Crowd) -> None:
    crowd.register("SN1")
    crowd.register("SN1")
    crowd.register("SN1", "0064871ECB99")
    crowd.moment()
    assert [verdict.kind if isinstance(verdict, Refused) else "in" for _, verdict in crowd.told] == ["in", "already_connected", "other_mac"]


def test_what_the_operator_does_comes_after_what_was_there_before_it(crowd: Crowd) -> None:
    crowd.register("SN1")
    crowd.admission.block("SN1")
    crowd.moment()
    assert crowd.serials() == ["SN1"]
    known = crowd.registry.get("SN1")
    assert known is not None
    assert known.status == "blocked"


def test_the_bound_holds_among_those_that_come_together(crowd: Crowd) -> None:
    crowd.registry.put_all(known_terminal(f"K{number}") for number in range(MAX_UNASKED - 2))
    for number in range(4):
        crowd.register(f"SN{number}")
    crowd.moment()
    assert sorted(verdict.kind if isinstance(verdict, Refused) else "in" for _, verdict in crowd.told) == ["in", "in", "pending", "pending"]


def test_a_disk_that_fails_lets_nobody_in_and_leaves_nothing(crowd: Crowd, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full:
        in_transaction = False

        def execute(self, _: str) -> None:
            raise sqlite3.OperationalError("database or disk is full")

    for number in range(3):
        crowd.register(f"SN{number}")
    connection = crowd.registry._connection
    with monkeypatch.context() as failing:
        failing.setattr(crowd.registry, "_connection", Full())
        crowd.moment()
    assert {verdict.kind for _, verdict in crowd.told if isinstance(verdict, Refused)} == {"not_stored"}
    assert (len(crowd.told), crowd.registry.count, crowd.changes) == (3, 0, [])
    assert crowd.registry._connection is connection
    crowd.register("SN0")
    crowd.moment()
    assert isinstance(crowd.told[-1][1], Admitted)
