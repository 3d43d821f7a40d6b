"""What tries from a network address count for."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinic.networks import counted_as


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("198.51.100.7", "198.51.100.7"),
        ("2001:db8:1:2::5", "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::/64"),
        ("2001:DB8:1:3::5", "2001:db8:1:3::/64"),
        # As Sanic writes what a reverse proxy says.
        ("[2001:db8:1:2::5]", "2001:db8:1:2::/64"),
        ("::ffff:198.51.100.7", "198.51.100.7"),
        ("::ffff:c633:6407", "198.51.100.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
        # What no address is, as a proxy may hide one, counts as itself.
        ("_hidden", "_hidden"),
        ("", ""),
    ],
)
def test_what_an_address_counts_as(address: str, network: str) -> None:
    assert counted_as(address) == network


@given(st.ip_addresses(v=6), st.integers(0, 2**64 - 1))
def test_addresses_of_one_household_count_together(address: IPv6Address, host: int) -> None:
    other = IPv6Address(int(address) >> 64 << 64 | host)
    if address.ipv4_mapped is None and other.ipv4_mapped is None:
        assert counted_as(str(other)) == counted_as(str(address))


@given(st.ip_addresses(v=4))
def test_an_address_of_the_old_kind_is_the_same_in_both_forms(address: IPv4Address) -> None:
    assert counted_as(f"::ffff:{address}") == counted_as(str(address)) == str(address)


@given(st.text())
def test_any_text_counts_as_something(text: str) -> None:
    assert isinstance(counted_as(text), str)
