"""The kiosk on a Unix socket, for programs on the machine that want no network.

JSON Lines: a request is one object on a line, its reply one object on a line; see
docs/kiosk-api.md. Who may open the socket's file may ask.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import stat
from pathlib import Path

from edge.errors import DeviceError, UsageError
from edge.kiosk.api.problems import busy
from edge.kiosk.api.settings import ApiSettings
from edge.kiosk.api.unix_client import LONGEST_LINE_BYTES, UnixClient
from edge.kiosk.api.uploads import Uploads
from edge.kiosk.api.watch import Cursor
from edge.kiosk.view import KioskView

__all__ = ["UnixSocketServer"]

_BACKLOG = 16
_SEND_BUFFER_BYTES = 128 * 1024


class UnixSocketServer:
    """One listening socket and its clients.

    Args:
        kiosk: asked for everything.
        settings: `unix_socket` must be set.
    """

    def __init__(self, kiosk: KioskView, settings: ApiSettings) -> None:
        if settings.unix_socket is None:
            raise UsageError("no path is set for the Unix socket; such as /run/edgedx/kiosk.sock")
        self._kiosk = kiosk
        self._settings = settings
        self._path = settings.unix_socket
        self._uploads = Uploads(settings)
        self._cursor = Cursor()
        self._server: asyncio.Server | None = None
        self._inode = 0
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen; a file that a service left behind is replaced.

        Raises:
            UsageError: the path is something else than a socket, or its folder is missing.
            DeviceError: somebody listens there already, or it cannot be made.
        """
        listening = _listen(self._path, self._settings.unix_socket_mode)
        self._inode = self._path.stat().st_ino
        self._server = await asyncio.start_unix_server(
            self._serve, sock=listening, limit=LONGEST_LINE_BYTES, backlog=_BACKLOG
        )

    async def stop(self) -> None:
        """End all clients and take the file away, unless it is another service's by now."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)
        with contextlib.suppress(OSError):
            if self._path.stat().st_ino == self._inode:
                self._path.unlink()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        if task is None or self._server is None:
            writer.transport.abort()
            return
        client = UnixClient(reader, writer, self._kiosk, self._settings, self._cursor)
        self._tasks.add(task)
        try:
            if len(self._tasks) > self._settings.max_connections:
                await client.refuse(busy("connections", "too many clients are connected"))
            else:
                await client.serve(self._uploads)
        except asyncio.CancelledError:
            # Of ours, by `stop`: asyncio would log it as an accident of the connection.
            return
        finally:
            self._tasks.discard(task)
            writer.transport.abort() if client.is_stuck else writer.close()


def _listen(path: Path, mode: int) -> socket.socket:
    _remove_stale(path)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        listening.bind(str(path))
        # Before it listens, so that nobody connects under other permissions.
        path.chmod(mode)
        listening.listen(_BACKLOG)
    except FileNotFoundError as error:
        listening.close()
        raise UsageError(
            f"cannot listen on {path}: the folder {path.parent} does not exist; make it"
        ) from error
    except OSError as error:
        listening.close()
        raise DeviceError(
            f"cannot listen on {path}: {error.strerror}; check its folder's permissions or take "
            "another path"
        ) from error
    listening.setblocking(False)
    return listening


def _remove_stale(path: Path) -> None:
    """Remove a socket on which nobody listens any more."""
    try:
        found = path.lstat()
    except OSError:
        return
    if not stat.S_ISSOCK(found.st_mode):
        raise UsageError(f"{path} exists and is no socket; remove it or take another path")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1.0)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            with contextlib.suppress(FileNotFoundError):
                path.unlink()
            return
        except OSError as error:
            raise DeviceError(
                f"cannot tell whether somebody listens on {path}: {error}; take another path"
            ) from error
    raise DeviceError(f"another service listens on {path}; stop it or take another path")
