"""One worker as the service sees it: a process and the socket that it talks over."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import time
from collections.abc import Awaitable, Callable

from edge.kiosk.worker.wire import (
    HEADER,
    MOST_PREVIEW_BYTES,
    FromWorker,
    Message,
    Start,
    Stop,
    ToWorker,
    check_lengths,
    decode_from_worker,
    encode_head,
)
from edge.python_command import python_command

__all__ = ["WorkerProcess"]

MOST_UNSENT_BYTES = 64 << 20
_CODE = "from edge.kiosk.worker.process import main; main()"
_READ_BUFFER_BYTES = 1 << 20
_MOST_LAST_WORDS = 4000


class WorkerProcess:
    """A running worker. Made by `start`; ended by `stop` or `kill`; then to be closed.

    Attributes:
        started_s: when it was started, monotonic seconds.
        silent_s: how long the service has been ready to hear a word of it, as `note_time` counts:
            while the service is busy, silence is not the worker's fault.
        last_words: the end of what it and its libraries wrote to standard error.
    """

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self._process = process
        self._reader = reader
        self._writer = writer
        self.started_s = time.monotonic()
        self.silent_s = 0.0
        self.last_words = ""
        self._is_listening = True
        # Read, so that it does not wait; kept out of the log, so that it cannot flood it.
        self._overhearing = asyncio.ensure_future(self._overhear())

    @classmethod
    async def start(cls, start: Start) -> WorkerProcess:
        """Start a worker and tell it what to do.

        Raises:
            OSError: no process can be started.
        """
        ours, theirs = socket.socketpair()
        try:
            reader, writer = await asyncio.open_unix_connection(sock=ours, limit=_READ_BUFFER_BYTES)
        except BaseException:
            ours.close()
            theirs.close()
            raise
        try:
            process = await asyncio.create_subprocess_exec(
                *python_command(_CODE, str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                # A group of its own, which is ended with it: it may have children too.
                start_new_session=True,
            )
        except BaseException:
            # Not the socket alone: the loop would go on to watch its number, which the next gets.
            writer.close()
            raise
        finally:
            theirs.close()
        worker = cls(process, reader, writer)
        worker.send(start)
        return worker

    @property
    def pid(self) -> int:
        """Its process number."""
        return self._process.pid

    @property
    def uptime_s(self) -> float:
        """Seconds since it was started."""
        return time.monotonic() - self.started_s

    def note_time(self, passed_s: float) -> None:
        """Count time in which it could have said something."""
        if self._is_listening:
            self.silent_s += passed_s

    def send(self, body: ToWorker, blob: bytes = b"") -> bool:
        """Send a message without waiting.

        Returns:
            False where the worker does not read, or is gone: nothing was sent.
        """
        transport = self._writer.transport
        if transport.is_closing() or transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            return False
        self._writer.write(encode_head(body, len(blob)))
        if blob:
            self._writer.write(blob)
        return True

    async def listen(self, take: Callable[[Message[FromWorker]], Awaitable[None]]) -> None:
        """Give every message to `take`, one after another, until the worker is gone.

        Raises:
            ValueError: what came is no message.
        """
        while (message := await self._hear()) is not None:
            self._is_listening = False
            await take(message)
            self._is_listening, self.silent_s = True, 0.0

    async def _hear(self) -> Message[FromWorker] | None:
        try:
            header = await self._reader.readexactly(HEADER.size)
            text_bytes, blob_bytes = check_lengths(header, MOST_PREVIEW_BYTES)
            text = await self._reader.readexactly(text_bytes)
            blob = await self._reader.readexactly(blob_bytes)
        except (asyncio.IncompleteReadError, ConnectionError):
            return None
        return Message(decode_from_worker(text), blob)

    async def _overhear(self) -> None:
        errors = self._process.stderr
        while errors is not None and (said := await errors.read(_MOST_LAST_WORDS)):
            self.last_words += said.decode(errors="replace")
            self.last_words = self.last_words[-_MOST_LAST_WORDS:]

    def kill(self) -> None:
        """End it and its children at once: SIGKILL, which no library can hold up."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)

    async def stop(self, grace_s: float) -> None:
        """Ask it to close its camera, and give it some time; `kill` it after that."""
        self.send(Stop())
        await asyncio.wait({asyncio.ensure_future(self._process.wait())}, timeout=grace_s)

    async def wait(self) -> int:
        """Wait for its end.

        Returns:
            Its exit code; negative for a signal.
        """
        return await self._process.wait()

    def close(self) -> None:
        """Let go of it, when it has ended and all that it said was heard."""
        self._writer.close()
        self._overhearing.cancel()
