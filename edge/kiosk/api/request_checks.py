"""Which requests come from where they may: `Host`, `Origin` and `Sec-Fetch-Site`.

A browser on the machine (or in its network) can be made to send requests by any page that it
shows. Checking `Host` stops pages that gave their own name our address (DNS rebinding); checking
`Origin` and what the browser says about the sender (Fetch Metadata, W3C) stops the others.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from edge.kiosk.api.problems import ProblemError
from edge.kiosk.api.settings import ApiSettings

__all__ = ["allowed_hosts", "check_fetch_site", "check_host", "check_origin", "host_of"]

_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
_ALLOWED_SITES = frozenset({"same-origin", "none"})
_UNSPECIFIED = frozenset({"0.0.0.0", "::"})  # noqa: S104 - compared, not listened on


def allowed_hosts(settings: ApiSettings) -> frozenset[str]:
    """Names that a `Host` header may carry, in lower case, addresses in their short form."""
    named = {_normal(name) for name in (settings.host, *settings.allowed_hosts)}
    return frozenset(_LOOPBACK | named) - _UNSPECIFIED


def host_of(authority: str) -> str | None:
    """Host of `host`, `host:port` or `[address]:port`, in its normal form; None for no such."""
    if authority.startswith("["):
        address, bracket, port = authority[1:].partition("]")
        if not bracket or ":" not in address:
            return None
        port = port or ":"
        if not port.startswith(":"):
            return None
        host, digits = address, port[1:]
    else:
        host, _, digits = authority.partition(":")
    if not host or (digits and not (digits.isascii() and digits.isdigit())):
        return None
    return _normal(host) or None


def check_host(hosts: list[str], allowed: frozenset[str], own_address: str) -> None:
    """Refuse a request that names a host we are not.

    Args:
        hosts: values of its `Host` headers.
        allowed: as `allowed_hosts` gives.
        own_address: the address that the client connected to. Where we listen on all of them,
            it may be named: an address cannot be given to another machine by DNS.

    Raises:
        ProblemError: 400 without exactly one readable host, 421 for another's.
    """
    host = host_of(hosts[0]) if len(hosts) == 1 else None
    if host is None:
        raise ProblemError(
            400, "host_malformed", f"the request has no readable Host header, seen {hosts!r}"
        )
    if host not in allowed and host != _normal(own_address):
        raise ProblemError(
            421,
            "host_unknown",
            f"this kiosk is not called {host!r}; ask by its address, or start it with that name "
            "among its allowed hosts",
        )


def check_origin(origin: str | None, host: str, allowed: tuple[str, ...]) -> bool:
    """Refuse a request of another origin's page.

    Args:
        origin: its `Origin` header; None without one.
        host: its `Host` header.
        allowed: further origins.

    Returns:
        Whether it is one of the further origins, so that its page may read the answer.

    Raises:
        ProblemError: 403.
    """
    if origin is None:
        return False
    if origin.lower() in {each.lower() for each in allowed}:
        return True
    # The scheme is not compared: behind a proxy that speaks TLS the page's is https, ours http.
    scheme, _, authority = origin.lower().partition("://")
    if scheme in {"http", "https"} and authority == host.lower():
        return False
    raise ProblemError(
        403,
        "origin_forbidden",
        f"pages of {origin!r} may not ask this kiosk; start it with that origin among its "
        "allowed origins",
    )


def check_fetch_site(headers: Mapping[str, str], method: str) -> None:
    """Refuse what a browser says that another site's page made it send.

    Following a link to the kiosk is allowed: the other page sees nothing of it.

    Raises:
        ProblemError: 403.
    """
    site = headers.get("sec-fetch-site")
    if site is None or site in _ALLOWED_SITES:
        return
    is_followed_link = (
        method in {"GET", "HEAD"}
        and headers.get("sec-fetch-mode") == "navigate"
        and headers.get("sec-fetch-dest") == "document"
    )
    if not is_followed_link:
        raise ProblemError(
            403,
            "site_forbidden",
            f"the browser says that a page of another site asked (Sec-Fetch-Site: {site!r})",
        )


def _normal(host: str) -> str:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host.lower().removesuffix(".")
    # Where IPv6 is listened on for both, the system shows an IPv4 address as mapped.
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return str(mapped or address)
