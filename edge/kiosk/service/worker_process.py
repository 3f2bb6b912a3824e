"""One worker as the service sees it: a process and the socket that it talks over."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import time
from collections.abc import Awaitable, Callable

import msgspec

from edge.kiosk.worker.wire import (
    HEADER,
    Message,
    Start,
    Stop,
    ToWorker,
    check_lengths,
    decode_from_worker,
    encode,
)

__all__ = ["WorkerProcess"]

MOST_UNSENT_BYTES = 64 << 20
_STOP_GRACE_S = 3.0


class WorkerProcess:
    """A running worker. Made by `start`; ended by `stop` or `kill`, after which `wait` returns."""

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
        self.heard_s = self.started_s
        """Since when the service waits for a message, monotonic seconds."""
        self.is_listening = True
        """Whether it does: while it is busy, the worker's silence is not the worker's fault."""

    @classmethod
    async def start(cls, start: Start) -> WorkerProcess:
        """Start a worker and tell it what to do.

        Raises:
            OSError: no process can be started.
        """
        ours, theirs = socket.socketpair()
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "edge.kiosk.worker",
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
            )
        except BaseException:
            ours.close()
            raise
        finally:
            theirs.close()
        reader, writer = await asyncio.open_unix_connection(sock=ours)
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

    def send(self, body: ToWorker, blob: bytes = b"") -> bool:
        """Send a message without waiting.

        Returns:
            False where the worker does not read, or is gone: nothing was sent.
        """
        transport = self._writer.transport
        if transport.is_closing() or transport.get_write_buffer_size() > MOST_UNSENT_BYTES:
            return False
        self._writer.write(encode(body, blob))
        return True

    async def listen(self, take: Callable[[Message], Awaitable[None]]) -> None:
        """Give every message to `take`, one after another, until the worker is gone.

        Raises:
            ValueError: what came is no message.
        """
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self.heard_s, self.is_listening = time.monotonic(), True
                header = await self._reader.readexactly(HEADER.size)
                text_bytes, blob_bytes = check_lengths(header)
                text = await self._reader.readexactly(text_bytes)
                blob = await self._reader.readexactly(blob_bytes) if blob_bytes else b""
                self.is_listening = False
                try:
                    message = Message(decode_from_worker(text), blob)
                except msgspec.MsgspecError as error:
                    raise ValueError(f"the worker said what is no message: {error}") from error
                await take(message)

    @property
    def silent_s(self) -> float:
        """Seconds that the service has waited for a message."""
        return time.monotonic() - self.heard_s if self.is_listening else 0.0

    def kill(self) -> None:
        """End it at once: SIGKILL, which no library can hold up."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._process.pid, signal.SIGKILL)

    async def stop(self) -> None:
        """Ask it to close its camera, and kill it where it does not."""
        self.send(Stop())
        with contextlib.suppress(asyncio.TimeoutError):
            await asyncio.wait_for(asyncio.shield(self._process.wait()), _STOP_GRACE_S)
        self.kill()

    async def wait(self) -> int:
        """Wait for its end.

        Returns:
            Its exit code; negative for a signal.
        """
        code = await self._process.wait()
        self._writer.close()
        return code
