"""Serves a pretended kiosk on real sockets, in a thread of its own."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

import pytest
from fake_kiosk import FakeKiosk

from edge.kiosk.api.app import create_app
from edge.kiosk.api.http_server import HttpServer
from edge.kiosk.api.settings import ApiSettings
from edge.kiosk.api.unix_socket import UnixSocketServer

DEADLINE_S = 30.0
QUICK = ApiSettings(port=0, requests_per_second=10_000.0)


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back over HTTP."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The stable word of a problem."""
        assert self.headers["content-type"] == "application/problem+json"
        return self.json()["code"]


class Served:
    """A kiosk that is being served; everything is done on its loop's thread by `do`."""

    def __init__(self, settings: ApiSettings) -> None:
        self.settings = settings
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, daemon=True)
        self._thread.start()
        self.unix_socket: UnixSocketServer | None = None
        self.run(self._start())
        self.port = self.server.port

    def run(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(DEADLINE_S)

    def do(self, call: Callable[..., Any], *arguments: Any) -> Any:
        async def there() -> Any:
            return call(*arguments)

        return self.run(there())

    def show(self, scene: str) -> None:
        self.do(self.kiosk.show, scene)

    def request(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None
    ) -> Reply:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE_S)
        try:
            connection.request(method, path, body=body, headers=headers or {})
            answer = connection.getresponse()
            fields = {name.lower(): value for name, value in answer.getheaders()}
            return Reply(answer.status, fields, answer.read())
        finally:
            connection.close()

    def get(self, path: str, **headers: str) -> Reply:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return self.request("GET", path, headers=named)

    def connect(self, receive_bytes: int = 0) -> socket.socket:
        """A bare connection; `receive_bytes` bounds what the kernel takes in for it."""
        client = socket.socket()
        if receive_bytes:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_bytes)
        client.settimeout(DEADLINE_S)
        client.connect(("127.0.0.1", self.port))
        return client

    def close(self) -> None:
        self.run(self._stop())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(DEADLINE_S)
        self.loop.close()

    async def _start(self) -> None:
        self.kiosk = FakeKiosk()
        app = create_app(self.kiosk, self.settings)
        self.server = HttpServer(app, self.settings, self.kiosk.note_client)
        await self.server.start()
        if self.settings.unix_socket is not None:
            self.unix_socket = UnixSocketServer(self.kiosk, self.settings)
            await self.unix_socket.start()

    async def _stop(self) -> None:
        await self.server.stop(0.5)
        if self.unix_socket is not None:
            await self.unix_socket.stop()


@pytest.fixture(scope="session")
def close_later() -> Iterator[Callable[[Served], None]]:
    """Close a kiosk while the next test runs: an orderly end takes a moment."""
    ends: list[Future[None]] = []
    with ThreadPoolExecutor(4) as pool:
        yield lambda served: ends.append(pool.submit(served.close))
    for end in ends:
        end.result()


@pytest.fixture
def serve(close_later: Callable[[Served], None]) -> Iterator[Callable[..., Served]]:
    """Serve a kiosk; keywords are settings that differ from those of a kiosk without haste."""
    opened: list[Served] = []

    def start(**changed: Any) -> Served:
        opened.append(Served(replace(QUICK, **changed)))
        return opened[-1]

    yield start
    for served in opened:
        close_later(served)


@pytest.fixture(scope="module")
def kiosk() -> Iterator[Served]:
    """One kiosk for the tests of a module that leave it as it was."""
    served = Served(QUICK)
    yield served
    served.close()


@pytest.fixture(scope="module")
def guarded() -> Iterator[Served]:
    """One that asks for the token `correct-horse-battery`."""
    served = Served(replace(QUICK, token="correct-horse-battery"))  # noqa: S106 - of a test
    yield served
    served.close()


@pytest.fixture
def staged(kiosk: Served) -> Iterator[Served]:
    """The same kiosk for a test that shows other scenes on it."""
    yield kiosk
    kiosk.kiosk.infer_error = None
    kiosk.show("answered")


@pytest.fixture
def eventually() -> Callable[[Callable[[], bool]], None]:
    """Wait until a condition holds."""

    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not condition():
            assert time.monotonic() < deadline, "it never came to be"
            time.sleep(0.02)

    return wait
