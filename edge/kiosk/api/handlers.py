"""What answers each operation."""

from __future__ import annotations

from collections import Counter

import msgspec
from starlette.requests import (  # noqa: TID253 - only `edge-kiosk serve` comes here
    ClientDisconnect,
    Request,
)
from starlette.responses import Response  # noqa: TID253 - same

from edge.errors import EdgeError
from edge.kiosk.api.access_token import AccessToken
from edge.kiosk.api.docs_page import DOCS_POLICY, docs_page
from edge.kiosk.api.event_stream import EventStreams
from edge.kiosk.api.metrics import kiosk_metrics
from edge.kiosk.api.openapi import openapi_document
from edge.kiosk.api.page_files import PageFiles
from edge.kiosk.api.problems import ProblemError, problem_of
from edge.kiosk.api.responses import json_response
from edge.kiosk.api.settings import ApiSettings
from edge.kiosk.api.uploads import ReadChunk, Uploads
from edge.kiosk.view import KioskView
from edge.metrics_text import METRICS_TYPE

__all__ = ["Handlers"]

_FOLLOW = {"": True, "true": True, "false": False}


class Handlers:
    """One method for each operation, by its name, and for the files of the page.

    Args:
        kiosk: asked for everything.
        settings: of the API.
        answered: HTTP answers by status, for the metrics.
    """

    def __init__(self, kiosk: KioskView, settings: ApiSettings, answered: Counter[int]) -> None:
        self._kiosk = kiosk
        self._settings = settings
        self._answered = answered
        self._uploads = Uploads(settings)
        self._streams = EventStreams(kiosk, settings)
        self._page = PageFiles()
        self._token = None if settings.token is None else AccessToken(settings.token)
        document = openapi_document(is_token_set=self._token is not None)
        self._document = msgspec.json.encode(document)
        self._docs = docs_page(document, f"http://localhost:{settings.port}")

    async def page(self, request: Request) -> Response:
        """`/` and what lies under `/page/`."""
        return self._page.response(request.path_params.get("name", "index.html"))

    async def health(self, _: Request) -> Response:
        """How the kiosk is."""
        return json_response(self._kiosk.health())

    async def model(self, _: Request) -> Response:
        """The model's card."""
        card = self._kiosk.model_card()
        if card is None:
            raise ProblemError(
                404, "model_not_loaded", "no worker has loaded the model yet; ask again in a moment"
            )
        return json_response(card)

    async def latest(self, _: Request) -> Response:
        """What may be shown."""
        return json_response(self._kiosk.latest())

    async def snapshot(self, _: Request) -> Response:
        """The newest frame."""
        found = self._kiosk.snapshot()
        if found is None:
            raise ProblemError(
                404, "no_snapshot", "there is no current frame; /v1/health says how the source is"
            )
        return Response(
            found.jpeg,
            media_type="image/jpeg",
            headers={"X-Frame-Index": str(found.index), "X-Frame-Age-Ms": str(found.age_ms)},
        )

    async def infer(self, request: Request) -> Response:
        """The answer for an upload."""
        _check_plain(request)
        declared = request.headers.get("content-length", "")
        self._uploads.check_size(int(declared) if declared else 0)
        async with self._uploads.place() as place:
            body = await place.read(_chunks(request))
            try:
                answer = await self._kiosk.infer(body)
            except EdgeError as error:
                raise problem_of(error, self._kiosk) from error
        return json_response(answer)

    async def events(self, request: Request) -> Response:
        """The stream of events."""
        asked = request.query_params.get("follow", "")
        if asked not in _FOLLOW:
            raise ProblemError(400, "follow", f"follow is {asked!r}; it may be true or false")
        # Who asks for the head alone waits for its end.
        is_following = _FOLLOW[asked] and request.method != "HEAD"
        after = request.headers.get("last-event-id", "")
        return self._streams.follow(after) if is_following else self._streams.kept(after)

    async def session(self, _: Request) -> Response:
        """A cookie for who has shown the token."""
        response = Response(status_code=204)
        if self._token is not None:
            response.headers["Set-Cookie"] = self._token.session_cookie()
        return response

    async def metrics(self, _: Request) -> Response:
        """Figures for Prometheus."""
        text = kiosk_metrics(self._kiosk, self._answered)
        return Response(text, headers={"Content-Type": METRICS_TYPE})

    async def openapi(self, _: Request) -> Response:
        """The description."""
        return Response(self._document, media_type="application/json")

    async def docs(self, _: Request) -> Response:
        """The description as a page."""
        return Response(
            self._docs, media_type="text/html", headers={"Content-Security-Policy": DOCS_POLICY}
        )


def _check_plain(request: Request) -> None:
    # What a body is called does not matter, its bytes tell; but a form is wrapped around them.
    kind = request.headers.get("content-type", "").lower()
    coding = request.headers.get("content-encoding", "identity").lower()
    if kind.startswith("multipart/") or coding != "identity":
        raise ProblemError(
            415,
            "upload_wrapped",
            f"the upload is {kind or 'without a type'} and its coding {coding}; send the bytes of "
            "the file themselves, as application/octet-stream",
        )


def _chunks(request: Request) -> ReadChunk:
    has_more = True

    async def read_chunk() -> bytes:
        nonlocal has_more
        while has_more:
            message = await request.receive()
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            has_more = message.get("more_body", False)
            chunk: bytes = message.get("body", b"")
            if chunk:
                return chunk
        return b""

    return read_chunk
