"""What may be asked over HTTP, as data: routes, documentation and tests are made from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from edge.kiosk.messages import Answer, Event, Health, Latest, ModelCard
from edge.metrics_text import METRICS_TYPE

__all__ = ["EVERYWHERE", "OPERATIONS", "PROBLEMS", "Body", "Operation", "Parameter"]


@dataclass(frozen=True, slots=True)
class Parameter:
    """Something that a request may carry.

    Attributes:
        place: "query" or "header".
        name: of it.
        schema: JSON schema.
        words: what it does.
    """

    place: str
    name: str
    schema: Mapping[str, Any]
    words: str


@dataclass(frozen=True, slots=True)
class Body:
    """What a successful answer holds.

    Attributes:
        media_type: of it; "" for none.
        message: its type, where it is a message in JSON.
        words: what it is.
        headers: that it carries, with what they mean.
        status: HTTP status.
    """

    media_type: str
    words: str
    message: type | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int = 200


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Attributes:
        name: the operationId, and the name of what answers it.
        method: HTTP method.
        path: from the root.
        summary: one line.
        words: the rest that a caller needs to know.
        answer: of success.
        problems: statuses that this one may have beside those that all have.
        parameters: of the request.
        takes: what the body of the request is; "" where there is none.
    """

    name: str
    method: str
    path: str
    summary: str
    words: str
    answer: Body
    problems: tuple[int, ...] = ()
    parameters: tuple[Parameter, ...] = ()
    takes: str = ""


PROBLEMS: dict[int, str] = {
    400: "The request is malformed, or has no readable Host header.",
    401: "The token is missing or wrong.",
    403: "A page of another origin asked.",
    404: "There is none now; the code says why.",
    405: "The path has no such method; the header Allow names those it has.",
    408: "The request came too slowly.",
    413: "The upload is over the size limit.",
    415: "The upload is wrapped: send the bytes themselves.",
    421: "The Host header names another machine.",
    422: "The upload is nothing that the model can take.",
    429: "Too many requests or connections; Retry-After says when to ask again.",
    431: "The headers are over the size limit.",
    500: "The kiosk failed on this request; a fault of ours.",
    503: "The worker is being replaced; Retry-After says when to ask again.",
}
"""By status, what it means."""

EVERYWHERE = (400, 403, 405, 408, 421, 429, 431, 500)
"""Statuses of problems that any request may have (401 too, where a token is set)."""

_JSON = "application/json"

OPERATIONS = (
    Operation(
        "health",
        "GET",
        "/v1/health",
        "Whether the kiosk can answer, and what is wrong",
        "The status is 200 whatever the kiosk's own is: read `status`.",
        Body(_JSON, "How it is.", Health),
    ),
    Operation(
        "model",
        "GET",
        "/v1/model",
        "The model that answers",
        "404 with the code `model_not_loaded` until a worker has loaded one.",
        Body(_JSON, "Its card.", ModelCard),
        (404,),
    ),
    Operation(
        "latest",
        "GET",
        "/v1/latest",
        "What may be shown now",
        "An answer that is no longer current is never in it.",
        Body(_JSON, "The newest answer, or why there is none.", Latest),
    ),
    Operation(
        "snapshot",
        "GET",
        "/v1/snapshot",
        "The newest frame, be it answered or refused",
        "404 with the code `no_snapshot` where none is current.",
        Body(
            "image/jpeg",
            "A picture, at most 640 pixels wide.",
            headers={
                "X-Frame-Index": "Position of the frame within its source.",
                "X-Frame-Age-Ms": "Milliseconds since it was captured.",
            },
        ),
        (404,),
    ),
    Operation(
        "infer",
        "POST",
        "/v1/infer",
        "The answer for one picture or record that is sent in",
        "The body is the file itself, not a form. What the model refuses or cannot read is an "
        "answer with that `status`, not a problem.",
        Body(_JSON, "The answer, which is in the journal too.", Answer),
        (413, 415, 422, 503),
        takes="Bytes of a PNG, JPEG, TIFF, BMP, WebP or of a record that the model takes.",
    ),
    Operation(
        "events",
        "GET",
        "/v1/events",
        "Server-sent events: what happens, and what may be shown whenever that changes",
        "`event: kiosk` carries an Event and an id, `event: latest` a Latest. A client that reads "
        "slowly misses what lay between and gets the newest; one that takes nothing for long is "
        "disconnected. A comment every few seconds tells that the kiosk lives.",
        Body("text/event-stream", "Until either side closes.", Event),
        parameters=(
            Parameter(
                "header",
                "Last-Event-ID",
                {"type": "string"},
                "Take up after this event; without it, all that are kept come first.",
            ),
            Parameter(
                "query",
                "follow",
                {"type": "boolean", "default": True},
                "false: the events kept and the latest, then the end.",
            ),
        ),
    ),
    Operation(
        "session",
        "POST",
        "/v1/session",
        "A cookie for the bearer token, for pages",
        "Pages cannot send headers with EventSource or pictures. The cookie holds for as long as "
        "the token does. Without a token set there is none, and none is needed.",
        Body("", "The cookie is set.", status=204),
    ),
    Operation(
        "metrics",
        "GET",
        "/metrics",
        "Figures for Prometheus",
        "Text exposition format 0.0.4.",
        Body(METRICS_TYPE, "One family a figure."),
    ),
    Operation(
        "openapi",
        "GET",
        "/openapi.json",
        "This description, as OpenAPI 3.1",
        "Made from the messages that the kiosk sends.",
        Body(_JSON, "The document."),
    ),
    Operation(
        "docs",
        "GET",
        "/docs",
        "This description, as a page",
        "Asks nothing of any other machine.",
        Body("text/html; charset=utf-8", "The page."),
    ),
)
