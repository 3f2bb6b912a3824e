"""Server-sent events: the format of WHATWG's HTML, "Server-sent events"."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator

import msgspec
from starlette.responses import (  # noqa: TID253 - only `edge-kiosk serve` comes here
    Response,
    StreamingResponse,
)
from starlette.types import Receive, Scope, Send  # noqa: TID253 - same

from edge.kiosk.api.problems import busy
from edge.kiosk.api.settings import ApiSettings
from edge.kiosk.api.watch import Change, Cursor, watch
from edge.kiosk.view import KioskView

__all__ = ["EVENT_STREAM_TYPE", "EventStreams"]

EVENT_STREAM_TYPE = "text/event-stream"

_RETRY_MS = 2000


class EventStreams:
    """Those that follow one kiosk; a bounded number at once.

    Args:
        kiosk: that they follow.
        settings: of the API.
    """

    def __init__(self, kiosk: KioskView, settings: ApiSettings) -> None:
        self._kiosk = kiosk
        self._settings = settings
        self._cursor = Cursor()
        self._open = 0

    def follow(self, after: str) -> Response:
        """A stream until either side closes.

        Args:
            after: `Last-Event-ID` of the client.

        Raises:
            ProblemError: 429, as many as may follow already.
        """
        if self._open >= self._settings.event_streams:
            raise busy(
                "event_streams",
                f"{self._open} clients follow the events, which is the most; ask for "
                "/v1/latest instead",
                self._settings.heartbeat_s,
            )
        return _Stream(self, self._changes(after), media_type=EVENT_STREAM_TYPE)

    def kept(self, after: str) -> Response:
        """The events kept and the latest, then the end."""
        events = self._kiosk.events_after(self._cursor.id_after(after))
        changes = [Change("kiosk", event, self._cursor.of(event)) for event in events]
        changes.append(Change("latest", self._kiosk.latest()))
        return Response(b"".join(map(_block, changes)), media_type=EVENT_STREAM_TYPE)

    @contextlib.contextmanager
    def counted(self) -> Iterator[None]:
        """While a stream is open."""
        self._open += 1
        try:
            yield
        finally:
            self._open -= 1

    async def _changes(self, after: str) -> AsyncIterator[bytes]:
        yield b"retry: %d\n\n" % _RETRY_MS
        changes = watch(self._kiosk, self._cursor, after, self._settings.heartbeat_s)
        async with contextlib.aclosing(changes):
            async for change in changes:
                yield b": alive\n\n" if change is None else _block(change)


class _Stream(StreamingResponse):
    def __init__(
        self, streams: EventStreams, blocks: AsyncIterator[bytes], *, media_type: str
    ) -> None:
        super().__init__(blocks, media_type=media_type)
        self._streams = streams

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._streams.counted():
            await super().__call__(scope, receive, send)


def _block(change: Change) -> bytes:
    identity = f"id: {change.cursor}\n" if change.cursor else ""
    data = msgspec.json.encode(change.message)
    return f"{identity}event: {change.name}\ndata: ".encode() + data + b"\n\n"
