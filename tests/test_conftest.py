"""An async test that waits for ever ends in a TimeoutError of its own."""

from __future__ import annotations

import pytest
from twisted.internet import defer
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import Clock

from tests.conftest import ASYNC_TEST_S, bounded


def test_an_async_test_is_bounded_and_its_clean_up_runs() -> None:
    clock, cleaned = Clock(), []

    async def never_ends(reason: str) -> None:
        try:
            await Deferred[None]()
        except CancelledError:
            cleaned.append(reason)
            raise

    outcome: Deferred[object] = Deferred.fromCoroutine(bounded(never_ends, clock)(reason="cancelled"))
    clock.advance(ASYNC_TEST_S)
    with pytest.raises(defer.TimeoutError):
        outcome.result.raiseException()  # type: ignore[attr-defined]
    outcome.addErrback(lambda _: None)
    assert cleaned == ["cancelled"]
    assert clock.getDelayedCalls() == []
