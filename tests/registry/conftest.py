"""Registries of a test's own, closed when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.registry import Registry, Terms
from tests.registry.site import Site

MakeSite = Callable[..., Site]


@pytest.fixture
def state_dir(tmp_path: Path) -> Path:
    return tmp_path / "state"


@pytest.fixture
def registry(state_dir: Path) -> Iterator[Registry]:
    registry = Registry.open(state_dir)
    yield registry
    registry.close()


@pytest.fixture
def make_site(registry: Registry) -> MakeSite:
    """A site under terms of the test's own; the policy is `approve` unless it says otherwise."""

    def make(**terms: object) -> Site:
        return Site(registry, Terms(**({"policy": "approve"} | terms)))  # type: ignore[arg-type]

    return make


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()


@pytest.fixture
def open_site(make_site: MakeSite) -> Site:
    return make_site(policy="open")
