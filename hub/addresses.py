"""To which addresses the hub may connect on its own account. Pure.

A far side is named by an operator, but what its name means is decided by whoever runs the name
server. So nothing but global addresses is dialled, and of a company's own networks those that its
configuration lists. What is never a far side cannot be listed at all.

Source: IANA special-purpose address registries (RFC 6890); RFC 4291, 2.5.5 (IPv4 in IPv6), RFC
3056 (6to4), RFC 4380 (Teredo), RFC 6052 (NAT64). Addresses of metadata services as their
providers document them.
"""

from collections.abc import Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)
from typing import Final

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_METADATA: Final = frozenset(
    ip_address(one)
    for one in (
        "169.254.169.254",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
_GLOBAL_6: Final = IPv6Network("2000::/3")
"""All of IPv6 that is given out to the world; whatever else there is, is something special."""
_TUNNELS: Final = (
    IPv6Network("2002::/16"),
    IPv6Network("2001::/23"),
    IPv4Network("192.88.99.0/24"),
)
"""An address in one of these is a way to another one, which may be anything."""
_NAT64: Final = IPv6Network("64:ff9b::/96")
_BOOKS: Final = IPv6Network("3fff::/20")
"""For documentation (RFC 9637); younger than the tables of some Pythons."""


def lan_of(texts: Sequence[str]) -> tuple[Network, ...]:
    """The company's own networks, such as `10.20.0.0/16` or `192.168.4.7`.

    raises  ValueError for what is no network, and for one that would let in every address or
            addresses that are never a far side
    """
    found = []
    for text in texts:
        try:
            network = ip_network(text)
        except ValueError as wrong:
            raise ValueError(f"lan: {text!r} is no network: {wrong}") from None
        if network.prefixlen < (8 if network.version == 4 else 16):
            raise ValueError(f"lan: {text!r} is too wide; name the network of the far side")
        if why := _never(network.network_address) or _never(network.broadcast_address):
            raise ValueError(f"lan: {text!r} holds addresses that are {why}; leave it out")
        found.append(network)
    return tuple(found)


def against(address: Address, lan: Sequence[Network] | None) -> str:
    """What speaks against connecting to *address*, in a few words; "": nothing does.

    lan  the company's own networks; None: no matter whose, if it can be a far side at all
    """
    plain = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    address = plain or address
    if why := _never(address):
        return why
    if lan is None:
        return ""
    if any(address.version == network.version and address in network for network in lan):
        return ""
    if any(address.version == network.version and address in network for network in _TUNNELS):
        return "the entry of a tunnel"
    if isinstance(address, IPv6Address) and (address not in _GLOBAL_6 or address in _BOOKS):
        return "no address of the public Internet"
    return "" if address.is_global else "no address of the public Internet"


def _inner(address: Address) -> Address:
    """Where a way through NAT64 or 6to4 ends; else the address itself."""
    if isinstance(address, IPv6Address):
        if address in _NAT64:
            return IPv4Address(int(address) & 0xFFFFFFFF)
        if inner := address.ipv4_mapped or address.sixtofour:
            return inner
    return address


def _never(address: Address) -> str:
    address = _inner(address)
    if address in _METADATA:
        return "a cloud's metadata service"
    if address.is_link_local:
        return "link-local"
    if address.is_multicast:
        return "multicast"
    return "unspecified" if address.is_unspecified else ""
