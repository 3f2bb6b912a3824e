"""Pictures that are sent in: how many at once, how large, how slowly."""

from __future__ import annotations

import asyncio
import contextlib
import mmap
import time
from collections.abc import AsyncIterator, Awaitable, Callable

from edge.kiosk.api.problems import ProblemError, busy
from edge.kiosk.api.settings import ApiSettings

__all__ = ["ReadChunk", "UploadPlace", "Uploads"]

ReadChunk = Callable[[], Awaitable[bytes]]
"""Gives the next bytes of a body; b"" at its end."""

_GRACE_S = 5.0
_LARGEST_AT_ONCE = 2
_LEAST_BYTES_PER_SECOND = 32 * 1024


class Uploads:
    """Bodies in memory: a bounded number, each of bounded size and time.

    Args:
        settings: `uploads_waiting`, `max_upload_bytes` and `body_timeout_s` are used.
    """

    def __init__(self, settings: ApiSettings) -> None:
        self._settings = settings
        self._places = asyncio.Semaphore(settings.uploads_waiting)
        self._held_bytes = 0

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncIterator[UploadPlace]:
        """Hold one of the places, from the first byte until the answer; wait for one."""
        async with self._places:
            place = UploadPlace(self, self._settings)
            try:
                yield place
            finally:
                self._held_bytes -= place.held_bytes

    @contextlib.asynccontextmanager
    async def place(self) -> AsyncIterator[UploadPlace]:
        """As `turn`, for a client that had better come back than wait.

        Raises:
            ProblemError: 429, all are taken.
        """
        if self._places.locked():
            raise busy(
                "uploads_waiting",
                f"{self._settings.uploads_waiting} pictures are being answered already; "
                "send this one again in a moment",
            )
        async with self.turn() as place:
            yield place

    def check_size(self, size: int) -> None:
        """Refuse a size that is known before.

        Raises:
            ProblemError: 413, it is over the limit.
        """
        most = self._settings.max_upload_bytes
        if size > most:
            raise ProblemError(
                413,
                "upload_too_large",
                f"{size} bytes were sent in, the most is {most}; send a smaller picture",
            )

    def hold(self, size: int) -> None:
        """Count bytes that are taken into memory.

        Raises:
            ProblemError: 429, all uploads together hold twice what one may.
        """
        most = self._settings.max_upload_bytes * _LARGEST_AT_ONCE
        if self._held_bytes + size > most:
            raise busy(
                "uploads_memory",
                f"the pictures being sent in have {most} bytes together; send this one again in "
                "a moment",
            )
        self._held_bytes += size


class UploadPlace:
    """One of the places.

    Args:
        uploads: whose it is.
        settings: of the API.
    """

    def __init__(self, uploads: Uploads, settings: ApiSettings) -> None:
        self._uploads = uploads
        self._settings = settings
        self.held_bytes = 0
        """What it has in memory."""

    async def read(self, read_chunk: ReadChunk) -> bytes:
        """Read a body to its end.

        Raises:
            ProblemError: 413 over the size limit, 408 over the time limit or slower than 32 KiB
                a second, 429 where too much is in memory, 400 where nothing was sent.
        """
        # Memory of its own, of which only what is written is there and which goes back to the
        # system: a buffer that grows leaves the heap of glibc twice as large and in pieces.
        size = self._settings.max_upload_bytes
        with mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS) as body:
            started = time.monotonic()
            while chunk := await self._next(read_chunk, started):
                self._uploads.check_size(self.held_bytes + len(chunk))
                self._uploads.hold(len(chunk))
                self.held_bytes += len(chunk)
                body.write(chunk)
            if not self.held_bytes:
                raise ProblemError(
                    400, "upload_empty", "nothing was sent; send the bytes of one picture or record"
                )
            return body[: self.held_bytes]

    async def _next(self, read_chunk: ReadChunk, started: float) -> bytes:
        left_s = started + self._allowed_s(self.held_bytes) - time.monotonic()
        try:
            return await asyncio.wait_for(read_chunk(), max(0.0, left_s))
        except asyncio.TimeoutError:
            raise ProblemError(
                408,
                "upload_slow",
                f"{self.held_bytes} bytes came in {time.monotonic() - started:.0f} s; send the "
                "picture faster",
                {"Connection": "close"},
            ) from None

    def _allowed_s(self, received: int) -> float:
        """Seconds since the beginning by which more than `received` bytes must be there."""
        limit_s = self._settings.body_timeout_s
        return min(limit_s, min(_GRACE_S, limit_s) + received / _LEAST_BYTES_PER_SECOND)
