"""Serves the application on a TCP port, beside what else runs in the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import math
import socket
from collections.abc import Callable, Iterator

import uvicorn  # noqa: TID253 - only `edge-kiosk serve` comes here
from starlette.types import ASGIApp  # noqa: TID253 - same

from edge.errors import DeviceError, UsageError
from edge.kiosk.api.door import MOST_HEADER_BYTES
from edge.kiosk.api.guarded_protocol import ConnectionTable, GuardedProtocol
from edge.kiosk.api.settings import ApiSettings

__all__ = ["HttpServer"]

_BACKLOG = 128
_SEND_BUFFER_BYTES = 128 * 1024


class HttpServer:
    """One listening port and its connections.

    Args:
        app: as `create_app` gives.
        settings: the same that it was made with.
        note_client: as `KioskView.note_client`; told of clients that are dropped.
    """

    def __init__(
        self,
        app: ASGIApp,
        settings: ApiSettings,
        note_client: Callable[[str, str], None] = lambda *_: None,
    ) -> None:
        self._settings = settings
        self._table = ConnectionTable(settings, note_client)
        self._server = _Server(_config(app, settings, self._table))
        self._port = settings.port
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def port(self) -> int:
        """That it listens on; where 0 was asked for, the one taken once it has started."""
        return self._port

    @property
    def address(self) -> str:
        """Scheme, host and port for a browser."""
        host = self._settings.host
        return f"http://[{host}]:{self._port}" if ":" in host else f"http://{host}:{self._port}"

    async def start(self) -> None:
        """Listen.

        Raises:
            UsageError: the host is no address of this machine.
            DeviceError: the port is taken, or may not be taken.
        """
        listening = _listen(self._settings)
        self._port = listening.getsockname()[1]
        serving = asyncio.create_task(self._server.serve([listening]), name="edge-kiosk http")
        started = asyncio.create_task(self._server.has_started.wait())
        await asyncio.wait({serving, started}, return_when=asyncio.FIRST_COMPLETED)
        started.cancel()
        if serving.done():
            listening.close()
            serving.result()
            raise DeviceError("the HTTP server ended while it started; start the service again")
        sweeping = asyncio.create_task(self._table.sweep_for_ever(), name="edge-kiosk sweep")
        self._tasks = [serving, sweeping]

    async def stop(self, grace_s: float = 2.0) -> None:
        """Take no more; give answers under way a moment, then drop what is left."""
        if not self._tasks:
            return
        serving, sweeping = self._tasks
        self._tasks = []
        self._server.should_exit = True
        self._table.close_streams()
        await asyncio.wait({serving}, timeout=grace_s)
        self._server.force_exit = True
        self._table.abort()
        for answering in self._server.server_state.tasks:
            answering.cancel()
        sweeping.cancel()
        await asyncio.wait({serving, sweeping})


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.has_started = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.has_started.set()

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to the service, which has more to end than this server."""
        yield


def _config(app: ASGIApp, settings: ApiSettings, table: ConnectionTable) -> uvicorn.Config:
    class Protocol(GuardedProtocol):
        pass

    Protocol.table = table
    return uvicorn.Config(
        app,
        http=Protocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        # Its log would repeat each malformed request; what is a fault of ours, the door logs.
        log_config=None,
        log_level=logging.CRITICAL,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=math.ceil(settings.idle_timeout_s),
        h11_max_incomplete_event_size=MOST_HEADER_BYTES,
    )


def _listen(settings: ApiSettings) -> socket.socket:
    where = f"{settings.host} port {settings.port}"
    try:
        found = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )
    except OSError as error:
        raise UsageError(
            f"cannot listen on {where}: {error.strerror}; name an address of this machine"
        ) from error
    family, _, _, _, address = found[0]
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Taken over by the connections: what a client leaves unread costs so much and no more,
        # and one whose cable was pulled does not stay for the quarter of an hour of TCP.
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SEND_BUFFER_BYTES)
        with contextlib.suppress(AttributeError, OSError):
            wait_ms = int(settings.write_timeout_s * 2000)
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, wait_ms)
        listening.bind(address)
        listening.listen(_BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRNOTAVAIL:
            raise UsageError(
                f"cannot listen on {where}: this machine has no such address; name one of its own"
            ) from error
        raise DeviceError(
            f"cannot listen on {where}: {error.strerror}; stop what uses it or take another port"
        ) from error
    return listening
