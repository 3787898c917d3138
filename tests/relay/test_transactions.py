from __future__ import annotations

import pytest

from bridge.mqtt.commands import Response
from bridge.relay.transactions import MOST_REMEMBERED, REMEMBERED_S, Transactions

RESPONSE = Response(command="c", device_id="d", transaction="t", time="now")


@pytest.fixture
def transactions() -> Transactions:
    return Transactions()


def begin(transactions: Transactions, transaction: str = "t", device: str = "d", now: float = 0.0) -> bool:
    return transactions.begin(device, transaction, "c", b"{}", now)


def test_a_transaction_is_new_once_for_each_terminal(transactions: Transactions) -> None:
    assert [begin(transactions), begin(transactions), begin(transactions, "u"), begin(transactions, device="e")] == [
        True,
        False,
        True,
        True,
    ]


def test_the_answer_of_the_first_is_everybodys_now_or_later(transactions: Transactions) -> None:
    begin(transactions)
    heard: list[Response] = []
    transactions.repeat("d", "t", heard.append)
    assert heard == []
    transactions.conclude("d", "t", RESPONSE)
    transactions.repeat("d", "t", heard.append)
    assert heard == [RESPONSE, RESPONSE]
    transactions.conclude("d", "unheard of", RESPONSE)


@pytest.mark.parametrize(("command", "payload", "is_same"), [("c", b"{}", True), ("c", b"{ }", False), ("d", b"{}", False)])
def test_whether_it_asked_for_the_same(transactions: Transactions, command: str, payload: bytes, is_same: bool) -> None:
    begin(transactions)
    assert transactions.is_same("d", "t", command, payload) is is_same


def test_an_answered_transaction_is_forgotten_after_ten_minutes(transactions: Transactions) -> None:
    begin(transactions)
    transactions.conclude("d", "t", RESPONSE)
    assert not begin(transactions, now=REMEMBERED_S - 1)
    assert begin(transactions, now=REMEMBERED_S)


def test_one_that_is_under_way_is_never_forgotten_and_keeps_no_other(transactions: Transactions) -> None:
    for number in range(100):
        begin(transactions, f"slow-{number}")
    for number in range(100):
        begin(transactions, f"fast-{number}")
        transactions.conclude("d", f"fast-{number}", RESPONSE)
    for number in range(50):
        assert begin(transactions, f"new-{number}", now=REMEMBERED_S + number)
    assert len(transactions._entries) == 100 + 50  # the fast ones are gone, the slow ones are not
    assert not begin(transactions, "slow-0", now=2 * REMEMBERED_S)


def test_they_are_bounded(transactions: Transactions) -> None:
    for number in range(MOST_REMEMBERED + 100):
        begin(transactions, str(number))
        transactions.conclude("d", str(number), RESPONSE)
    assert len(transactions._entries) == MOST_REMEMBERED
    assert not begin(transactions, str(MOST_REMEMBERED + 99))
    assert begin(transactions, "0")


def test_payloads_are_not_kept(transactions: Transactions) -> None:
    transactions.begin("d", "t", "c", b"x" * 1_000_000, 0.0)
    assert len(transactions._entries["d", "t"].asked) == 32
