"""Fixtures for every test. What they do stands in `tests/integration/`; here are only their names and lifetimes.

And one rule for every async test: it fails by its own name when what it awaits does not come.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Generator, Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from tests.integration.broker import Broker, BrokerSettings, StartMosquitto, require_mosquitto
from tests.integration.certificates import CertificateAuthority

ASYNC_TEST_S = 30.0  # pytest-timeout cannot break into the reactor: it could only end the whole run

hypothesis.settings.register_profile("quick", max_examples=100, deadline=None, database=None)  # a busy machine is slow, not wrong
hypothesis.settings.load_profile("quick")

AsyncTest = Callable[..., Coroutine[Deferred[Any], Any, Any]]


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> Generator[None, object, object]:
    if inspect.iscoroutinefunction(pyfuncitem.obj):
        from twisted.internet import reactor

        pyfuncitem.obj = bounded(pyfuncitem.obj, IReactorTime(reactor))
    return (yield)


def bounded(test: AsyncTest, clock: IReactorTime) -> AsyncTest:
    """The same test, which fails with TimeoutError after ASYNC_TEST_S."""

    @functools.wraps(test)
    async def run(**fixtures: Any) -> Any:
        return await Deferred.fromCoroutine(test(**fixtures)).addTimeout(ASYNC_TEST_S, clock)

    return run


@pytest.fixture(scope="session")
def mosquitto_path() -> str:
    """The path of mosquitto; without one the test is skipped, or fails where QYZN_REQUIRE_BROKER=1."""
    return require_mosquitto()


@pytest.fixture
def start_mosquitto(mosquitto_path: str, tmp_path: Path) -> Iterator[StartMosquitto]:
    """Start as many brokers as a test needs, each with its own settings; all are stopped when the test ends."""
    brokers: list[Broker] = []

    def start(settings: BrokerSettings) -> Broker:
        broker = Broker(mosquitto_path, tmp_path / f"mosquitto-{len(brokers)}", settings)
        brokers.append(broker)
        broker.start()
        return broker

    yield start
    for broker in brokers:
        broker.stop()


@pytest.fixture
def mosquitto(start_mosquitto: StartMosquitto) -> Broker:
    """A running broker, anonymous and without TLS, on `mosquitto.host` and `mosquitto.port`."""
    return start_mosquitto(BrokerSettings())


@pytest.fixture
def authority(tmp_path: Path) -> CertificateAuthority:
    """A certificate authority of the test's own."""
    return CertificateAuthority(tmp_path / "authority")
