"""Forms: what of a caller's text is a date, a period, a hash or an address."""

from __future__ import annotations

import base64
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta
from PIL import Image

from bridge.catalogue.fields import Limit
from bridge.catalogue.forms import date_time, day_range, md5, periods, time_of_day, upper_hex, url
from bridge.catalogue.jpeg import EXAMPLE_JPEG, jpeg


def limit_of(meta: Meta) -> Limit:
    assert meta.extra is not None
    limit: Limit = meta.extra["limit"]
    return limit


MANY = ",".join(["08:00~09:30"] * 11)

FORMS = [
    (
        date_time("d"),
        ["2019-01-01 00:00:00", "2020-02-29 23:59:59"],
        [
            "2019-02-29 00:00:00",
            "2019-13-01 00:00:00",
            "2019-1-1 0:00:00",
            "2019-01-01 24:00:00",
            "2019-01-01 00:00:60",
            "2019-01-01",
            "2019-01-01T00:00:00",
            " 2019-01-01 00:00:00",
            "2019-01-01 00:00:00\n",
            "yyyy-MM-dd HH:mm:ss",
            "0000-01-01 00:00:00",
            "",
            "٢019-01-01 00:00:00",
        ],
    ),
    (time_of_day("t"), ["03:02:01", "23:59:59"], ["3:02:01", "24:00:00", "03:60:00", "03:02", "", "03:02:01 "]),
    (
        periods("p", 256),
        ["08:00~09:30", "08:00~09:30,11:30~14:00,17:00~19:00", "22:00~06:00", MANY[:-12]],
        ["", "08:00", "08:00-09:30", "8:00~9:30", "08:00~24:00", "08:60~09:30", "08:00~09:30,", "08:00~09:30, 11:30~14:00", MANY],
    ),
    (periods("p", 36), ["08:00~09:30,11:30~14:00,17:00~19:00"], ["08:00~09:30,11:30~14:00,17:00~19:00,20:00~21:00"]),
    (
        day_range("r"),
        ["2019.10.01~2019.10.03", "2019.12.25~2019.12.25", "2020.02.29~2021.01.01"],
        ["2019.10.03~2019.10.01", "2019.02.29~2019.03.01", "2019.10.01", "2019-10-01~2019-10-03", "2019.10.1~2019.10.3", ""],
    ),
    (upper_hex("h", 8), ["41", "1234EF", "00000000"], ["", "4", "1234ef", "0x12", "123", "0000000000", "GG"]),
    (upper_hex("h", 6, 8), ["1234EF", "1234EF00"], ["1234EF0", "12", "1234ef", "1234EF0000", ""]),
    (
        md5("m"),
        ["e10adc3949ba59abbe56e057f20f883e"],
        ["E10ADC3949BA59ABBE56E057F20F883E", "e10adc39", "", "e10adc3949ba59abbe56e057f20f883e\n"],
    ),
    (
        url("u", 128),
        ["http://192.0.2.10:8080/file.bin", "https://example.com", "http://[2001:db8::1]/f", "http://a/" + "x" * 119],
        [
            "",
            "ftp://a/b",
            "http://",
            "http:///file",
            "http://a:port/file.bin",
            "http://a:0/",
            "http://a:99999/",
            "http://a b/",
            "file.bin",
            "http://[::1/f",
            "http://a/" + "x" * 120,
            "http://a/文件",
            "HTTP://a/b",
        ],
    ),
]


@pytest.mark.parametrize(("meta", "good", "bad"), FORMS)
def test_forms(meta: Meta, good: list[str], bad: list[str]) -> None:
    limit = limit_of(meta)
    assert [value for value in good if not limit.admits(value)] == []
    assert [value for value in bad if limit.admits(value)] == []
    assert limit.expected


@given(st.sampled_from(FORMS), st.text(max_size=40))
def test_no_text_makes_a_form_raise(form: tuple[Meta, list[str], list[str]], text: str) -> None:
    limit_of(form[0]).admits(text)


def test_a_form_says_what_it_expects() -> None:
    assert limit_of(periods("p", 36)).expected == "at most 36 bytes, 1 to 10 periods, as 08:00~09:30,11:30~14:00"
    assert limit_of(date_time("d")).expected == "a time that exists, as yyyy-MM-dd HH:mm:ss"
    assert limit_of(upper_hex("h", 6, 8)).expected == "6 or 8 upper-case hexadecimal digits"


# Pictures.


@pytest.mark.parametrize(
    ("text", "finding"),
    [
        ("0aB1D98bsdDSBDDS23sdfisfs", "text that is not base64"),
        (EXAMPLE_JPEG.rstrip("Z"), "text that is not base64"),
        (EXAMPLE_JPEG[:8] + "\n" + EXAMPLE_JPEG[8:], "text that is not base64"),
        ("data:image/jpeg;base64," + EXAMPLE_JPEG, "text that is not base64"),
        ("照片", "text that is not base64"),
        ("", "nothing"),
        ("iVBORw0KGgo=", "base64 of something that is not a JPEG"),
    ],
    ids=range(7),
)
def test_what_is_no_picture_is_said_without_quoting_it(text: str, finding: str) -> None:
    limit = limit_of(jpeg("p"))
    assert not limit.admits(text)
    assert limit.finding(text) == finding
    assert limit.expected == "a JPEG in base64"


def test_the_example_is_a_picture() -> None:
    with Image.open(BytesIO(base64.b64decode(EXAMPLE_JPEG))) as picture:
        picture.load()
        assert (picture.format, picture.size) == ("JPEG", (8, 8))


def test_a_picture() -> None:
    meta = jpeg("p")
    assert limit_of(meta).admits(EXAMPLE_JPEG)
    assert meta.extra_json_schema == {"contentEncoding": "base64", "contentMediaType": "image/jpeg"}
