from __future__ import annotations

import base64
import hashlib
import textwrap

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.errors import Invalid
from bridge.mqtt.message import Publication
from bridge.mqtt.pictures import OVERHEAD_BYTES, PictureRules, decode_picture, depict

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(252)) + b"\xff\xd9"
TEXT = base64.b64encode(JPEG).decode()
PROPERTIES = (("event_id", "1"),)
ABSENT = {"image": None, "image_bytes": None, "image_sha256": None}
SHOWN = {"image": "t", "image_bytes": len(JPEG), "image_sha256": hashlib.sha256(JPEG).hexdigest()}


@pytest.mark.parametrize(
    "text",
    [
        TEXT,
        TEXT.rstrip("="),
        "\r\n".join(textwrap.wrap(TEXT, 76)),
        "\n".join(textwrap.wrap(TEXT, 64)).rstrip("=") + "\n",
        f"data:image/jpeg;base64,{TEXT}",
        f"data:image/jpeg;base64,{TEXT}".rstrip("="),
        f" {TEXT} ",
    ],
    ids=["plain", "no padding", "lines", "lines, no padding", "data:", "data:, no padding", "blanks"],
)
def test_base64_as_terminals_write_it(text: str) -> None:
    assert decode_picture(text) == JPEG


@pytest.mark.parametrize("size", range(3, 12))
def test_each_length_with_and_without_its_padding(size: int) -> None:
    picture = JPEG[:size]
    text = base64.b64encode(picture).decode()
    assert decode_picture(text) == decode_picture(text.rstrip("=")) == picture


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "a JPEG"),
        ("!", "base64"),
        ("/9j/4", "base64"),
        ("/9j/*A==", "base64"),
        ("/9j/é===", "base64"),
        ("data:", "a JPEG"),
        ("data:image/jpeg;base64", "a JPEG"),
        (base64.b64encode(b"\x89PNG\r\n").decode(), "a JPEG"),
        ("base64", "a JPEG"),  # the document's own example
    ],
)
def test_what_is_no_picture(text: str, why: str) -> None:
    with pytest.raises(Invalid) as raised:
        decode_picture(text)
    assert raised.value.expected == why


def test_a_picture_on_its_topic() -> None:
    depiction = depict(TEXT, "image", "t", PictureRules(), PROPERTIES)
    assert depiction.fields == SHOWN
    assert depiction.publication == Publication("t", JPEG, qos=1, retain=False, content_type="image/jpeg", user_properties=PROPERTIES)


def test_a_picture_that_the_broker_keeps() -> None:
    publication = depict(TEXT, "image", "t", PictureRules(retain=True), ()).publication
    assert publication is not None
    assert publication.retain


def test_a_picture_inline() -> None:
    depiction = depict(TEXT.rstrip("="), "image", "t", PictureRules(on_topic=False, inline=True), PROPERTIES)
    assert depiction.fields == SHOWN | {"image": None, "image_base64": TEXT}
    assert depiction.publication is None


def test_a_picture_both_ways() -> None:
    depiction = depict(TEXT, "compare_image", "t", PictureRules(inline=True), PROPERTIES)
    assert depiction.fields == {f"compare_{name}": value for name, value in SHOWN.items()} | {"compare_image_base64": TEXT}
    assert depiction.publication is not None


@pytest.mark.parametrize("text", [TEXT, "not base64", None])
def test_no_pictures_at_all(text: str | None) -> None:
    depiction = depict(text, "image", "t", PictureRules(on_topic=False), PROPERTIES)
    assert (depiction.fields, depiction.publication) == (ABSENT, None)


@pytest.mark.parametrize("text", [None, ""])
def test_no_picture_came(text: str | None) -> None:
    depiction = depict(text, "image", "t", PictureRules(inline=True), PROPERTIES)
    assert (depiction.fields, depiction.publication) == (ABSENT, None)


@pytest.mark.parametrize(("text", "why"), [("?", "not base64"), (base64.b64encode(b"GIF89a").decode(), "not a JPEG")])
def test_why_a_picture_is_missing_is_said(text: str, why: str) -> None:
    depiction = depict(text, "image", "t", PictureRules(), PROPERTIES)
    assert (depiction.fields, depiction.publication) == (ABSENT | {"image_error": why}, None)


def test_the_largest_picture_and_one_byte_more() -> None:
    assert depict(TEXT, "image", "t", PictureRules(max_bytes=len(JPEG)), ()).publication is not None
    depiction = depict(TEXT, "image", "t", PictureRules(inline=True, max_bytes=len(JPEG) - 1), ())
    assert depiction.fields == ABSENT | {"image_error": f"{len(JPEG)} bytes are over the limit of {len(JPEG) - 1}"}
    assert depiction.publication is None


def test_a_brokers_limit() -> None:
    rules = PictureRules(inline=True, retain=True, max_bytes=5000)
    assert rules.within(None) == rules
    assert rules.within(1 << 20) == rules
    assert rules.within(OVERHEAD_BYTES + 4000) == PictureRules(inline=True, retain=True, max_bytes=4000)
    assert rules.within(10).max_bytes == 0


@given(st.text() | st.text("+/=AZaz09\n").map(lambda text: "/9j/" + text), st.booleans(), st.booleans(), st.sampled_from([0, 20, 1000]))
def test_any_text_is_depicted(text: str, on_topic: bool, inline: bool, max_bytes: int) -> None:
    depiction = depict(text, "image", "t", PictureRules(on_topic, inline, max_bytes=max_bytes), ())
    assert set(ABSENT) <= set(depiction.fields)
    assert (depiction.publication is not None) == (depiction.fields["image"] is not None)
