"""One client of the Unix socket: its requests, in their order."""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
import logging
import time
from typing import Any, Literal

import msgspec

from edge.errors import EdgeError
from edge.kiosk.api.problems import ProblemError, problem_of
from edge.kiosk.api.rate_limit import TokenBucket
from edge.kiosk.api.settings import ApiSettings
from edge.kiosk.api.uploads import Uploads
from edge.kiosk.api.watch import Cursor, watch
from edge.kiosk.view import KioskView

__all__ = ["LONGEST_LINE_BYTES", "UnixClient", "UnixRequest"]

LONGEST_LINE_BYTES = 64 * 1024

_CHUNK_BYTES = 64 * 1024
_BURST = 20.0

_log = logging.getLogger(__name__)


class UnixRequest(msgspec.Struct, frozen=True):
    """One line of a client.

    Attributes:
        request: what is asked for.
        id: given back in the reply, whatever it is.
        bytes: with "infer": so many follow the line.
        after: with "events": cursor of the last event that the client has.
    """

    request: Literal["health", "model", "latest", "snapshot", "infer", "events", "counts"]
    id: Any = None
    bytes: int = 0
    after: str = ""


class _GoneError(Exception):
    """The client closed, was too slow, or said what cannot be followed."""


class UnixClient:
    """Answers one client until it closes or is too slow.

    Args:
        reader: of its connection.
        writer: of its connection.
        kiosk: asked for everything.
        settings: of the API.
        cursor: of this run of the service.
    """

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        kiosk: KioskView,
        settings: ApiSettings,
        cursor: Cursor,
    ) -> None:
        self._reader = reader
        self._writer = writer
        self._kiosk = kiosk
        self._settings = settings
        self._cursor = cursor
        # Waiting for a reply to be taken means all of it, so that nothing is left when it closes.
        writer.transport.set_write_buffer_limits(0)
        self._bucket = TokenBucket(settings.requests_per_second, _BURST, time.monotonic())
        self.is_stuck = False
        """Whether it does not take what it is sent, so that waiting for it is of no use."""

    async def serve(self, uploads: Uploads) -> None:
        """Answer its requests.

        Args:
            uploads: shared with the other clients.
        """
        with contextlib.suppress(_GoneError, ConnectionError):
            while True:
                line = await self._read_line()
                await self._pace()
                await self._answer(line, uploads)

    async def refuse(self, problem: ProblemError) -> None:
        """Say why it is not answered at all."""
        with contextlib.suppress(_GoneError, ConnectionError):
            await self._fail(None, problem)

    async def _pace(self) -> None:
        """Let others in between, and a client that asks too often wait."""
        await asyncio.sleep(self._bucket.take(time.monotonic()))

    async def _read_line(self) -> bytes:
        try:
            line = await asyncio.wait_for(self._reader.readline(), self._settings.idle_timeout_s)
        except ValueError:
            problem = ProblemError(
                400, "line_too_long", f"a request may have {LONGEST_LINE_BYTES} bytes"
            )
            await self._fail(None, problem)
            raise _GoneError from None
        except asyncio.TimeoutError:
            raise _GoneError from None
        if not line.endswith(b"\n"):
            raise _GoneError
        return line

    async def _answer(self, line: bytes, uploads: Uploads) -> None:
        try:
            request = msgspec.json.decode(line, type=UnixRequest)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            await self._fail(None, ProblemError(400, "request_malformed", f"no request: {error}"))
            return
        try:
            await self._dispatch(request, uploads)
        except ProblemError as problem:
            await self._fail(request.id, problem)
        except EdgeError as error:
            await self._fail(request.id, problem_of(error, self._kiosk))
        except (_GoneError, ConnectionError):
            raise
        except Exception:  # noqa: BLE001 - whatever it is, the client gets no traceback
            _log.exception("the request %s failed", request.request)
            fault = ProblemError(500, "internal", "the kiosk failed on this; see its log")
            await self._fail(request.id, fault)

    async def _dispatch(self, request: UnixRequest, uploads: Uploads) -> None:
        if request.request == "infer":
            await self._infer(request, uploads)
        elif request.request == "snapshot":
            await self._send_snapshot(request.id)
        elif request.request == "events":
            await self._follow(request)
        else:
            await self._send(_reply(request.id, _message(self._kiosk, request.request)))

    async def _send_snapshot(self, identity: Any) -> None:
        found = self._kiosk.snapshot()
        if found is None:
            raise ProblemError(404, "no_snapshot", "there is no current frame")
        about = {"index": found.index, "age_ms": found.age_ms, "media_type": "image/jpeg"}
        await self._send(_reply(identity, about, bytes=len(found.jpeg)) + found.jpeg)

    async def _infer(self, request: UnixRequest, uploads: Uploads) -> None:
        if request.bytes < 1:
            raise ProblemError(
                400, "upload_empty", f"bytes is {request.bytes}; say how many follow the line"
            )
        left = request.bytes

        async def read_chunk() -> bytes:
            nonlocal left
            chunk = await self._reader.read(min(left, _CHUNK_BYTES))
            if left and not chunk:
                raise _GoneError
            left -= len(chunk)
            return chunk

        try:
            uploads.check_size(request.bytes)
            async with uploads.turn() as place:
                body = await place.read(read_chunk)
                answer = await self._kiosk.infer(body)
        except ProblemError as problem:
            await self._fail(request.id, problem)
            if left:
                # Its bytes would be taken for the next line.
                raise _GoneError from problem
        else:
            await self._send(_reply(request.id, answer))

    async def _follow(self, request: UnixRequest) -> None:
        """Send events until the client closes; what it says meanwhile is not listened to."""
        tasks = {
            asyncio.create_task(self._stream(request)),
            asyncio.create_task(self._wait_for_end()),
        }
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        raise _GoneError

    async def _stream(self, request: UnixRequest) -> None:
        changes = watch(self._kiosk, self._cursor, request.after, self._settings.heartbeat_s)
        async with contextlib.aclosing(changes):
            async for change in changes:
                if change is not None:
                    extra = {"cursor": change.cursor} if change.cursor else {}
                    line = _reply(request.id, change.message, event=change.name, **extra)
                    await self._send(line)

    async def _wait_for_end(self) -> None:
        while await self._reader.read(_CHUNK_BYTES):
            pass

    async def _fail(self, identity: Any, problem: ProblemError) -> None:
        error = {"code": problem.code, "message": problem.detail}
        reply = {"id": identity, "ok": False, "error": error}
        await self._send(msgspec.json.encode(reply) + b"\n")

    async def _send(self, data: bytes) -> None:
        self._writer.write(data)
        try:
            await asyncio.wait_for(self._writer.drain(), self._settings.write_timeout_s)
        except asyncio.TimeoutError:
            self.is_stuck = True
            self._kiosk.note_client("client_slow", "a client that does not read was dropped")
            raise _GoneError from None


def _reply(identity: Any, result: Any, **extra: Any) -> bytes:
    return msgspec.json.encode({"id": identity, "ok": True, **extra, "result": result}) + b"\n"


def _message(kiosk: KioskView, name: str) -> Any:
    if name == "health":
        return kiosk.health()
    if name == "latest":
        return kiosk.latest()
    if name == "counts":
        counts = dataclasses.asdict(kiosk.counts())
        return counts | {"refused": dict(counts["refused"])}
    card = kiosk.model_card()
    if card is None:
        raise ProblemError(404, "model_not_loaded", "no worker has loaded the model yet")
    return card
