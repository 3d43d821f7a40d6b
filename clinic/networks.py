"""What tries from a network address count for, where somebody guesses."""

from __future__ import annotations

from ipaddress import IPv6Address, IPv6Network, ip_address

# A household or a rented server has a network of this size, and all addresses in it to choose from.
_ONE_HOLDER = 64


def counted_as(address: str) -> str:
    """The IPv4 address, also one written as IPv6, or the /64 network of an IPv6 address.

    Anything else counts as itself.
    """
    try:
        read = ip_address(address.removeprefix("[").removesuffix("]"))
    except ValueError:
        return address
    if not isinstance(read, IPv6Address):
        return str(read)
    if read.ipv4_mapped is not None:
        return str(read.ipv4_mapped)
    return str(IPv6Network((int(read), _ONE_HOLDER), strict=False))
