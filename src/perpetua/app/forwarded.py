"""Whose address a request comes from, where proxies stand in between.

Always true:
- A header counts only where the one who connected is a proxy that we trust; from anybody else it is as if not sent.
- Read from its end: each trusted proxy answers for the address before its own, and the first that is none of ours is
  the caller. What stands before that is the caller's own word, and not looked at.
- One header is read, the one that the settings name: a proxy that writes one would let the other pass as it was sent.
"""

import ipaddress
import re
from collections.abc import Iterable, Sequence
from typing import Final, Literal, get_args

from perpetua.kit.errors import InvalidValue

__all__ = ["HEADERS", "Network", "ProxyHeader", "caller", "networks"]

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
ProxyHeader = Literal["x-forwarded-for", "forwarded"]
HEADERS: Final[tuple[ProxyHeader, ...]] = get_args(ProxyHeader)
MOST: Final = 50
"""Proxies in a row; a longer list is nobody's honest one."""
_FOR = re.compile(r'(?:^|;)\s*for\s*=\s*(?:"([^"]*)"|([^;\s]*))', re.IGNORECASE)


def caller(peer: str, headers: Iterable[tuple[bytes, bytes]], name: ProxyHeader, trusted: Sequence[Network]) -> str:
    """The caller's address.

    Args:
        peer: whoever connected.
        headers: the request's, as they came; several of the same name are one list.
        name: the header that our proxies write.
        trusted: where our proxies are; none means that no header is looked at.
    """
    if not _ours(_address(peer), trusted):
        return peer
    sent = [value.decode("latin-1") for key, value in headers if key.lower() == name.encode()]
    parts = ",".join(sent).split(",")[-MOST:]
    known = peer
    for part in reversed(parts):
        address = _address(_forwarded_for(part) if name == "forwarded" else part)
        if address is None:
            break  # hidden or broken: no more is known than which proxy had it
        known = str(address)
        if not _ours(address, trusted):
            break
    return known


def networks(texts: Iterable[str]) -> tuple[Network, ...]:
    """The networks that are written so: `10.0.0.0/8`, `::1`; blanks are none. Raises InvalidValue."""
    found: list[Network] = []
    for part in filter(None, map(str.strip, texts)):
        try:
            found.append(ipaddress.ip_network(part))
        except ValueError:
            raise InvalidValue(
                "PERPETUA_TRUSTED_PROXIES", part, "is no network; write them like 10.0.0.0/8,127.0.0.1"
            ) from None
    return tuple(found)


def _forwarded_for(part: str) -> str:
    """What a part of a Forwarded header (RFC 7239) says after `for=`."""
    found = _FOR.search(part)
    return (found[1] or found[2] or "") if found else ""


def _address(text: str) -> Address | None:
    """The address in `1.2.3.4`, `1.2.3.4:80`, `2001:db8::1` or `[2001:db8::1]:80`."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, ipaddress.IPv6Address) else address


def _ours(address: Address | None, trusted: Sequence[Network]) -> bool:
    return address is not None and any(address in network for network in trusted)
