"""Answers in JSON."""

from __future__ import annotations

from typing import Any

import msgspec
from starlette.responses import Response  # noqa: TID253 - only `edge-kiosk serve` comes here

from edge.kiosk.api.problems import PROBLEM_TYPE, ProblemError

__all__ = ["json_response", "problem_response"]


def json_response(value: Any) -> Response:
    """200 with a message of the kiosk."""
    return Response(msgspec.json.encode(value), media_type="application/json")


def problem_response(problem: ProblemError) -> Response:
    """What the problem says, with its status."""
    return Response(
        problem.body(),
        status_code=problem.status,
        media_type=PROBLEM_TYPE,
        headers=dict(problem.headers),
    )
