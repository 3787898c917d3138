"""Terminals that register together: stored with one commit, and told nothing before it."""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Callable, Iterable
from functools import partial

import pytest
from twisted.internet.defer import execute
from twisted.python.failure import Failure

from bridge.catalogue.identity import Login
from bridge.errors import StorageFault
from bridge.registry import Change, KnownTerminal, Registry, RegistryAdmission, Terms
from bridge.registry.admission import MAX_UNASKED
from bridge.registry.intake import QUICK_S, Elsewhere
from bridge.session.admission import Admitted, Attempt, Refused, Undecided
from bridge.session.signs import login_sign
from tests.outbox.site import ManualThread
from tests.registry.site import HERE, MAC, STAMP, WALL, known_terminal, register_of, written
from tests.terminal.lobby import logged

Verdict = Admitted | Refused


class Crowd:
    """An admission whose next moment comes when its test says so. `told` is what each register came to, in that order."""

    def __init__(self, registry: Registry, elsewhere: Elsewhere = execute) -> None:
        self.registry = registry
        self.now = 0.0
        self.soon: list[Callable[[], None]] = []
        self.connected: set[str] = set()
        self.told: list[tuple[str, Verdict]] = []
        self.changes: list[Change] = []
        self.admission = RegistryAdmission(
            registry,
            Terms(policy="open"),
            lambda serial, _: serial in self.connected,
            lambda: WALL,
            lambda: self.now,
            self._soon,
            elsewhere,
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


# In a thread.


class Slow(Crowd):
    """Whose disk takes `takes_s` each time; and while it is slow, there is a thread that works when its test says so."""

    def __init__(self, registry: Registry) -> None:
        self.thread = ManualThread()
        self.thread.prompt = False
        self.takes_s = 2 * QUICK_S
        super().__init__(registry, self.thread.call)

    def write_ahead(self, write: Callable[[Iterable[KnownTerminal]], None], terminals: Iterable[KnownTerminal]) -> None:
        self.now += self.takes_s
        write(terminals)


@pytest.fixture
def slow(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Slow:
    """It has been found out that it is."""
    slow = Slow(registry)
    monkeypatch.setattr(registry, "write_ahead", partial(slow.write_ahead, registry.write_ahead))
    slow.register("SN0")
    slow.moment()
    assert slow.serials() == ["SN0"]
    slow.admission.remove("SN0")
    slow.told.clear()
    slow.changes.clear()
    return slow


def test_a_disk_that_is_quick_again_needs_no_thread(slow: Slow) -> None:
    slow.takes_s = QUICK_S
    slow.register("SN1")
    slow.moment()
    assert slow.told == []
    slow.thread.run()
    slow.register("SN2")
    slow.moment()
    assert slow.serials() == ["SN1", "SN2"]


def rows(registry: Registry) -> dict[str, tuple[str, str]]:
    """What stands on the disk."""
    return {
        serial: (status, secret) for serial, status, secret in registry._connection.execute("SELECT serial, status, secret FROM terminal")
    }


def test_nobody_is_told_while_the_disk_is_at_it(slow: Slow) -> None:
    slow.register("SN1")
    slow.moment()
    assert (slow.told, slow.changes, slow.registry.count, len(slow.thread.calls)) == ([], [], 0, 1)
    slow.thread.run()
    assert slow.serials() == ["SN1"]


def test_those_that_come_meanwhile_share_the_next_commit(slow: Slow) -> None:
    transactions = written(slow.registry)
    slow.register("SN1")
    slow.moment()
    for serial in ("SN2", "SN3", "SN4"):
        slow.register(serial)
        slow.moment()
    slow.thread.run()
    assert slow.serials() == ["SN1"]
    slow.thread.run()
    assert (slow.serials(), transactions) == (["SN1", "SN2", "SN3", "SN4"], ["COMMIT"] * 2)
    assert not slow.thread.calls


def test_one_that_cannot_wait_for_the_thread_is_written_at_once_and_once(slow: Slow) -> None:
    transactions = written(slow.registry)
    first = slow.register("SN1")
    slow.moment()
    slow.register("SN2")
    assert first is not None
    first.hurry()
    assert (slow.serials(), transactions) == (["SN1", "SN2"], ["COMMIT"] * 2)
    slow.register("SN3")
    slow.moment()
    while slow.thread.calls:
        slow.thread.run()
    assert (slow.serials(), transactions) == (["SN1", "SN2", "SN3"], ["COMMIT"] * 3)


def test_whoever_cannot_wait_waits_for_a_thread_that_is_at_it(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    began, go_on, write, writes = threading.Event(), threading.Event(), slow.registry.write_ahead, list[int]()

    def write_ahead(terminals: Iterable[KnownTerminal]) -> None:
        began.set()
        assert go_on.wait(10)
        write(terminals)
        writes.append(threading.get_ident())

    monkeypatch.setattr(slow.registry, "write_ahead", write_ahead)
    verdict = slow.register("SN1")
    assert verdict is not None
    slow.moment()
    thread = threading.Thread(target=slow.thread.run)
    slow.thread.calls[0][1].pause()  # what it comes to is told in the reactor's thread, later
    thread.start()
    assert began.wait(10)
    threading.Timer(0.05, go_on.set).start()
    verdict.hurry()
    assert (slow.serials(), writes) == (["SN1"], [thread.ident])
    thread.join()


def test_what_is_saved_meanwhile_is_no_older_than_what_the_thread_wrote(slow: Slow) -> None:
    slow.registry.put(known_terminal("SN1", uuid="u" * 32, secret="old"))
    slow.register("SN1")
    slow.registry.touch("SN1", WALL + 1)
    slow.moment()
    work, done = slow.thread.calls.popleft()
    work()
    slow.registry.flush()
    done.callback(None)
    known = slow.registry.get("SN1")
    assert known is not None
    assert rows(slow.registry)["SN1"] == ("approved", known.secret)
    assert known.secret != "old"


def test_a_disk_that_fails_in_the_thread_lets_nobody_in(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: object) -> None:
        raise StorageFault("disk full")

    slow.register("SN1")
    slow.moment()
    with monkeypatch.context() as failing:
        failing.setattr(slow.registry, "write_ahead", full)
        slow.thread.run()
    ((_, refused),) = slow.told
    assert isinstance(refused, Refused)
    assert (refused.kind, slow.registry.count) == ("not_stored", 0)
    slow.register("SN1")
    slow.moment()
    assert isinstance(slow.told[-1][1], Admitted), "a disk that fails at once is quick"


def test_a_defect_in_the_thread_lets_nobody_in(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    def defect(_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(slow.registry, "write_ahead", defect)
    slow.register("SN1")
    slow.moment()
    with logged() as events:
        slow.thread.run()
    ((_, refused),) = slow.told
    assert isinstance(refused, Refused)
    assert (refused.kind, len(events)) == ("not_stored", 1)


def test_a_login_meanwhile_comes_after_the_register_that_it_would_be_undone_by(slow: Slow) -> None:
    slow.registry.put(known_terminal("SN1", uuid="u" * 32, secret="old"))
    slow.register("SN1")
    slow.moment()
    login = Login(uuid="u" * 32, timestamp=STAMP, sign=login_sign("u" * 32, "old", STAMP), version="V9")
    assert isinstance(slow.admission.login(login, Attempt(HERE)), Admitted)
    assert slow.serials() == ["SN1"]
    slow.thread.run()
    known = slow.registry.get("SN1")
    assert known is not None
    assert (known.firmware, known.used_secret) == ("V9", "old")


def test_a_stranger_who_cannot_prove_the_secret_has_nobody_wait_for_the_disk(slow: Slow) -> None:
    slow.registry.put(known_terminal("SN1", uuid="u" * 32, secret="old"))
    slow.register("SN1")
    slow.moment()
    assert isinstance(slow.admission.login(Login(uuid="u" * 32, timestamp=STAMP, sign="0" * 32), Attempt(HERE)), Refused)
    assert slow.told == []


def test_a_thread_that_does_not_come_to_it_lets_nobody_in(slow: Slow) -> None:
    slow.register("SN1")
    slow.moment()
    _, done = slow.thread.calls.popleft()
    with logged() as events:
        done.errback(Failure(ZeroDivisionError()))
    assert [verdict.kind for _, verdict in slow.told if isinstance(verdict, Refused)] == ["not_stored"]
    assert (slow.registry.count, len(events)) == (0, 1)


def test_a_registry_that_is_closed_meanwhile_lets_nobody_in(slow: Slow) -> None:
    slow.register("SN1")
    slow.moment()
    slow.registry.close()
    slow.thread.run()
    assert [verdict.kind for _, verdict in slow.told if isinstance(verdict, Refused)] == ["not_stored"]
