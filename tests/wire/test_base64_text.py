"""Base64 with and without pybase64: the same texts are taken, and mean the same."""

from __future__ import annotations

import base64
import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bridge.wire import base64_text


def without_pybase64() -> ModuleType:
    """The module as it is where pybase64 is not installed."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(sys.modules, "pybase64", None)
        spec = importlib.util.find_spec("bridge.wire.base64_text")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return module


PLAIN = without_pybase64()
encoded = st.binary(max_size=200).map(base64.b64encode).map(bytes.decode)
near_base64 = st.text(st.sampled_from("ABCdz09+/=\n -_é"), max_size=24)


def outcome(decode: Callable[[str], bytes], text: str) -> Any:
    try:
        return decode(text)
    except ValueError:
        return ValueError


def test_it_is_the_fast_one_here_and_the_plain_one_there() -> None:
    assert base64_text._decode is not base64.b64decode
    assert PLAIN._decode is base64.b64decode


@given(encoded | near_base64 | st.tuples(encoded, near_base64).map("".join))
@example("AAAA=")  # a padding too much: some versions of Python let it pass, and pybase64 does not
@example("QR==")  # bits that say nothing
@example("QUI")
@example("")
@example("\ud800")
def test_the_same_texts_are_taken_with_and_without_it(text: str) -> None:
    expected = outcome(lambda text: base64.b64decode(text, validate=True), text)
    assert outcome(base64_text.decode_base64, text) == expected
    assert outcome(PLAIN.decode_base64, text) == expected


@given(st.binary(max_size=200))
def test_what_is_encoded_is_decoded(data: bytes) -> None:
    text = base64_text.encode_base64(data)
    assert text == PLAIN.encode_base64(data) == base64.b64encode(data).decode()
    assert base64_text.decode_base64(text) == PLAIN.decode_base64(text) == data
