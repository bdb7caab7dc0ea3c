"""Whose address a request came from, when proxies stand before us."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address

from gateway.settings import Network

Address = IPv4Address | IPv6Address
UNKNOWN = "unknown"


def client_address(peer: str | None, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    """The last hop that is not a trusted proxy. `forwarded` are the values of X-Forwarded-For, believed only as far as
    trusted proxies wrote them."""
    address = _parse(peer)
    hops = [hop for value in forwarded for hop in value.split(",")]
    while address is not None and _is_trusted(address, trusted) and hops:
        further = _parse(hops.pop())
        if further is None:
            break
        address = further
    return str(address) if address else UNKNOWN


def limited_as(address: str) -> str:
    """One household or server has a whole /64 of IPv6: it is limited as one."""
    parsed = _parse(address)
    if isinstance(parsed, IPv6Address):
        return str(IPv6Network((parsed, 64), strict=False))
    return address


def _parse(text: str | None) -> Address | None:
    try:
        address = ip_address((text or "").strip().strip("[]"))
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _is_trusted(address: Address, trusted: Sequence[Network]) -> bool:
    return any(address in network for network in trusted)
