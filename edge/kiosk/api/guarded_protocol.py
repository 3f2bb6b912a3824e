"""HTTP/1.1 connections whose every phase ends in time.

uvicorn bounds neither how long a client may take for its headers nor how long it may leave an
answer unread. Here one sweep over all open connections, a few times a second, looks at what
each is waiting for and ends those that waited too long.
"""

from __future__ import annotations

import asyncio
import http
import time
from collections.abc import Callable
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import (  # noqa: TID253 - only `edge-kiosk serve` comes here
    H11Protocol,
)

from edge.kiosk.api.problems import PROBLEM_TYPE, ProblemError, busy
from edge.kiosk.api.settings import ApiSettings, is_loopback

__all__ = ["ConnectionTable", "GuardedProtocol"]

SWEEP_S = 0.25

_LINGER_S = 2.0
_STREAM_PATH = "/v1/events"
_ADDRESS_SHARE = 4


class ConnectionTable:
    """The open connections of one server.

    Args:
        settings: timeouts and the most connections.
        note_client: as `KioskView.note_client`; told of those that are dropped.
    """

    def __init__(
        self, settings: ApiSettings, note_client: Callable[[str, str], None] = lambda *_: None
    ) -> None:
        self.settings = settings
        self.note_client = note_client
        self._open: set[GuardedProtocol] = set()

    def add(self, connection: GuardedProtocol) -> None:
        """Take a new one; where there are too many, an idle one makes room or it is refused."""
        self._open.add(connection)
        address = connection.address
        # Connections of this machine are not held against one another: they share an address.
        if not is_loopback(address):
            mine = sum(each.address == address for each in self._open)
            if mine > max(1, self.settings.max_connections // _ADDRESS_SHARE):
                connection.refuse(busy("connections", f"{address} has too many connections"))
                return
        live = [each for each in self._open if not each.transport.is_closing()]
        if len(live) > self.settings.max_connections:
            idle = [each for each in live if each.is_idle and each is not connection]
            if idle:
                min(idle, key=lambda each: each.since_s).transport.close()
            else:
                connection.refuse(busy("connections", "too many connections are open"))

    def remove(self, connection: GuardedProtocol) -> None:
        """Forget one that is closed."""
        self._open.discard(connection)

    async def sweep_for_ever(self) -> None:
        """End what waited too long, until cancelled."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now_s = time.monotonic()
            for connection in list(self._open):
                connection.check(now_s)

    def close_streams(self) -> None:
        """End the event streams, which would not end by themselves."""
        for connection in list(self._open):
            if connection.is_streaming:
                connection.transport.close()

    def abort(self) -> None:
        """Drop all that are left."""
        for connection in list(self._open):
            connection.transport.abort()


class GuardedProtocol(H11Protocol):
    """One connection.

    `table` is set on a subclass by who serves: uvicorn makes the objects.
    """

    table: ConnectionTable

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.since_s = time.monotonic()
        self._requests = 0
        self._phase: tuple[str, int] = ("new", 0)
        self._unsent_since_s: float | None = None

    @property
    def address(self) -> str:
        """Of the client."""
        return self.client[0] if self.client else ""

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a request of which nothing has come."""
        return self._wait()[0] in {"new", "idle"}

    @property
    def is_streaming(self) -> bool:
        """Whether it carries an event stream."""
        return self._is_answering() and self.scope["path"] == _STREAM_PATH

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take the connection, or refuse it."""
        super().connection_made(transport)
        self.table.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self.table.remove(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Feed the parser, unless the connection is refused already."""
        if not self.transport.is_closing():
            super().data_received(data)

    def on_response_complete(self) -> None:
        """Count, so that the wait for the next request is told from the last."""
        self._requests += 1
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """Answer what is no HTTP; h11 would say 501 for codings that it does not know."""
        if len(self.conn.trailing_data[0]) > (self.config.h11_max_incomplete_event_size or 0):
            problem = ProblemError(431, "headers_too_large", "the headers are too large")
        else:
            problem = ProblemError(400, "http_malformed", msg)
        self.refuse(problem)

    def refuse(self, problem: ProblemError) -> None:
        """Answer without the application, where nothing is answered yet, and close."""
        cycle = self.cycle
        has_begun = self._is_answering() and cycle.response_started
        if self._is_answering():
            cycle.disconnected = True
            cycle.message_event.set()
        if not has_begun and not self.transport.is_closing():
            self.transport.write(_raw_answer(problem))
        self.transport.close()

    def check(self, now_s: float) -> None:
        """End it where it waited too long.

        Args:
            now_s: monotonic time.
        """
        if not self.transport.get_write_buffer_size():
            self._unsent_since_s = None
        elif self._unsent_since_s is None:
            self._unsent_since_s = now_s
        elif now_s - self._unsent_since_s > self.table.settings.write_timeout_s:
            self.table.note_client("client_slow", "a client that does not read was dropped")
            self.transport.abort()
            return
        name, limit_s = self._wait()
        if (name, self._requests) != self._phase:
            self._phase = (name, self._requests)
            self.since_s = now_s
        elif limit_s is not None and now_s - self.since_s > limit_s:
            self._end(name)

    def _wait(self) -> tuple[str, float | None]:
        """What it waits for, and how long it may; None: what it waits for has its own limit."""
        settings = self.table.settings
        if self.transport.is_closing():
            return "closing", settings.write_timeout_s
        if self._is_answering():
            return "answer", None
        if self.cycle is not None and self.conn.their_state is h11.SEND_BODY:
            # Answered before all was sent: what still comes is thrown away, for a moment, so
            # that the client reads the answer instead of a reset.
            return "rest", _LINGER_S
        if self.conn.trailing_data[0]:
            return "head", settings.header_timeout_s
        if not self._requests:
            return "new", settings.header_timeout_s
        return "idle", settings.idle_timeout_s

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _end(self, name: str) -> None:
        if name == "head":
            self.refuse(ProblemError(408, "headers_slow", "the headers came too slowly"))
        elif name in {"new", "idle"}:
            self.transport.close()
        else:
            self.transport.abort()


def _raw_answer(problem: ProblemError) -> bytes:
    body = problem.body()
    status = http.HTTPStatus(problem.status)
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        f"Content-Type: {PROBLEM_TYPE}",
        f"Content-Length: {len(body)}",
        "Cache-Control: no-store",
        "X-Content-Type-Options: nosniff",
        "Connection: close",
        *(f"{name}: {value}" for name, value in problem.headers.items()),
    ]
    return "\r\n".join([*lines, "", ""]).encode() + body
