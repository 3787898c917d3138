from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bridge.mqtt.commands import CommandRefused, Response
from bridge.relay.transactions import MOST_REMEMBERED, REMEMBERED_S, Transactions

RESPONSE = Response(command="c", device_id="d", transaction="t", time="now")


@pytest.fixture
def transactions() -> Transactions:
    return Transactions()


def begin(transactions: Transactions, transaction: str = "t", device: str = "d", now: float = 0.0) -> bool:
    return transactions.begin(device, transaction, "c", {}, now)


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


@pytest.mark.parametrize(("command", "payload", "is_same"), [("c", {}, True), ("c", {"a": 1}, False), ("d", {}, False)])
def test_whether_it_asked_for_the_same(transactions: Transactions, command: str, payload: Any, is_same: bool) -> None:
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
    assert begin(transactions, "fast-99", now=REMEMBERED_S + 50)
    assert not begin(transactions, "slow-0", now=2 * REMEMBERED_S)


def test_what_did_nothing_gives_way_to_others(transactions: Transactions) -> None:
    for number in range(MOST_REMEMBERED + 100):
        begin(transactions, str(number))
        transactions.conclude("d", str(number), RESPONSE)
    assert len(transactions._entries["d"]) <= MOST_REMEMBERED
    assert not begin(transactions, str(MOST_REMEMBERED + 99))
    assert begin(transactions, "0")


def test_what_did_something_does_not(transactions: Transactions) -> None:
    for number in range(MOST_REMEMBERED):
        begin(transactions, str(number))
        transactions.conclude("d", str(number), replace(RESPONSE, attempts=1))
    with pytest.raises(CommandRefused) as refused:
        begin(transactions, "one more", now=REMEMBERED_S - 1)
    assert refused.value.code == "busy"
    assert not begin(transactions, "0", now=REMEMBERED_S - 1)
    assert begin(transactions, "one more", device="another")
    assert begin(transactions, "one more", now=REMEMBERED_S)


def test_payloads_are_not_kept(transactions: Transactions) -> None:
    transactions.begin("d", "t", "c", {"image": "x" * 1_000_000}, 0.0)
    assert len(transactions._entries["d"]["t"].asked) == 32
