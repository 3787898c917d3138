"""A site for a test, ended with it: no timer may be left."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from tests.relay.site import Site, Terminal, site_for

MakeSite = Callable[..., Site]


@pytest.fixture
def make_site() -> Iterator[MakeSite]:
    """Sites with a configuration of the test's own."""
    with ExitStack() as stack:

        def make(**config: Any) -> Site:
            return stack.enter_context(site_for(config))

        yield make


@pytest.fixture
def site(make_site: MakeSite) -> Site:
    return make_site()


@pytest.fixture
def terminal(site: Site) -> Terminal:
    """A terminal of the site, SN1; what was published about it so far has been taken."""
    terminal = site.terminal()
    site.link.taken()
    return terminal
