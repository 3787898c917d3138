"""Addresses of peers: how they are written, and what they are counted as where there are limits."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address

IPV6_PREFIX = 64
"""One customer's network: whoever has one IPv6 address has 2^64, and counts as one."""


def plain_address(host: str) -> str:
    """An address as people write it: of IPv4 where a socket for both speaks of IPv6. Raises ValueError when it is none."""
    address = ip_address(host)
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    plain = str(mapped or address)
    return host if host == plain else plain  # the one that is there is kept anyway, of each connection


def network_of(address: str | None) -> str | None:
    """What an address is counted as; None for what is no IP address. Neighbours on one link share their network, and count apart."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return None
    if isinstance(parsed, IPv6Address) and not parsed.is_link_local:
        return str(IPv6Address(int(parsed) >> IPV6_PREFIX << IPV6_PREFIX))
    return str(parsed)
