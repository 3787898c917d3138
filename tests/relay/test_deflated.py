"""Values kept deflated come back as they were, like the example or not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bridge.relay.deflated import Deflation

EXAMPLE = b'{"id":"SN1","model":null,"address":"192.0.2.1"}' * 10


@given(st.binary(max_size=20_000) | st.just(EXAMPLE) | st.just(EXAMPLE * 1000))
def test_what_is_deflated_comes_back_as_it_was(value: bytes) -> None:
    deflation = Deflation(EXAMPLE)
    assert deflation.inflate(deflation.deflate(value)) == value


def test_what_is_like_the_example_takes_little_room() -> None:
    value = EXAMPLE.replace(b"SN1", b"0a9310e7acc298d3")
    assert len(Deflation(EXAMPLE).deflate(value)) < len(value) / 5
