from __future__ import annotations

import pytest

from bridge.session.addresses import network_of, plain_address


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("2001:db8::1:2:3:4", "2001:db8::"),
        ("2001:db8:0:1::9", "2001:db8:0:1::"),
        ("fe80::1%eth0", "fe80::1%eth0"),
        ("local", None),
        (None, None),
    ],
)
def test_an_ipv6_network_counts_as_one_address(address: str | None, network: str | None) -> None:
    assert network_of(address) == network


def test_an_address_is_written_as_people_write_it() -> None:
    assert [plain_address(host) for host in ("192.0.2.1", "::ffff:192.0.2.1", "2001:DB8::1")] == ["192.0.2.1", "192.0.2.1", "2001:db8::1"]
    with pytest.raises(ValueError, match="nonsense"):
        plain_address("nonsense")
