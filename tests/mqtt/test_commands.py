from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from math import inf
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Invalid
from bridge.mqtt.commands import LONGEST_TIMEOUT_S, LONGEST_TTL_S, Order, Response, read_order, transaction_of
from tests.values import json_values

ARRIVED = datetime(2024, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()


def order(value: Any) -> Order:
    return read_order(json.dumps(value).encode())


@pytest.mark.parametrize("payload", [b"", b"  \n", b"{}"])
def test_nothing_is_a_command_without_fields(payload: bytes) -> None:
    assert read_order(payload) == Order({})


def test_bare_fields_are_the_data() -> None:
    assert order({"timeoutSeconds": 5, "timeout": 3}) == Order({"timeoutSeconds": 5, "timeout": 3})


def test_what_may_stand_beside_bare_fields() -> None:
    value = {"timeoutSeconds": 5, "transaction": "t", "issued_at": "2024-01-02T03:04:05Z", "ttl": 2, "source": "me"}
    assert order(value) == Order({"timeoutSeconds": 5}, "t", ARRIVED, 2.0)


def test_the_envelope() -> None:
    value = {"data": {"a": 1}, "transaction": 7, "issued_at": "2024-01-02T11:04:05+08:00", "ttl": 2.5, "timeout": 9, "source": "me"}
    assert order(value) == Order({"a": 1}, "7", ARRIVED, 2.5, 9.0)
    assert order({"data": None}) == Order(None)  # left to the command to refuse


@pytest.mark.parametrize(
    ("value", "path", "expected"),
    [
        ([], "payload", "a JSON object, or nothing"),
        ("open", "payload", "a JSON object, or nothing"),
        ({"data": {}, "tll": 5}, "tll", "no such field"),
        ({"data": {}, "transaction": ""}, "transaction", "text of at least 1 character"),
        ({"data": {}, "transaction": "x" * 129}, "transaction", "text of at most 128 characters"),
        ({"data": {}, "transaction": True}, "transaction", "a whole number or text"),
        ({"data": {}, "transaction": 1.5}, "transaction", "a whole number or text"),
        ({"data": {}, "ttl": 0}, "ttl", "seconds, more than 0 and at most 86400"),
        ({"data": {}, "ttl": -1}, "ttl", "seconds"),
        ({"ttl": LONGEST_TTL_S + 1}, "ttl", "seconds"),
        ({"ttl": "5"}, "ttl", "a number"),
        ({"ttl": True}, "ttl", "a number"),
        ({"ttl": None}, "ttl", "a number"),
        ({"data": {}, "timeout": 0}, "timeout", "seconds"),
        ({"data": {}, "timeout": LONGEST_TIMEOUT_S + 1}, "timeout", "at most 3600"),
        ({"issued_at": "yesterday"}, "issued_at", "ISO 8601"),
        ({"issued_at": "2024-01-02T03:04:05"}, "issued_at", "with its offset"),
        ({"issued_at": 1704164645}, "issued_at", "text"),
        ({"source": "x" * 129}, "source", "text of at most 128 characters"),
    ],
)
def test_the_field_that_is_wrong_is_named(value: Any, path: str, expected: str) -> None:
    with pytest.raises(Invalid) as raised:
        order(value)
    assert raised.value.path == path
    assert expected in raised.value.expected


@pytest.mark.parametrize("payload", [b"open", b"\xff", b"{", b"[" * 100_000, b'{"a":1e999}', b'{"a":"\\ud800"}', b"1" * 5000])
def test_what_is_not_json(payload: bytes) -> None:
    with pytest.raises(Invalid) as raised:
        read_order(payload)
    assert (raised.value.path, raised.value.got) == ("payload", "something else")
    assert transaction_of(payload) is None


@pytest.mark.parametrize(
    ("order", "default_ttl_s", "expiry_s", "left"),
    [
        (Order({}), None, None, inf),
        (Order({}), 10.0, None, 10),
        (Order({}, ttl_s=60), 10.0, None, 60),
        (Order({}, ttl_s=3), None, None, 3),
        (Order({}, issued_at=ARRIVED - 4), None, None, inf),
        (Order({}, issued_at=ARRIVED - 4), 10.0, None, 6),
        (Order({}, issued_at=ARRIVED - 40), 10.0, None, -30),
        (Order({}, issued_at=ARRIVED + 40), 10.0, None, 10),  # a clock that is ahead gains nothing
        (Order({}, issued_at=ARRIVED + 40, ttl_s=5), None, None, 5),
        (Order({}), None, 7, 7),
        (Order({}, ttl_s=60), None, 7, 7),
        (Order({}, ttl_s=3), None, 7, 3),
        (Order({}, issued_at=ARRIVED - 4), 10.0, 7, 6),
        (Order({}), None, 0, 0),
    ],
)
def test_when_a_command_becomes_stale(order: Order, default_ttl_s: float | None, expiry_s: int | None, left: float) -> None:
    assert order.expires_at(ARRIVED, default_ttl_s, expiry_s) - ARRIVED == left


@pytest.mark.parametrize(
    ("payload", "transaction"),
    [
        (b'{"transaction":"t","nonsense":[],"data":1}', "t"),
        (b'{"transaction":5}', 5),
        (b'{"transaction":-1732438571123456789012}', -1732438571123456789012),
        (b'{"transaction":true}', None),
        (b'{"transaction":null}', None),
        (b'{"transaction":{}}', None),
        (b"[1]", None),
        (b"", None),
        (b'{"transaction":"' + b"x" * 200 + b'"}', "x" * 128),
    ],
)
def test_the_transaction_is_known_even_of_a_wrong_payload(payload: bytes, transaction: str | int | None) -> None:
    assert transaction_of(payload) == transaction


REFUSED = Response(command="open_door", device_id="SN1", transaction=None, time="now", status="error", code="expired", error="stale")


def test_what_a_response_always_says() -> None:
    shown = json.loads(REFUSED.payload())
    assert shown == {
        "status": "error",
        "command": "open_door",
        "device_id": "SN1",
        "code": "expired",
        "error": "stale",
        "sequence": None,
        "attempts": 0,
        "elapsed_ms": 0,
        "time": "now",
    }


def test_what_a_response_says_where_there_is_something_to_say() -> None:
    response = Response(
        command="c",
        device_id="d",
        transaction="t",
        time="now",
        result=0,
        description="fine",
        data=[],
        sequence=5,
        attempts=2,
        elapsed_ms=9,
        duplicate=True,
    )
    assert list(json.loads(response.payload()).items()) == [
        ("status", "ok"),
        ("command", "c"),
        ("device_id", "d"),
        ("transaction", "t"),
        ("result", 0),
        ("description", "fine"),
        ("data", []),
        ("sequence", 5),
        ("attempts", 2),
        ("elapsed_ms", 9),
        ("time", "now"),
        ("duplicate", True),
    ]


@given(json_values | st.dictionaries(st.sampled_from(["data", "transaction", "ttl", "timeout", "issued_at", "source"]), json_values))
def test_any_json_is_read_or_refused_by_field(value: Any) -> None:
    payload = json.dumps(value).encode()
    with suppress(Invalid):
        of_order = read_order(payload).transaction
        told = transaction_of(payload)
        assert of_order == (None if told is None else str(told))


@given(st.binary(max_size=200))
def test_any_payload_is_read_or_refused(payload: bytes) -> None:
    transaction_of(payload)
    with suppress(Invalid):
        read_order(payload)
