"""Bodies: every form that is accepted, and whatever is thrown at the reader instead."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import TerminalFault
from bridge.wire import Body, decode_body, request_body, response_body
from bridge.wire.body import DEEPEST
from bridge.wire.envelope import MOST_PARTS
from tests.vectors import FRAMES


def body_with(data: str) -> bytes:
    return b'{"message":"m","data":' + data.encode() + b"}"


@pytest.mark.parametrize("vector", [each for each in FRAMES if each["body"]], ids=lambda vector: vector["name"])
def test_vectors(vector: dict[str, str]) -> None:
    plain = json.loads(vector["body"].rstrip("\0"))
    assert decode_body(vector["body"].encode()) == Body(plain.get("message"), plain.get("result"), plain.get("desc", ""), plain["data"])


@pytest.mark.parametrize(
    ("data", "read"),
    [
        ("null", {}),
        ('""', {}),
        ('" \\u0000"', {}),
        ("{}", {}),
        ('{"a":1}', {"a": 1}),
        ("[]", []),
        ('[{"groupKey":"version"}]', [{"groupKey": "version"}]),
        (r'"{\"a\":{\"b\":\"\u5f20\"}}"', {"a": {"b": "张"}}),
        (r'"[1,2]"', [1, 2]),
        (r'"{\"a\":1}\u0000\r\n"', {"a": 1}),
        (r'"null"', {}),
    ],
)
def test_every_form_of_data(data: str, read: Any) -> None:
    assert decode_body(body_with(data)) == Body("m", None, "", read)


def test_data_may_be_absent() -> None:
    assert decode_body(b'{"message":"m"}') == Body("m", None, "", {})
    assert decode_body(b"{}") == Body(None, None, "", {})


@pytest.mark.parametrize("tail", [b"\0", b"\0\0\0", b"\r\n", b" \t\n\0 \0", b""])
def test_padding_behind_the_json_is_stripped(tail: bytes) -> None:
    assert decode_body(b'\r\n {"result":0}' + tail).result == 0


@pytest.mark.parametrize(("result", "read"), [("0", 0), ('"0"', 0), ('"-1"', -1), ("109", 109), ("1.0", 1), ("null", None)])
def test_result_as_number_or_text(result: str, read: int | None) -> None:
    assert decode_body(b'{"result":' + result.encode() + b"}").result == read


@pytest.mark.parametrize(
    ("desc", "read"), [('"操作成功"', "操作成功"), ("null", ""), ("5", "5"), ("{}", ""), ('["a"]', ""), ("true", ""), ("0", "0")]
)
def test_desc_is_text_whatever_came(desc: str, read: str) -> None:
    assert decode_body(b'{"result":0,"desc":' + desc.encode() + b"}").desc == read


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\0",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"{} trailing",
        b"{}{}",
        b"NaN",
        b'{"message":5}',
        b'{"message":{}}',
        b'{"result":"x"}',
        b'{"result":1.5}',
        b'{"result":true}',
        b'{"result":' + b"9" * 30 + b"}",
        b'{"result":' + b"9" * 5000 + b"}",
        b'{"result":"' + b"9" * 30 + b'"}',
        body_with("5"),
        body_with("true"),
        body_with("NaN"),
        body_with("1e999"),
        body_with('"5"'),
        body_with('"plain text"'),
        body_with('"{"'),
        body_with(r'"\ud800"'),
        body_with(r'{"a":"\udfff"}'),
        body_with("9" * 5000),
        b'{"message":"\xff"}',
        b'{"data":{"\xff":1}}',
        "{}".encode("utf-16"),
    ],
)
def test_anything_else_is_the_terminals_fault(body: bytes) -> None:
    with pytest.raises(TerminalFault, match="unreadable body: "):
        decode_body(body)


@pytest.mark.parametrize("bracket", ["[]", '{"a":}'])
@pytest.mark.parametrize("quoted", [False, True], ids=["plain", "as text"])
def test_nesting_is_bounded(bracket: str, quoted: bool) -> None:
    """What was read must not break whoever encodes it again, deeper in the stack."""

    def nested(levels: int) -> bytes:
        data = bracket[:-1] * (levels - 1) + bracket[0] + bracket[-1] + bracket[-1] * (levels - 1)
        return body_with(json.dumps(data) if quoted else data)

    assert decode_body(nested(DEEPEST)).data
    for levels in (DEEPEST + 1, 900, 5000, 200_000):
        with pytest.raises(TerminalFault):
            decode_body(nested(levels))


SECRETS = ["韩梅梅", "Mr Wang", "430726199801042312"]


@pytest.mark.parametrize("secret", SECRETS)
@pytest.mark.parametrize(
    "form",
    [
        '{{"message":"snapshot_face","data":{{"fullName":"{}"}}',
        '{{"message":"snapshot_face","data":"{}"}}',
        '{{"message":"snapshot_face","data":{{"{}":}}}}',
        '{{"message":["{}"]}}',
        '{{"result":"{}"}}',
        '{{"result":{{"{}":1}}}}',
        "{}",
    ],
)
def test_a_fault_never_quotes_the_body(form: str, secret: str) -> None:
    for body in (form.format(secret).encode(), form.format(secret).encode() + b"\xff", form.format(secret).encode("gbk")):
        with pytest.raises(TerminalFault) as caught:
            decode_body(body)
        words = f"{caught.value} {caught.value.reason}"
        assert secret not in words
        assert not any(byte > 127 for byte in words.encode())
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)


def reads_or_faults(body: bytes) -> None:
    try:
        read = decode_body(body)
    except TerminalFault:
        return
    assert isinstance(read.data, dict | list)
    response_body(0, read.desc, read.data, read.message)  # what was read can be written


@given(st.binary(max_size=80))
def test_arbitrary_bytes(body: bytes) -> None:
    reads_or_faults(body)


@given(
    st.fixed_dictionaries(
        {}, optional={"message": json_values, "result": json_values, "desc": json_values, "data": json_values, "x": json_values}
    ),
    st.booleans(),
)
def test_arbitrary_json(envelope: dict[str, Any], as_text: bool) -> None:
    if as_text and "data" in envelope:
        envelope["data"] = json.dumps(envelope["data"])
    reads_or_faults(json.dumps(envelope).encode("utf-8", "surrogatepass"))


@given(json_values)
def test_arbitrary_json_for_the_whole(value: Any) -> None:
    reads_or_faults(json.dumps(value).encode("utf-8", "surrogatepass"))


def test_what_is_written() -> None:
    assert request_body("open_door", {}) == b'{"message":"open_door","data":{}}'
    assert response_body(0, "Success", {}) == b'{"result":0,"desc":"Success","data":{}}'
    assert response_body(0, "Success", {}, "device_call_param") == (
        b'{"message":"device_call_param","result":0,"desc":"Success","data":{}}'
    )


@given(st.text(max_size=8), st.dictionaries(st.text(max_size=5), st.text(max_size=5) | st.integers(-(1 << 63), 1 << 63), max_size=4))
def test_what_is_written_is_read_back(message: str, data: dict[str, Any]) -> None:
    assert decode_body(request_body(message, data)) == Body(message, None, "", data)
    assert decode_body(response_body(7, "d", data)) == Body(None, 7, "d", data)


@pytest.mark.parametrize(("data", "kept"), [('"OK"', {"data": "OK"}), ("0", {"data": 0}), ("true", {"data": True})])
def test_an_answer_is_not_lost_for_odd_data(data: str, kept: dict[str, object]) -> None:
    body = decode_body(f'{{"result": 0, "data": {data}}}'.encode())
    assert (body.result, body.data) == (0, kept)


@pytest.mark.parametrize("part", ["0,", "[],", '{"a":1},'])
def test_a_body_of_too_many_values_is_refused_before_anything_is_made_of_it(part: str) -> None:
    with pytest.raises(TerminalFault, match=f"more than {MOST_PARTS} values"):
        decode_body(body_with("[" + part * MOST_PARTS + "0]"))


def test_a_person_with_every_rule_is_far_below_that() -> None:
    days = ",".join('{"name":"n","dayRange":"2019.10.01~2019.10.03","mode":2,"periods":"08:00~09:30,11:30~14:00"}' for _ in range(366))
    assert decode_body(body_with(f'{{"holiday":[{days}]}}')).message == "m"
