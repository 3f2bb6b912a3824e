"""The HTTP API as one ASGI application."""

from __future__ import annotations

import http
from collections import Counter
from collections.abc import Awaitable, Callable

from starlette.applications import Starlette  # noqa: TID253 - only `edge-kiosk serve` comes here
from starlette.exceptions import HTTPException  # noqa: TID253 - same
from starlette.middleware import Middleware  # noqa: TID253 - same
from starlette.requests import Request  # noqa: TID253 - same
from starlette.responses import Response  # noqa: TID253 - same
from starlette.routing import Route  # noqa: TID253 - same

from edge.kiosk.api.door import Door
from edge.kiosk.api.handlers import Handlers
from edge.kiosk.api.operations import OPERATIONS
from edge.kiosk.api.problems import ProblemError
from edge.kiosk.api.responses import problem_response
from edge.kiosk.api.settings import ApiSettings
from edge.kiosk.view import KioskView

__all__ = ["create_app"]

_Handler = Callable[[Request], Awaitable[Response]]

_CODES = {404: "not_found", 405: "method_not_allowed"}


def create_app(kiosk: KioskView, settings: ApiSettings) -> Starlette:
    """The application; serve it with `HttpServer`, which adds what only a server can bound.

    Args:
        kiosk: what it shows.
        settings: who may ask, and how much.
    """
    answered: Counter[int] = Counter()
    handlers = Handlers(kiosk, settings, answered)
    routes = [_route("/", "GET", handlers.page), _route("/page/{name:path}", "GET", handlers.page)]
    routes += [
        _route(operation.path, operation.method, getattr(handlers, operation.name))
        for operation in OPERATIONS
    ]
    app = Starlette(
        routes=routes,
        middleware=[Middleware(Door, settings=settings, answered=answered)],
        exception_handlers={HTTPException: _answer_unrouted},
    )
    # A redirect would name the Host that the client gave.
    app.router.redirect_slashes = False
    return app


def _route(path: str, method: str, handler: _Handler) -> Route:
    allowed = ", ".join(["GET", "HEAD", "OPTIONS"] if method == "GET" else [method, "OPTIONS"])

    async def answer(request: Request) -> Response:
        if request.method == "OPTIONS":
            return Response(status_code=204, headers={"Allow": allowed})
        return await handler(request)

    return Route(path, answer, methods=[method, "OPTIONS"])


async def _answer_unrouted(request: Request, error: Exception) -> Response:
    """404 and 405, which the routes give."""
    assert isinstance(error, HTTPException)  # noqa: S101 - what it is registered for
    code = _CODES.get(error.status_code, "http")
    phrase = http.HTTPStatus(error.status_code).phrase.lower()
    return problem_response(
        ProblemError(
            error.status_code,
            code,
            f"{request.method} {request.url.path}: {phrase}; /docs says what there is",
            error.headers or {},
        )
    )
