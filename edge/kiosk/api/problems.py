"""What goes wrong with a request, in one shape: RFC 9457 with a stable code.

The Unix socket gives the same code and the same line.
"""

from __future__ import annotations

import http
from collections.abc import Mapping
from types import MappingProxyType

import msgspec

from edge.errors import EdgeError, InputError, InputTooLargeError, UsageError
from edge.kiosk.view import KioskBusyError, KioskView

__all__ = ["PROBLEM_TYPE", "ProblemDetails", "ProblemError", "busy", "problem_of"]

PROBLEM_TYPE = "application/problem+json"

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
_LONGEST_DETAIL = 500


class ProblemDetails(msgspec.Struct, frozen=True):
    """Why a request was not answered.

    Attributes:
        type: always "about:blank"; `code` says which.
        title: the phrase of the status.
        status: the HTTP status.
        code: stable word.
        detail: one line for a person, in English.
    """

    type: str
    title: str
    status: int
    code: str
    detail: str


class ProblemError(Exception):
    """A request that is answered with a problem.

    Args:
        status: HTTP status.
        code: stable word.
        detail: what, the value seen, the way out; made one line of bounded length.
        headers: further ones of the answer.
    """

    def __init__(
        self, status: int, code: str, detail: str, headers: Mapping[str, str] = _NO_HEADERS
    ) -> None:
        line = " ".join(detail.split())[:_LONGEST_DETAIL]
        super().__init__(line)
        self.status = status
        self.code = code
        self.detail = line
        self.headers = headers

    def body(self) -> bytes:
        """JSON of `ProblemDetails`."""
        title = http.HTTPStatus(self.status).phrase
        return msgspec.json.encode(
            ProblemDetails("about:blank", title, self.status, self.code, self.detail)
        )


def busy(code: str, detail: str, after_s: float = 1.0) -> ProblemError:
    """429: the client asked too much; it may ask again after so many seconds."""
    return ProblemError(429, code, detail, {"Retry-After": str(max(1, round(after_s)))})


def problem_of(error: EdgeError, kiosk: KioskView) -> ProblemError:
    """The problem that an error of ours is for who asked.

    Args:
        error: what `KioskView.infer` raised.
        kiosk: asked whether its worker is there: a full queue is the clients' doing (429), a
            worker that is being replaced is not (503).
    """
    if isinstance(error, KioskBusyError):
        if kiosk.health().worker.state == "ready":
            return busy(error.code, str(error))
        return _unavailable(error)
    if isinstance(error, InputTooLargeError):
        return ProblemError(413, error.code, str(error))
    if isinstance(error, InputError):
        return ProblemError(422, error.code, str(error))
    if isinstance(error, UsageError):
        return ProblemError(400, error.code, str(error))
    return _unavailable(error)


def _unavailable(error: EdgeError) -> ProblemError:
    return ProblemError(503, error.code, str(error), {"Retry-After": "2"})
