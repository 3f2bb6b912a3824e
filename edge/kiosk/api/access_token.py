"""Who knows the token: a bearer in a header, or a cookie that was given for it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

__all__ = ["SESSION_COOKIE", "AccessToken"]

SESSION_COOKIE = "edgedx_kiosk_session"

_PURPOSE = b"edgedx kiosk session 1"
_SCHEME = "bearer"
_COOKIE_AGE_S = 400 * 24 * 3600  # the longest that browsers keep one


class AccessToken:
    """The token that clients must show.

    A cookie is HMAC-SHA256 of a fixed text under the token: nothing has to be stored for it, so
    that a page goes on after a restart of the service, a clock that jumps does not end it, and
    a new token ends them all. It does not tell the token.

    Args:
        token: as set.
    """

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        self._session = hmac.new(self._token, _PURPOSE, hashlib.sha256).hexdigest()

    def is_shown(self, headers: Mapping[str, str]) -> bool:
        """Whether a request's headers (names in lower case) carry the token or its cookie."""
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == _SCHEME and _is_same(given.strip(), self._token):
            return True
        cookie = _cookie(headers.get("cookie", ""))
        return cookie is not None and _is_same(cookie, self._session.encode())

    def session_cookie(self) -> str:
        """Value of `Set-Cookie` for a page whose user knows the token."""
        return (
            f"{SESSION_COOKIE}={self._session}; Path=/; Max-Age={_COOKIE_AGE_S}; HttpOnly; "
            "SameSite=Strict"
        )


def _is_same(given: str, expected: bytes) -> bool:
    return hmac.compare_digest(given.encode(), expected)


def _cookie(header: str) -> str | None:
    for pair in header.split(";"):
        name, _, value = pair.strip().partition("=")
        if name == SESSION_COOKIE:
            return value
    return None
