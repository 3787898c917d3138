"""What tells a record that is sent again from a new one, with xxhash and without it."""

from __future__ import annotations

import hashlib
import importlib.util
import sys
from collections.abc import Callable
from types import ModuleType

import pytest

from bridge.wire import digest_of

Digest = Callable[[bytes], bytes]


def without_xxhash() -> ModuleType:
    """The module as it is where xxhash is not installed."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setitem(sys.modules, "xxhash", None)
        spec = importlib.util.find_spec("bridge.wire.digest")
        assert spec is not None
        assert spec.loader is not None
        plain = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(plain)
    return plain


PLAIN: Digest = without_xxhash().digest_of


@pytest.fixture(params=[digest_of, PLAIN], ids=["fastest", "plain"])
def digest(request: pytest.FixtureRequest) -> Digest:
    tried: Digest = request.param
    return tried


def test_a_body_is_told_from_others_that_differ_anywhere(digest: Digest) -> None:
    body = b'{"snapPic":"' + b"A" * 67_000 + b'","score":92}'
    others = [
        body.replace(b"92", b"93"),
        body.replace(b"snap", b"Snap"),
        body[:40_000] + b"B" + body[40_001:],
        body[:40_000] + body[40_001:],
    ]
    assert len({digest(each) for each in [body, *others, b"", b"{}"]}) == 7
    assert digest(bytes(bytearray(body))) == digest(body)


def test_it_is_xxh3_where_that_is_there() -> None:
    xxhash = pytest.importorskip("xxhash")
    assert digest_of(b"{}") == xxhash.xxh3_128(b"{}").digest()


def test_without_it_a_small_body_is_told_by_its_sha256() -> None:
    assert PLAIN(b"{}") == hashlib.sha256(b"{}").digest()
