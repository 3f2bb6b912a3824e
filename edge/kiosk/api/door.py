"""What every request passes before it is routed, and what every answer carries."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Mapping

from starlette.datastructures import (  # noqa: TID253 - only `edge-kiosk serve` comes here
    Headers,
    MutableHeaders,
)
from starlette.requests import ClientDisconnect  # noqa: TID253 - same
from starlette.types import ASGIApp, Message, Receive, Scope, Send  # noqa: TID253 - same

from edge.kiosk.api.access_token import AccessToken
from edge.kiosk.api.problems import ProblemError, busy
from edge.kiosk.api.rate_limit import RateLimits
from edge.kiosk.api.request_checks import (
    allowed_hosts,
    check_fetch_site,
    check_host,
    check_origin,
)
from edge.kiosk.api.responses import problem_response
from edge.kiosk.api.settings import ApiSettings

__all__ = ["MOST_HEADER_BYTES", "Door"]

MOST_HEADER_BYTES = 16 * 1024

_MOST_HEADERS = 64
_VERSIONS = frozenset({"1.0", "1.1"})
_PUBLIC_PAGE = "/page/"
_HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
_CORS_HEADERS = {
    "Cross-Origin-Resource-Policy": "cross-origin",
    "Access-Control-Expose-Headers": "X-Frame-Index, X-Frame-Age-Ms, Retry-After",
    "Vary": "Origin",
}
_PREFLIGHT_HEADERS = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Authorization, Content-Type, Last-Event-ID",
    "Access-Control-Max-Age": "600",
}

_log = logging.getLogger(__name__)


class Door:
    """ASGI middleware: sizes, host, origin, rate and token; security headers; no tracebacks.

    Args:
        app: what answers the requests that pass.
        settings: of the API.
        answered: counts answers by status.
    """

    def __init__(self, app: ASGIApp, settings: ApiSettings, answered: Counter[int]) -> None:
        self._app = app
        self._settings = settings
        self._answered = answered
        self._hosts = allowed_hosts(settings)
        self._limits = RateLimits(settings.requests_per_second, time.monotonic())
        self._token = None if settings.token is None else AccessToken(settings.token)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        reply = _Reply(send, self._answered)
        try:
            reply.origin = self._check_sender(scope)
            if reply.origin is not None and _is_preflight(scope):
                reply.extra = _PREFLIGHT_HEADERS
                await _send_empty(reply)
                return
            self._check_client(scope)
            await self._app(scope, receive, reply.send)
        except ProblemError as problem:
            await reply.send_problem(problem, scope, receive)
        except ClientDisconnect:
            return
        except Exception:  # noqa: BLE001 - whatever it is, the client gets no traceback
            _log.exception("%s %s failed", scope["method"], scope["path"])
            await reply.send_problem(
                ProblemError(500, "internal", "the kiosk failed on this request; see its log"),
                scope,
                receive,
            )

    def _check_sender(self, scope: Scope) -> str | None:
        """Refuse other sites' pages; returns the origin where its page may read the answer."""
        if scope["http_version"] not in _VERSIONS:
            raise ProblemError(
                400,
                "http_version",
                f"HTTP/{scope['http_version']} was asked for; this is HTTP/1.1",
            )
        raw = scope["headers"]
        size = sum(len(name) + len(value) + 4 for name, value in raw)
        size += len(scope["raw_path"]) + len(scope["query_string"])
        if size > MOST_HEADER_BYTES or len(raw) > _MOST_HEADERS:
            raise ProblemError(
                431,
                "headers_too_large",
                f"the request has {len(raw)} headers of {size} bytes; the most is {_MOST_HEADERS} "
                f"of {MOST_HEADER_BYTES}",
            )
        headers = Headers(raw=raw)
        server = scope.get("server")
        check_host(headers.getlist("host"), self._hosts, server[0] if server else "")
        origin = headers.get("origin")
        if check_origin(origin, headers["host"], self._settings.allowed_origins):
            return origin
        check_fetch_site(headers, scope["method"])
        return None

    def _check_client(self, scope: Scope) -> None:
        """Refuse who asks too often, or does not know the token."""
        client = scope.get("client")
        now_s = time.monotonic()
        wait_s = self._limits.take_address(client[0] if client else "", now_s)
        # Pages are for anybody who may connect: without them nobody could be asked for a token.
        is_public = scope["path"] == "/" or scope["path"].startswith(_PUBLIC_PAGE)
        is_asked = self._token is not None and not is_public and not wait_s
        if is_asked and not self._knows_token(scope):
            raise ProblemError(
                401,
                "token_missing",
                "this kiosk asks for a token: send Authorization: Bearer TOKEN",
                {"WWW-Authenticate": 'Bearer realm="edge-kiosk"'},
            )
        # Taken last, so that who does not know the token cannot use up everybody's.
        wait_s = wait_s or self._limits.take_all(now_s)
        if wait_s:
            raise busy(
                "rate",
                f"more than {self._settings.requests_per_second:g} requests a second; ask again "
                f"in {wait_s:.1f} s",
                wait_s,
            )

    def _knows_token(self, scope: Scope) -> bool:
        return self._token is not None and self._token.is_shown(Headers(raw=scope["headers"]))


class _Reply:
    """Sends an answer with the headers that all of them carry, and counts it."""

    def __init__(self, send: Send, answered: Counter[int]) -> None:
        self._send = send
        self._answered = answered
        self.origin: str | None = None
        self.extra: Mapping[str, str] = {}
        self.is_started = False

    async def send(self, message: Message) -> None:
        """As ASGI's send."""
        if message["type"] == "http.response.start":
            self.is_started = True
            self._answered[message["status"]] += 1
            self._complete(MutableHeaders(scope=message))
        await self._send(message)

    async def send_problem(self, problem: ProblemError, scope: Scope, receive: Receive) -> None:
        """Answer with a problem; where an answer has begun, that is broken off."""
        if self.is_started:
            raise problem
        await problem_response(problem)(scope, receive, self.send)

    def _complete(self, headers: MutableHeaders) -> None:
        for name, value in _HEADERS.items():
            headers.setdefault(name, value)
        if self.origin is not None:
            headers["Access-Control-Allow-Origin"] = self.origin
            for name, value in {**_CORS_HEADERS, **self.extra}.items():
                headers[name] = value


async def _send_empty(reply: _Reply) -> None:
    await reply.send({"type": "http.response.start", "status": 204, "headers": []})
    await reply.send({"type": "http.response.body", "body": b""})


def _is_preflight(scope: Scope) -> bool:
    names = {name for name, _ in scope["headers"]}
    return scope["method"] == "OPTIONS" and b"access-control-request-method" in names
