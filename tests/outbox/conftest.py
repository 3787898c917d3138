"""Outboxes of a test's own, closed when it ends."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from bridge.outbox import Limits
from tests.outbox.site import Site

MakeSite = Callable[..., Site]


@pytest.fixture
def make_site(tmp_path: Path) -> Iterator[MakeSite]:
    """An outbox with limits of the test's own."""
    sites: list[Site] = []

    def make(**limits: int) -> Site:
        sites.append(Site(tmp_path / "state", Limits(**limits)))
        return sites[-1]

    yield make
    for site in sites:
        site.end()


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()
