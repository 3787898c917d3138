"""The JSON of bodies: how much of it is let pass, and that a long string in it is read as it would be without the short cut."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.wire.envelope import LONG_BYTES, MOST_PARTS, Envelope, has_too_many_parts, long_string, read_envelope

LONG = "A" * LONG_BYTES


@given(st.lists(st.sampled_from([b"[", b"{", b",", b"x" * 9_000, b"," * 20_000, b"["]), max_size=9).map(b"".join))
def test_parts_are_counted_right_however_many_there_are(body: bytes) -> None:
    assert has_too_many_parts(body) == (sum(map(body.count, (b"[", b"{", b","))) > MOST_PARTS)


def encoded(data: Any, **others: Any) -> bytes:
    return json.dumps({"message": "m", "data": data, **others}, ensure_ascii=False).encode()


texts = st.one_of(st.text(max_size=9), st.sampled_from(['"', "\\", '\\"', "{", "[,", "\n"]))
values = st.one_of(
    st.none(), st.integers(0, 9), texts, st.just(LONG), st.lists(texts, max_size=2), st.dictionaries(texts, texts, max_size=2)
)


@given(st.dictionaries(texts, values, max_size=4), st.dictionaries(texts, values, max_size=4), st.dictionaries(texts, values, max_size=2))
def test_a_long_string_is_read_as_json_says_wherever_it_stands(
    before: dict[str, Any], after: dict[str, Any], others: dict[str, Any]
) -> None:
    body = encoded({**before, "snapPic": LONG, **after}, **{name: others[name] for name in others.keys() - {"message", "result", "data"}})
    assert read_envelope(body) == msgspec.json.decode(body, type=Envelope)


@pytest.mark.parametrize(
    "body",
    [
        encoded({"snapPic": "é" + LONG}),
        encoded({"snapPic": LONG + "\\"}),
        encoded({"snapPic": LONG + '"'}),
        encoded({LONG: "as a name"}),
        encoded({"faces": [{"facePic": LONG}]}),
        encoded([LONG]),
        encoded({}, desc=LONG),
        encoded({"name": 'said "x"', "snapPic": LONG}),
        encoded({"snapPic": LONG + "/"}).replace(b"/", rb"\/"),
        encoded({"snapPic": LONG})[:-2] + b',"snapPic":"short"}}',
        encoded({"snapPic": LONG}) + b"\0\0\r\n",
    ],
)
def test_no_long_string_is_lost_or_changed(body: bytes) -> None:
    assert read_envelope(body) == msgspec.json.decode(body.rstrip(b"\0\r\n"), type=Envelope)


def test_where_a_long_string_is() -> None:
    body = encoded({"fullName": "韩梅梅", "snapPic": LONG, "score": 92})
    span = long_string(body)
    assert span is not None
    assert body[slice(*span)] == LONG.encode()
    assert long_string(encoded({"snapPic": LONG[1:]})) is None
    assert long_string(encoded({"one": LONG, "two": LONG, "three": LONG})) is None


@pytest.mark.parametrize("tail", [b"", b'"', b'"}', b'"}}x', b'","a":}}'])
def test_what_is_no_json_around_a_long_string_is_refused(tail: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        read_envelope(b'{"data":{"snapPic":"' + LONG.encode() + tail)


@pytest.mark.parametrize(
    "many",
    [
        b'{"data":{"snapPic":"' + LONG.encode() * 20 + b'","a":[' + b"0," * MOST_PARTS + b"0]}}",
        b'{"data":"[' + b"0," * MOST_PARTS + b'0]"}',
        b'{"data":"[' + b"0," * MOST_PARTS + b'0]","message":"m"}',
        b'{"data":[' + b"0," * MOST_PARTS + b'0],"message":"\\""}',
        b'{"data":{"a\\"":[' + b"0," * MOST_PARTS + b'0],"b":""}}',
    ],
    ids=["beside a picture", "in a string", "in a string before others", "outside", "behind a quote in a name"],
)
def test_too_many_parts_are_refused_wherever_they_are(many: bytes) -> None:
    with pytest.raises(msgspec.DecodeError, match=f"more than {MOST_PARTS} values"):
        read_envelope(many)


def test_signs_in_a_picture_part_nothing() -> None:
    body = encoded({"note": "," * (MOST_PARTS + 1)})
    assert read_envelope(body).data == {"note": "," * (MOST_PARTS + 1)}


def test_what_is_wrong_is_found_where_it_stands_in_the_whole() -> None:
    body = b'{"data":{"snapPic":"' + LONG.encode() + b'","score":x}}'
    with pytest.raises(msgspec.DecodeError, match=rf"byte {body.index(b'x')}\b"):
        read_envelope(body)


def test_a_picture_may_hold_bare_line_breaks() -> None:
    assert read_envelope(encoded({"snapPic": LONG + "@" + LONG}).replace(b"@", b"\r\n")).data == {"snapPic": LONG + "\r\n" + LONG}
