"""How often a client may ask: token buckets, by address and in all."""

from __future__ import annotations

import ipaddress
from collections import OrderedDict

__all__ = ["RateLimits", "TokenBucket"]

_MOST_ADDRESSES = 1024
_BURST_S = 2.0
_ALL_FACTOR = 4
_SITE_PREFIX = 64  # bits of an IPv6 address that one customer has to himself


class TokenBucket:
    """Fills with `per_second` tokens up to `size`; each request takes one.

    Args:
        per_second: tokens that come in, a second.
        size: the most that it holds, and what it begins with.
        now_s: monotonic time.
    """

    def __init__(self, per_second: float, size: float, now_s: float) -> None:
        self._per_second = per_second
        self._size = size
        self._tokens = size
        self._filled_s = now_s

    def take(self, now_s: float) -> float:
        """Take a token.

        Returns:
            0.0 where there was one, else the seconds until there is.
        """
        passed = max(0.0, now_s - self._filled_s)
        self._tokens = min(self._size, self._tokens + passed * self._per_second)
        self._filled_s = now_s
        if self._tokens < 1.0:
            return (1.0 - self._tokens) / self._per_second
        self._tokens -= 1.0
        return 0.0


class RateLimits:
    """One bucket for each of the last 1024 addresses, and one for all of them.

    Args:
        per_second: requests of one address; two seconds' worth at once, four times as much in
            all.
        now_s: monotonic time.
    """

    def __init__(self, per_second: float, now_s: float) -> None:
        self._per_second = per_second
        self._of_address: OrderedDict[str, TokenBucket] = OrderedDict()
        self._of_all = self._bucket(per_second * _ALL_FACTOR, now_s)

    def take_address(self, address: str, now_s: float) -> float:
        """Take a token of an address: 0.0, or the seconds to wait.

        An address that was not heard of for long is forgotten, which is as if its bucket had
        filled. Addresses of one IPv6 site share a bucket: nobody lacks them.
        """
        key = _key(address)
        bucket = self._of_address.get(key)
        if bucket is None:
            bucket = self._of_address[key] = self._bucket(self._per_second, now_s)
            if len(self._of_address) > _MOST_ADDRESSES:
                self._of_address.popitem(last=False)
        self._of_address.move_to_end(key)
        return bucket.take(now_s)

    def take_all(self, now_s: float) -> float:
        """Take one of all clients' tokens: 0.0, or the seconds to wait."""
        return self._of_all.take(now_s)

    @staticmethod
    def _bucket(per_second: float, now_s: float) -> TokenBucket:
        return TokenBucket(per_second, max(1.0, per_second * _BURST_S), now_s)


def _key(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, _SITE_PREFIX), strict=False))
    return str(parsed)
