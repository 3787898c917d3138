"""How many files this process may have open: each connection is one."""

from __future__ import annotations

import resource
from contextlib import suppress

SPARE = 200
"""For everything that is not a terminal's connection: databases, the broker, listeners, what Python and Twisted have open."""


def room_for(connections: int) -> int:
    """Have the system allow so many connections, as far as it does. Returns how many it allows, at most those asked for."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = connections + SPARE
    if _is_below(soft, wanted):
        with suppress(ValueError, OSError):  # macOS allows less than it says
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(wanted, hard) if _is_below(hard, wanted) else wanted, hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(1, soft - SPARE) if _is_below(soft, wanted) else connections


def _is_below(limit: int, wanted: int) -> bool:
    return limit != resource.RLIM_INFINITY and limit < wanted
